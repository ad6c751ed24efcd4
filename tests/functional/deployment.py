"""What the tests of the API and its clients run on. By default a Node: one process with the embedded database. With
SCORIA_TEST_NODES=N a Cluster: N equal nodes on one PostgreSQL and shared directories; with SCORIA_TEST_SPREAD=1 as well, each
request goes to another node than the one before. run_on_nodes.py sets these.

A test that is about one process says so, with its reason: @one_node("why"), or pytestmark for a whole file."""
import collections
import os
import pathlib
import re
import shutil
import socket
import subprocess
import threading
import uuid

import pytest

from node import Node, wait_until

NODES = int(os.environ.get("SCORIA_TEST_NODES", "0"))
SPREAD = os.environ.get("SCORIA_TEST_SPREAD", "0") == "1"
TURNS = NODES if SPREAD else 1  # requests until the first node is asked again


def one_node(reason):
    return pytest.mark.one_node(reason)


class Front:
    """One address for several nodes: each request goes to the next of them. A connection carries one request."""

    asked = collections.Counter()  # node name -> requests, of all fronts of this run

    def __init__(self, targets):
        """`targets`: (name, port) of each node; they need not listen yet."""
        self.targets, self.turn, self.lock = targets, 0, threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.relay, args=[client], daemon=True).start()

    def next(self):
        with self.lock:
            name, port = self.targets[self.turn % len(self.targets)]
            self.turn += 1
            self.asked[name] += 1
        return port

    def relay(self, client):
        with client:
            head = b""
            while b"\r\n\r\n" not in head:
                more = client.recv(65536)
                if not more:
                    return
                head += more
            try:
                node = socket.create_connection(("127.0.0.1", self.next()))
            except OSError:
                return
            with node:
                node.sendall(only_this(head))
                threading.Thread(target=pump, args=[client, node], daemon=True).start()
                pump(node, client)

    def close(self):
        self.listener.close()


def only_this(head):
    """The same request, after which the node ends the connection."""
    lines, body = head.split(b"\r\n\r\n", 1)
    request, *headers = re.split(rb"\r\n", lines)
    kept = [line for line in headers if not line.lower().startswith(b"connection:")]
    return b"\r\n".join([request, *kept, b"Connection: close", b"", body])


def pump(source, target):
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def new_database():
    """The URL of an empty one on the server that tests/postgres.sh runs."""
    server, name = os.environ["SCORIA_TEST_POSTGRES"], f"t{uuid.uuid4().hex[:12]}"
    subprocess.run(["psql", "-qX", server, "-c", f"CREATE DATABASE {name}"], check=True)
    words = dict(word.split("=", 1) for word in server.split())
    return f"postgresql://{words['user']}@{words['host']}:{words['port']}/{name}"


class Cluster:
    """Looks like one Node: its folder holds what clients need, its URL is the first node's or the front's."""

    running = 0  # of this run, and how many there were
    started = 0

    def __init__(self, folder, *settings, count=NODES, spread=SPREAD):
        self.folder, self.front = pathlib.Path(folder), None
        shared = ["DEFAULT.cluster=tests", f"database.connection={new_database()}", f"backend_defaults.file_directories=pool={self.folder}/volumes",
                  f"exports.state_directory={self.folder}/x", *settings]
        (self.folder / "volumes").mkdir(exist_ok=True)
        self.nodes = []
        for number in range(1, count + 1):
            place = self.folder if number == 1 else self.folder / f"n{number}"
            place.mkdir(exist_ok=True)
            self.nodes.append(Node(place, *shared, f"DEFAULT.host=n{number}"))
        self.first = self.nodes[0]
        if spread:
            self.front = Front([(f"n{number}", node.port) for number, node in enumerate(self.nodes, 1)])
        self.port = self.front.port if spread else self.first.port
        self.url = f"http://127.0.0.1:{self.port}"

    def start(self):
        try:
            self.launch()
        except BaseException:
            for node in self.nodes:
                if node.process:
                    node.process.kill()
            raise
        clouds = self.folder / "clouds.yaml"
        if clouds.exists():
            clouds.write_text(clouds.read_text().replace(self.first.url, self.url))
        Cluster.running += 1
        Cluster.started += 1
        return self

    def launch(self):
        self.first.start()
        for node in self.nodes[1:]:
            shutil.copy(self.folder / "sealing.key", node.folder / "sealing.key")  # one deployment, one key
            node.launch()
        for node in self.nodes[1:]:
            wait_until(node.answers, 60)

    def stop(self):
        Cluster.running -= 1
        for node in self.nodes:
            node.stop()

    def log(self):
        return "".join(node.log() for node in self.nodes)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()
        if self.front:
            self.front.close()


def deployment(folder, *settings):
    """Not started yet."""
    return Cluster(folder, *settings) if NODES else Node(folder, *settings)
