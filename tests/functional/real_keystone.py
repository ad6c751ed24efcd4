"""A real Keystone with SQLite in a directory of its own, on loopback."""
import os
import pathlib
import sqlite3
import subprocess
import sys

from node import ask, free_port, wait_until

# One request at a time: Keystone's threads lock each other out of SQLite.
SERVE = """
import os
from wsgiref.simple_server import make_server
from keystone.server import wsgi
make_server("127.0.0.1", int(os.environ["KEYSTONE_PORT"]), wsgi.initialize_public_application()).serve_forever()
"""


class RealKeystone:
    password = "admin's pass"

    def __init__(self, folder, token_life):
        self.folder = pathlib.Path(folder)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/v3"
        self.process = None
        (self.folder / "keystone.conf").write_text(f"""[DEFAULT]
log_file = {self.folder}/keystone.log
[database]
connection = sqlite:///{self.folder}/keystone.db
[token]
expiration = {token_life}
[fernet_tokens]
key_repository = {self.folder}/fernet
[credential]
key_repository = {self.folder}/credential
[identity]
password_hash_rounds = 4
""")
        self.environment = {**os.environ, "OS_KEYSTONE_CONFIG_FILES": str(self.folder / "keystone.conf")}
        owner = ["--keystone-user", str(os.getuid()), "--keystone-group", str(os.getgid())]
        self.manage("db_sync")
        with sqlite3.connect(self.folder / "keystone.db") as database:
            database.execute("PRAGMA journal_mode = WAL")  # else Keystone's own readers lock its writers out
        self.manage("fernet_setup", *owner)
        self.manage("credential_setup", *owner)
        self.manage("bootstrap", "--bootstrap-password", self.password, "--bootstrap-admin-url", self.url, "--bootstrap-internal-url", self.url,
                    "--bootstrap-public-url", self.url, "--bootstrap-region-id", "RegionOne")

    def manage(self, *words):
        done = subprocess.run(["keystone-manage", "--config-file", str(self.folder / "keystone.conf"), *words], env=self.environment, capture_output=True,
                              text=True, timeout=300)
        assert done.returncode == 0, done.stderr

    def start(self):
        with open(self.folder / "out", "ab") as out:
            self.process = subprocess.Popen([sys.executable, "-c", SERVE], env={**self.environment, "KEYSTONE_PORT": str(self.port)}, stdout=out, stderr=out)

        def answers():
            assert self.process.poll() is None, (self.folder / "out").read_text()[-2000:]
            try:
                return ask("GET", self.url).status == 200
            except OSError:
                return False

        wait_until(answers, 60)
        return self

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait(timeout=30)
            self.process = None

    def log_in(self, user, password, **scope):
        """A token; without a scope it is for the project of the same name as the user."""
        scope = scope or {"project": {"name": user, "domain": {"id": "default"}}}
        identity = {"methods": ["password"], "password": {"user": {"name": user, "domain": {"id": "default"}, "password": password}}}
        reply = ask("POST", self.url + "/auth/tokens", {"auth": {"identity": identity, "scope": scope}})
        assert reply.status == 201, reply.body
        return reply.headers["X-Subject-Token"], reply.json()["token"]

    def admin(self, method, path, body=None):
        token, _ = self.log_in("admin", self.password)
        reply = ask(method, self.url + path, body, X_Auth_Token=token)
        assert reply.status < 300, reply.body
        return reply.json() if reply.body else None

    def add_user(self, name, *roles):
        """A user with the password `pass` and these roles in a project of its own."""
        project = self.admin("POST", "/projects", {"project": {"name": name, "domain_id": "default"}})["project"]["id"]
        user = self.admin("POST", "/users", {"user": {"name": name, "password": "pass", "domain_id": "default"}})["user"]["id"]
        for role in roles:
            found = self.admin("GET", "/roles?name=" + role)["roles"]
            role_id = found[0]["id"] if found else self.admin("POST", "/roles", {"role": {"name": role}})["role"]["id"]
            self.admin("PUT", f"/projects/{project}/users/{user}/roles/{role_id}")
        return project
