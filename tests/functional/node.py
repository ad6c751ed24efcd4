"""A Scoria of its own for a test: a directory, a free port on loopback, stopped by SIGTERM and required to end well."""
import json
import os
import pathlib
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BINARY = os.environ.get("SCORIA_BINARY") or str(pathlib.Path(os.environ.get("SCORIA_BUILD", ROOT / "build/debug")).resolve() / "bin/scoria")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_until(what, seconds=20.0, pause=0.05):
    """Asks `what` until it says something true; that is returned."""
    end = time.monotonic() + seconds
    while True:
        answer = what()
        if answer:
            return answer
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(pause)


class Reply:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)


def ask(method, url, body=None, **headers):
    """One HTTP request; any status is an answer. Header names are written with underscores."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, method=method)
    for name, value in headers.items():
        request.add_header(name.replace("_", "-"), value)
    if data is not None:
        request.add_header("Content-Type", "application/json")
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return Reply(answer.status, answer.headers, answer.read())
    except urllib.error.HTTPError as error:
        return Reply(error.code, error.headers, error.read())


class Node:
    def __init__(self, folder, *settings, files=()):
        self.folder = pathlib.Path(folder)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.settings = [f"DEFAULT.state_path={self.folder}", f"DEFAULT.osapi_volume_listen_port={self.port}", *settings]
        self.files = files
        self.process = None

    def launch(self):
        command = [BINARY, "serve"]
        for file in self.files:
            command += ["--config-file", str(file)]
        for setting in self.settings:
            command += ["--set", setting]
        with open(self.folder / "out", "ab") as out, open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(command, stdout=out, stderr=log, stdin=subprocess.DEVNULL)

    def start(self):
        self.launch()
        wait_until(self.answers, 60)
        return self

    def answers(self):
        assert self.process.poll() is None, (self.folder / "log").read_text()[-2000:]
        try:
            return ask("GET", self.url + "/healthcheck").status == 200
        except OSError:
            return False

    def log(self):
        return (self.folder / "log").read_text()

    def stop(self):
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        self.process = None
        assert code == 0, self.log()[-2000:]

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()
