"""A Scoria for the benchmark, and what can be seen of it from outside."""
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Node:
    def __init__(self, build, folder, connection):
        self.binary, self.folder, self.process, self.port = build / "bin" / "scoria", folder, None, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.token = None
        self.settings = {
            "DEFAULT.state_path": folder, "DEFAULT.host": "bench", "DEFAULT.osapi_volume_listen_port": self.port, "DEFAULT.enabled_backends": "array",
            "array.volume_driver": "fake", "DEFAULT.auth_strategy": "local", "DEFAULT.quota_volumes": 10**8, "DEFAULT.quota_gigabytes": 10**9,
            "database.connection": connection}

    def start(self, path, token=""):
        """Starts it; seconds until it first answered `path` (None: until its API's versions) well."""
        command = [self.binary, "serve"]
        for name, value in self.settings.items():
            command += ["--set", f"{name}={value}"]
        begun = time.monotonic()
        with open(self.folder / "out", "ab") as out, open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(command, stdout=out, stderr=log, stdin=subprocess.DEVNULL)
        request = f"GET {path or '/'} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Auth-Token: {token}\r\nConnection: close\r\n\r\n".encode()
        while True:
            if self.process.poll() is not None:
                raise RuntimeError(self.log()[-2000:])
            if self.answers(request, b"HTTP/1.1 200" if path else b"HTTP/1.1 300"):
                return time.monotonic() - begun
            if time.monotonic() > begun + 60:
                raise RuntimeError("no answer within a minute: " + self.log()[-2000:])
            time.sleep(0.002)

    def answers(self, request, wanted):
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as s:
                s.sendall(request)
                return s.recv(12) == wanted
        except OSError:
            return False

    def log(self):
        return (self.folder / "log").read_text()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=60)
        self.process = None
        if code != 0:
            raise RuntimeError(f"scoria ended with {code}: " + self.log()[-2000:])

    def end(self):
        """Whatever state it is in."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def ask(self, method, path, body=None, token=None, project_of=None):
        headers = {"Content-Type": "application/json", **({"X-Auth-Token": token} if token else {})}
        request = urllib.request.Request(self.url + path, data=None if body is None else json.dumps(body).encode(), method=method, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                text = answer.read()
                return answer.headers, json.loads(text) if text else None
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"{method} {path}: {error.code} {error.read()[:500]}") from error

    def login(self, name, password, project_id=None, project_name=None):
        project = {"id": project_id} if project_id else {"name": project_name, "domain": {"id": "default"}}
        body = {"auth": {"identity": {"methods": ["password"], "password": {"user": {"name": name, "domain": {"id": "default"}, "password": password}}},
                         "scope": {"project": project}}}
        headers, _ = self.ask("POST", self.identity_path + "/auth/tokens", body)
        return headers["X-Subject-Token"]

    def log_in(self):
        """As the admin that the first start made."""
        words = dict(re.findall(r"^\s*(\w+): *['\"]?(.*?)['\"]?$", (self.folder / "clouds.yaml").read_text(), re.M))
        self.identity_path = words["auth_url"].replace(self.url, "").rstrip("/")
        if not self.identity_path.endswith("/v3"):
            self.identity_path += "/v3"
        self.token = self.login(words["username"], words["password"], project_name=words["project_name"])

    def identity(self, method, path, body=None):
        return self.ask(method, self.identity_path + path, body, self.token)[1]

    def wait_for_pool(self, project, token):
        """The first report has come when a volume can be made."""
        volume = self.ask("POST", f"/v3/{project}/volumes", {"volume": {"size": 1}}, token)[1]["volume"]["id"]
        end = time.monotonic() + 30
        while self.ask("GET", f"/v3/{project}/volumes/{volume}", token=token)[1]["volume"]["status"] != "available":
            if time.monotonic() > end:
                raise RuntimeError("the first volume did not become available: " + self.log()[-2000:])
            time.sleep(0.05)

    def resident_mib(self):
        return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{self.process.pid}/status").read_text()).group(1)) / 1024

    def cpu_seconds(self):
        words = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")
