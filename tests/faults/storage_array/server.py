#!/usr/bin/python3
"""A storage array over HTTP that can be told to misbehave, for tests. Its client is src/drivers/lab_array.

  tests/faults/storage_array/server.py --directory DIR --listen 127.0.0.1:9000 [--pools one,two] [--copy-rate BYTES] [--hold SECONDS]

Bytes lie in sparse files DIR/POOL/NAME, which hosts open as they would open devices the array maps. Calls (JSON; the caller is in the
headers X-Node, X-Operation, X-Epoch, X-Generation):

  GET    /pools                           GET /pools/POOL/objects?after=&limit=       GET /pools/POOL/objects/NAME
  POST   /pools/POOL/objects/NAME/VERB    create {size} · extend {size} · snapshot {source_pool, source} ·
                                          clone {source_pool, source, size} · copy {token} · release {token}
  DELETE /pools/POOL/objects/NAME         PUT /pools/POOL/objects/NAME/data?offset=   (what a host writes)

  POST /control/faults {rates}            POST /control/script {method, object, fate, times}      GET /control/names/POOL (the truth)
  GET  /control/held (how many calls)     POST /control/release {}

A refusal is 409 with {"class", "message"}; a failure is 503. DIR/oracle.jsonl tells every call and effect."""
import argparse
import http.server
import itertools
import json
import pathlib
import select
import socket
import sys
import threading
import time
import urllib.parse

from faults import Faults, Oracle
from store import Refusal, Store

CALLS = itertools.count(1)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def answer(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Content-Type", "application/json")
        self._headers_buffer.append(b"\r\n" + data)
        self.flush_headers()

    def say_nothing(self):
        self.close_connection = True

    def setup(self):
        super().setup()
        self.held = {}  # (pool, name) -> token that came or went over this connection: a caller that dies loses it at once

    def finish(self):
        for (pool, name), token in self.held.items():
            self.server.store.release(pool, name, token)
        try:
            super().finish()
        except OSError:
            pass

    def handle_one_request(self):
        try:
            super().handle_one_request()
        except OSError:
            self.close_connection = True

    def serve(self):
        url = urllib.parse.urlsplit(self.path)
        self.query = dict(urllib.parse.parse_qsl(url.query))
        parts = url.path.strip("/").split("/")
        length = int(self.headers.get("Content-Length") or 0)
        self.body = self.rfile.read(length) if length else b""
        self.caller = {"call": next(CALLS), "node": self.headers.get("X-Node", ""), "operation": self.headers.get("X-Operation", ""),
                       "epoch": int(self.headers.get("X-Epoch") or 0), "generation": int(self.headers.get("X-Generation") or 0)}
        if parts[0] == "control":
            return self.control(parts[1:])
        if parts == ["pools"]:
            return self.meet("pools", "", "", lambda half: (False, {"pools": self.server.store.pools()}))
        if len(parts) == 3:
            return self.meet("list", parts[1], "", lambda half: (False, {"names": self.listing(parts[1])}))
        return self.object_call(parts[1], parts[3], parts[4] if len(parts) > 4 else "")

    do_GET = do_POST = do_DELETE = do_PUT = serve

    def listing(self, pool):
        faults = self.server.faults
        stale_by = faults.random.uniform(0, 5) if faults.happens("stale_list") else 0.0
        without = (lambda name: faults.random.random() < 0.5) if faults.happens("partial_list") else (lambda name: False)
        names = [name for name in self.server.store.names(pool, stale_by, without) if name > self.query.get("after", "")]
        return names[:int(self.query.get("limit", 1000))]

    def object_call(self, pool, name, verb):
        store = self.server.store
        if self.command == "GET":
            return self.meet("probe", pool, name, lambda half: (False, store.probe(pool, name)))
        if self.command == "DELETE":
            return self.meet("remove", pool, name, lambda half: store.remove(pool, name))
        if self.command == "PUT":
            store.write(pool, name, int(self.query["offset"]), self.body)
            return self.answer(200, {})
        arguments = json.loads(self.body or b"{}")
        known = {"create": store.create, "extend": store.extend, "snapshot": store.snapshot, "clone": store.clone, "copy": store.copy, "release": store.release}
        if verb not in known:
            return self.answer(404, {"class": "permanent", "message": f"no such call: {verb}"})
        halves = verb in ("create", "clone")
        return self.meet(verb, pool, name, lambda half: known[verb](pool, name, **arguments, **({"half": True} if half and halves else {})))

    def meet(self, method, pool, name, act):
        """One call: its fate, its effect, its answer."""
        server, caller = self.server, self.caller
        server.oracle.note("call", caller, method, pool, name)
        fate, latency, delay = server.faults.draw(method, name)
        time.sleep(latency)

        def effect(half=False):
            try:
                server.store.see_generation(caller["generation"])
                changed, out = act(half)
            except Refusal as refusal:
                server.oracle.note("effect", caller, method, pool, name, refusal.kind)
                return 409, {"class": refusal.kind, "message": str(refusal)}
            except OSError as failure:
                return 503, {"class": "no_space" if failure.errno == 28 else "transient", "message": str(failure)}
            server.oracle.note("effect", caller, method, pool, name, "ok", changed)
            if "token" in out:
                self.held[(pool, name)] = out["token"]
            return 200, out

        if fate == "held":
            server.faults.hold()
        if fate == "hang":
            select.select([self.connection], [], [], 60)  # until the caller hangs up
            return self.say_nothing()
        if fate == "error":
            return self.answer(503, {"class": "transient", "message": "injected: the array is not well"})
        if fate == "delayed":
            threading.Timer(delay, effect).start()
            return self.say_nothing()
        status, out = effect(fate == "partial")
        if fate == "twice":
            status, out = effect()
        if fate == "lost_reply":
            return self.say_nothing()
        if fate == "partial" and method in ("create", "clone"):
            status, out = 503, {"class": "transient", "message": "injected: failed half way"}
        server.oracle.note("answer", caller, method, pool, name, str(status))
        return self.answer(status, out)

    def control(self, parts):
        faults = self.server.faults
        if parts[0] == "faults":
            faults.set(json.loads(self.body or b"{}"))
            return self.answer(200, {})
        if parts[0] == "script":
            one = json.loads(self.body)
            faults.script(one.get("method", "*"), one.get("object", ""), one["fate"], one.get("times", 1))
            return self.answer(200, {})
        if parts[0] == "held":
            return self.answer(200, {"held": faults.held})
        if parts[0] == "release":
            faults.release()
            return self.answer(200, {})
        return self.answer(200, {"names": self.server.store.names(parts[1])})


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)

    def server_bind(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        super().server_bind()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--directory", required=True, type=pathlib.Path)
    parser.add_argument("--listen", default="127.0.0.1:0")
    parser.add_argument("--pools", default="one,two")
    parser.add_argument("--total", type=int, default=1 << 50, help="bytes of a pool")
    parser.add_argument("--copy-rate", type=int, default=0, help="bytes per second of clones; 0: at once")
    parser.add_argument("--hold", type=float, default=10.0, help="seconds that a copy stays its caller's without a sign of life, while the connection stands")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    address, port = options.listen.rsplit(":", 1)
    server = Server((address, int(port)), Handler)
    server.store = Store(options.directory, options.pools.split(","), options.total, options.copy_rate, options.hold)
    server.faults, server.oracle = Faults(options.seed), Oracle(options.directory / "oracle.jsonl")
    print(f"http://{address}:{server.server_address[1]}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
