"""A whole deployment on one machine, for nemeses: each node, the database and the storage array in a network name space of its own.
Everything it makes goes away in end()."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.request

from cluster import Node, end_daemons
from databases import LAYOUTS
from net import Network, SmallDisk

HERE = pathlib.Path(__file__).resolve().parent
ARRAY_FAILPOINTS = ("driver.file.publish.described=delay(5,60);driver.file.remove.renamed=delay(5,60);driver.file.extend.before=delay(5,60);"
                    "driver.file.freeze.overlay=delay(5,60);driver.file.copy.chunk=delay(20,100);driver.lab_array.slice=delay(5,30)")
ARRAY_LATENCY = {"latency_ms": [5, 120]}
MEMORY = pathlib.Path("/sys/fs/cgroup/memory")
FENCED = 75  # the exit code of a node that others fenced
FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"


def remove_group(group):
    """Once its last process is gone."""
    for _ in range(50):
        try:
            return group.rmdir()
        except OSError:
            time.sleep(0.1)


class Relay:
    """Between a node and the database's servers, a process of its own that can be slow. `places`: address and port of each."""

    def __init__(self, network, places):
        self.process = subprocess.Popen([sys.executable, str(HERE / "relay.py"), network.address, *places], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.places = [f"{network.address}:{port}" for port in self.process.stdout.readline().split()]

    def say(self, words):
        self.process.stdin.write(words + "\n")
        self.process.stdin.flush()

    def end(self):
        self.process.kill()
        self.process.wait()


class StorageArray:
    def __init__(self, directory, host, seed):
        self.directory, self.host = directory / "array", host
        self.directory.mkdir()
        command = [sys.executable, HERE / "storage_array/server.py", "--directory", self.directory, "--listen", f"{host.address}:9000", "--pools", "pool",
                   "--copy-rate", 6 << 30, "--seed", seed]
        self.process = subprocess.Popen(host.words(*command), stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()
        self.faults({})

    def ask(self, path, body=None):
        request = urllib.request.Request(self.url + path, None if body is None else json.dumps(body).encode())
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.loads(answer.read())

    def faults(self, rates):
        self.ask("/control/faults", {**ARRAY_LATENCY, **rates})

    def names(self):
        return set(self.ask("/control/names/pool")["names"])

    def end(self):
        self.process.kill()
        self.process.wait()


class Fleet:
    def __init__(self, directory, layout, seed):
        self.directory, self.layout, self.nodes, self.ending = directory, layout, [], False
        self.network = self.database = self.array = self.logs = self.relay = None
        self.exits, self.strikes, self.lock = [], {}, threading.Lock()  # strikes: node -> nemesis that keeps it from being started again
        self.weather = "calm"  # the nemesis that is at work
        try:
            self.build(seed)
        except BaseException:
            self.end()
            raise

    def build(self, seed):
        self.network = Network()
        self.database = LAYOUTS[self.layout](self.directory, self.network)
        self.array = StorageArray(self.directory, self.network.host("array"), seed)
        self.logs = SmallDisk(self.directory / "logs", 64)
        (self.directory / "plain").mkdir()
        backends = {"plain": {"volume_driver": "file", "file_directories": f"pool={self.directory}/plain"},
                    "array": {"volume_driver": "lab_array", "lab_array_url": self.array.url, "lab_array_timeout": "3s"}}
        for number in range(self.database.nodes):
            self.add_node(f"n{number + 1}", backends)
        self.reader = self.database.reader()
        threading.Thread(target=self.supervise, name="supervisor", daemon=True).start()

    def add_node(self, name, backends):
        machine, places = self.network.host(name), [f"{host.address}:{self.database.port}" for host in self.database.hosts]
        last = len(self.nodes) == self.database.nodes - 1
        if last and places:  # the last node reaches its database through a relay, which can be slow
            self.relay = Relay(self.network, places)
            places = self.relay.places
        node = Node(name, self.directory, self.database.url(places), "all" if self.database.nodes > 1 else "", backends, machine)
        node.environment, node.log_directory = {"SCORIA_FAILPOINTS": ARRAY_FAILPOINTS}, self.logs.directory
        if name == "n1" and os.path.exists(FAKETIME):  # its wall clock can be moved
            node.clock = self.directory / "clock-n1"
            node.clock.write_text("+0")
            node.environment.update(LD_PRELOAD=FAKETIME, DONT_FAKE_MONOTONIC="1", FAKETIME_TIMESTAMP_FILE=str(node.clock), FAKETIME_CACHE_DURATION="1")
        if MEMORY.exists():  # a memory group of its own
            node.group = MEMORY / f"{self.network.id}-{name}"
            node.group.mkdir()
            node.wrapper = ["sh", "-c", 'echo $$ > "$0" && exec "$@"', node.group / "cgroup.procs"]
        if self.nodes:
            shutil.copy(self.directory / "n1/sealing.key", self.directory / name / "sealing.key")  # one deployment, one key
        self.nodes.append(node)
        node.start()
        node.wait_for_answer(60)

    # -- what nemeses need -------------------------------------------------------------------------------------------------------

    def rows(self, sql):
        return self.reader.rows(sql)

    def incarnation(self, node):
        return int(self.rows(f"SELECT max(inc) FROM node WHERE host = '{node.name}'")[0][0] or 0)

    def owned(self, incarnation):
        return [(row[0], int(row[1])) for row in self.rows(f"SELECT id, epoch FROM operation WHERE owner = {incarnation} AND state = 'running'")]

    def busy(self):
        """Nodes that own running operations."""
        owners = {int(row[0]) for row in self.rows("SELECT DISTINCT owner FROM operation WHERE state = 'running'")}
        return [node for node in self.nodes if self.incarnation(node) in owners]

    def running(self):
        return int(self.rows("SELECT count(*) FROM operation WHERE state = 'running'")[0][0])

    def keep_down(self, node, nemesis):
        with self.lock:
            self.strikes[node.name] = nemesis

    def let_up(self, node):
        with self.lock:
            self.strikes.pop(node.name, None)

    def supervise(self):
        """What systemd does: a node that ended is started again."""
        while not self.ending:
            for node in self.nodes:
                with self.lock:
                    if self.ending or node.name in self.strikes or node.process.poll() is None:
                        continue
                    self.exits.append((self.weather, node.name, node.process.returncode))
                    node.start()
            time.sleep(0.1)

    def wait_until_all_answer(self, seconds=60):
        for node in self.nodes:
            end = time.monotonic() + seconds
            while True:
                try:
                    node.wait_for_answer(5)
                    break
                except RuntimeError:
                    if time.monotonic() > end:
                        raise

    def end(self):
        with self.lock:
            self.ending = True
        for node in self.nodes:
            if node.process and node.process.poll() is None:
                node.process.send_signal(signal.SIGKILL)
                node.process.wait()
        end_daemons(self.directory)
        if getattr(self, "reader", None):
            self.reader.close()
        for part in (self.relay, self.array, self.database, self.logs, self.network):
            try:
                if part is not None:
                    part.end()
            except (OSError, RuntimeError, subprocess.SubprocessError) as failure:  # the others go away all the same
                print(f"{type(part).__name__}: {failure}", file=sys.stderr)
        for node in self.nodes:
            if hasattr(node, "group"):
                remove_group(node.group)
