"""A storage array (storage_array/server.py) on loopback, as a process of a test."""
import json
import pathlib
import subprocess
import sys
import urllib.request

SERVER = pathlib.Path(__file__).resolve().parent / "storage_array/server.py"


class LocalArray:
    def __init__(self, directory, copy_rate=0):
        directory.mkdir()
        self.directory = directory
        command = [sys.executable, SERVER, "--directory", directory, "--pools", "pool", "--copy-rate", str(copy_rate)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()

    def settings(self):
        return {"volume_driver": "lab_array", "lab_array_url": self.url}

    def control(self, what, body=None):
        request = urllib.request.Request(f"{self.url}/control/{what}", None if body is None else json.dumps(body).encode())
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.loads(answer.read())

    def end(self):
        self.process.kill()
        self.process.wait()
