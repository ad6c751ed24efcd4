"""What clients saw: a file with a JSON line for each call that went out and one for what came back."""
import itertools
import json
import threading
import time


class Recorder:
    def __init__(self, path):
        self.lock, self.numbers, self.file = threading.Lock(), itertools.count(1), open(path, "a", buffering=1 << 16)

    def write(self, line):
        with self.lock:
            self.file.write(json.dumps(line) + "\n")

    def invoke(self, client, method, path, body):
        number = next(self.numbers)
        self.write({"call": number, "type": "invoke", "at": time.monotonic(), "client": client, "method": method, "path": path, "body": body})
        return number

    def returned(self, number, kind, reply=None):
        """ok, fail (it is certain that nothing happened) or unknown (it may have happened, or happen yet)"""
        line = {"call": number, "type": kind, "at": time.monotonic()}
        if reply is not None:
            line.update(status=reply.status, request_id=reply.request_id)
            if len(reply.text) < 20000:
                line["reply"] = reply.text.decode(errors="replace")
        self.write(line)

    def close(self):
        with self.lock:
            self.file.close()


class Call:
    """A call with its outcome. `back` is infinite for one that has none."""

    def __init__(self, invoke):
        self.number, self.begun, self.client = invoke["call"], invoke["at"], invoke["client"]
        self.method, self.path, self.body = invoke["method"], invoke["path"], invoke["body"]
        self.kind, self.back, self.status, self.request_id, self.reply = "unknown", float("inf"), None, None, None

    def came_back(self, line):
        self.kind, self.status, self.request_id = line["type"], line.get("status"), line.get("request_id")
        if self.kind != "unknown":
            self.back = line["at"]
        try:
            self.reply = json.loads(line.get("reply") or "null")
        except ValueError:
            self.reply = None

    def __repr__(self):
        return f"{self.method} {self.path} {json.dumps(self.body) if self.body else ''} -> {self.kind} {self.status or ''}"


def read(path):
    """Calls in the order of their begin."""
    calls = {}
    with open(path) as file:
        for text in file:
            line = json.loads(text)
            if line["type"] == "invoke":
                calls[line["call"]] = Call(line)
            else:
                calls[line["call"]].came_back(line)
    return list(calls.values())
