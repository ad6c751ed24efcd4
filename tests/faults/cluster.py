"""Scoria as processes: nodes that can be killed and started again, their database seen from outside, a client that knows what it
does not know. Shares no code with the server."""
import http.client
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

BUILD = pathlib.Path(os.environ.get("SCORIA_BUILD", "build/release")).resolve()
PROJECT = "0123456789abcdef0123456789abcdef"
BACKENDS = ("plain", "copying")

# Each call of the backend takes 20 to 500 ms somewhere in its middle, so that kills hit it half done. Chunks of copies are slow.
LATENCY = ";".join([
    "driver.file.publish.described=delay(20,500)", "driver.file.remove.renamed=delay(20,500)", "driver.file.extend.before=delay(20,250)",
    "driver.file.extend.grown=delay(0,250)", "driver.file.freeze.overlay=delay(0,200)", "driver.file.freeze.renamed=delay(0,200)",
    "driver.file.copy.chunk=delay(50,400)", "driver.file.flatten.copied=delay(20,300)", "exports.nbd.recorded=delay(10,200)",
    "exports.nbd.served=delay(10,200)", "exports.nbd.doomed=delay(20,300)"])


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Postgres:
    """One psql that stays; made again when the server ended it."""

    def __init__(self, url):
        self.lock, self.url, self.psql = threading.Lock(), url, None
        self.open()

    def open(self):
        self.psql = subprocess.Popen(["psql", self.url, "-AtXq", "-F", "\t", "-P", "null="], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def ask(self, sql):
        """Lines of the answer; None when the server is not there."""
        try:
            self.psql.stdin.write(sql + ";\n\\echo --end\n")
            self.psql.stdin.flush()
        except OSError:
            return None
        lines = []
        for line in self.psql.stdout:
            if line == "--end\n":
                lost = any("server closed the connection" in one or "connection to server" in one or "FATAL:" in one or "not currently connected" in one for one in lines)
                return None if lost else lines
            lines.append(line.rstrip("\n"))
        return None

    def rows(self, sql, patience=90):
        end = time.monotonic() + patience
        with self.lock:
            while (lines := self.ask(sql)) is None:
                self.close()
                if time.monotonic() > end:
                    raise RuntimeError("the database does not answer")
                time.sleep(0.1)
                self.open()
        wrong = [line for line in lines if "ERROR:" in line]
        if wrong:
            raise RuntimeError(wrong[0])
        return [line.split("\t") for line in lines]

    def close(self):
        try:
            self.psql.stdin.close()
        except OSError:
            pass
        self.psql.wait()


class Mariadb:
    """One mariadb client that stays. Of several hosts the first that answers is asked."""

    def __init__(self, hosts, user, password, database):
        self.hosts, self.login, self.database = hosts, (user, password), database
        self.lock, self.client = threading.Lock(), None

    def connect(self):
        """None if nobody answers."""
        for host, port in self.hosts:
            command = ["mariadb", "--no-defaults", "-h", host, "-P", str(port), "-u", self.login[0], f"-p{self.login[1]}", "-NBnr", "--force", "--connect-timeout=3",
                       "--init-command=SET SESSION sql_mode='ANSI_QUOTES,PIPES_AS_CONCAT', SESSION wsrep_sync_wait=1", self.database]
            client = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            if self.ask(client, "SELECT 1") == [["1"]]:
                return client
            client.kill()
            client.wait()
        return None

    def ask(self, client, sql):
        """None if the client or its connection has gone."""
        try:
            client.stdin.write(sql.replace("groups", '"groups"') + ";\nSELECT '--end';\n")
            client.stdin.flush()
        except OSError:
            return None
        rows = []
        for line in client.stdout:
            if line == "--end\n":
                return rows
            if line.startswith("ERROR "):
                return None
            rows.append(["" if cell == "NULL" else cell for cell in line.rstrip("\n").split("\t")])
        return None

    def rows(self, sql, patience=90):
        end = time.monotonic() + patience
        with self.lock:
            while True:
                self.client = self.client or self.connect()
                found = self.client and self.ask(self.client, sql)
                if found is not None:
                    return found
                self.close()
                if time.monotonic() > end:
                    raise RuntimeError(f"MariaDB does not answer: {sql[:100]}")
                time.sleep(0.5)

    def close(self):
        if self.client:
            self.client.kill()
            self.client.wait()
            self.client = None


class Sqlite:
    def __init__(self, path):
        self.path = path

    def rows(self, sql):
        connection = sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, timeout=20)
        try:
            return [["" if cell is None else str(cell) for cell in row] for row in connection.execute(sql)]
        finally:
            connection.close()

    def close(self):
        pass


def file_backends(directory):
    """Two that share directories; copies of the second move bytes as soon as there is a second layer."""
    out = {backend: {"volume_driver": "file", "file_directories": f"pool={directory}/{backend}"} for backend in BACKENDS}
    out["copying"]["file_layer_limit"] = 1
    return out


class Node:
    """`machine`: a net.Host, its name space and address."""

    def __init__(self, name, directory, connection, cluster, backends=None, machine=None):
        self.name, self.directory, self.machine = name, directory, machine
        self.address, self.port = (machine.address, 8776) if machine else ("127.0.0.1", free_port())
        self.process, self.slowest_start, self.environment, self.log_directory = None, 0.0, {"SCORIA_FAILPOINTS": LATENCY}, directory
        self.wrapper = []  # words before the command
        backends = backends or file_backends(directory)
        settings = {"DEFAULT.state_path": directory / name, "DEFAULT.host": name, "DEFAULT.osapi_volume_listen": self.address,
                    "DEFAULT.osapi_volume_listen_port": self.port,
                    "DEFAULT.auth_strategy": "noauth", "DEFAULT.quota_volumes": -1, "DEFAULT.quota_gigabytes": -1, "DEFAULT.quota_snapshots": -1,
                    "DEFAULT.enabled_backends": ",".join(backends), "exports.state_directory": directory / "x",
                    "backend_defaults.target_protocol": "nbd", "backend_defaults.max_over_subscription_ratio": 100000}
        settings.update({f"{backend}.{key}": value for backend, own in backends.items() for key, value in own.items()})
        if connection:
            settings["database.connection"] = connection
        if cluster:
            settings["DEFAULT.cluster"] = cluster
        self.arguments = [str(BUILD / "bin/scoria"), "serve"]
        for key, value in settings.items():
            self.arguments += ["--set", f"{key}={value}"]
        (directory / name).mkdir(exist_ok=True)

    def start(self):
        command = [*self.wrapper, *(self.machine.words(*self.arguments) if self.machine else self.arguments)]
        with open(self.log_directory / f"{self.name}.log", "ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=dict(os.environ, **self.environment))

    def wait_for_answer(self, seconds=30):
        begun = time.monotonic()
        while True:
            try:
                connection = http.client.HTTPConnection(self.address, self.port, timeout=5)
                connection.request("GET", "/healthcheck")
                if connection.getresponse().status == 200:
                    self.slowest_start = max(self.slowest_start, time.monotonic() - begun)
                    return
            except OSError:
                pass
            if self.process.poll() is not None or time.monotonic() - begun > seconds:
                raise RuntimeError(f"{self.name} does not answer: {self.log()[-2000:]}")
            time.sleep(0.01)

    def log(self):
        return (self.log_directory / f"{self.name}.log").read_text(errors="replace")

    def kill(self):
        """When it died, by the clock that the database uses too."""
        at = time.time()
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        return at

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60)


class Cluster:
    def __init__(self, directory, names, connection, database):
        self.directory, self.database = directory, database
        for backend in BACKENDS:
            (directory / backend).mkdir()
        self.nodes = []
        for name in names:
            node = Node(name, directory, connection, "all" if len(names) > 1 else "")
            if self.nodes:  # one deployment, one key
                shutil.copy(directory / names[0] / "sealing.key", directory / name / "sealing.key")
            self.nodes.append(node)
            node.start()
            node.wait_for_answer()

    def end(self):
        for node in self.nodes:
            if node.process and node.process.poll() is None:
                node.process.kill()
                node.process.wait()
        end_daemons(self.directory)
        self.database.close()


def daemons_in(directory):
    """Storage daemons that work in that directory: they outlive their nodes."""
    mark, out = str(directory).encode(), []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if mark in command and b"qemu-storage-daemon" in command.split(b"\0")[0]:
                out.append(int(entry.name))
    return out


def end_daemons(directory):
    for pid in daemons_in(directory):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def in_folder(prefix, make_cluster, work, keep=False):
    """What `work` makes of the cluster that `make_cluster` starts in a new folder; whatever comes, all of it is taken away."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("told to end"))  # and take everything away
    directory = pathlib.Path(tempfile.mkdtemp(prefix=prefix))
    cluster = None
    try:
        cluster = make_cluster(directory)
        return work(cluster)
    finally:
        if cluster:
            cluster.end()
        if keep:
            print(f"left: {directory}")
        else:
            shutil.rmtree(directory, ignore_errors=True)


class Unknown(Exception):
    """The request went out and no answer says what became of it."""


class Reply:
    def __init__(self, status, text, request_id):
        self.status, self.text, self.request_id = status, text, request_id

    def json(self):
        return json.loads(self.text) if self.text else None


class Client:
    """Of one thread. Goes to any node; one that cannot be reached was asked nothing, so the next one is. `history`: a
    history.Recorder that is told every call."""

    def __init__(self, nodes, seed, history=None, name=""):
        self.nodes, self.random, self.history, self.name = nodes, random.Random(seed), history, name
        self.unknown, self.failures = 0, []

    def connect(self, patience):
        end = time.monotonic() + patience
        while True:
            node = self.random.choice(self.nodes)
            connection = http.client.HTTPConnection(node.address, node.port, timeout=2)
            try:
                connection.connect()
                connection.sock.settimeout(90)
                return connection
            except OSError:
                connection.close()
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)

    def ask(self, method, path, body=None, patience=60):
        connection = self.connect(patience)
        call = self.history.invoke(self.name, method, path, body) if self.history else None
        path = path if path.startswith("/scoria") else f"/v3/{PROJECT}{path}"
        headers = {"X-Auth-Token": f"admin:{PROJECT}", "Content-Type": "application/json", "OpenStack-API-Version": "volume 3.71"}
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            reply = Reply(answer.status, answer.read(), answer.headers.get("x-openstack-request-id"))
        except (OSError, http.client.HTTPException) as lost:
            self.unknown += 1
            if self.history:
                self.history.returned(call, "unknown")
            raise Unknown(str(lost)) from lost
        finally:
            connection.close()
        if self.history:
            self.history.returned(call, "ok" if reply.status < 400 else "fail" if reply.status < 500 else "unknown", reply)
        if reply.status >= 500:
            self.failures.append(f"{method} {path}: {reply.status} {reply.text[:300]!r}")
            raise Unknown(f"{reply.status}")
        return reply

    def insist(self, method, path, body=None, patience=90):
        """For what may be done twice: until there is an answer."""
        end = time.monotonic() + patience
        while True:
            try:
                return self.ask(method, path, body)
            except Unknown:
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)
