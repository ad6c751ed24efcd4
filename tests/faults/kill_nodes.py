#!/usr/bin/python3
"""Three nodes on one PostgreSQL and one shared directory; a random node is killed -9 again and again under load.

  tests/postgres.sh run --durable tests/faults/kill_nodes.py [--kills 20] [--workers 8] [--seconds 300]

A kill counts if its victim owned a running operation. Afterwards every accepted request must have ended as asked, the quota
must be what the volumes add up to, and the directory must hold exactly what the ledger says. Prints the takeover times: from
the kill to the claim of the successor, per operation."""
import argparse
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

BUILD = pathlib.Path(os.environ.get("SCORIA_BUILD", "build/release")).resolve()
PROJECT = "0123456789abcdef0123456789abcdef"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Database:
    """psql, so that this checker shares no code with the server."""

    def __init__(self, conninfo):
        self.conninfo = conninfo

    def rows(self, sql):
        done = subprocess.run(["psql", self.conninfo, "-AtX", "-F", "\t", "-c", sql], capture_output=True, text=True, timeout=30)
        if done.returncode != 0:
            raise RuntimeError(done.stderr)
        return [line.split("\t") for line in done.stdout.splitlines()]

    def one(self, sql):
        return self.rows(sql)[0][0]


class Node:
    def __init__(self, name, directory, url):
        self.name, self.directory, self.url = name, directory, url
        self.port = free_port()
        self.lock = threading.Lock()
        self.process = None
        self.start()

    def start(self):
        state = self.directory / self.name
        state.mkdir(exist_ok=True)
        settings = {"DEFAULT.state_path": state, "DEFAULT.host": self.name, "DEFAULT.cluster": "all", "DEFAULT.osapi_volume_listen_port": self.port,
                    "DEFAULT.auth_strategy": "noauth", "DEFAULT.quota_volumes": 100000, "DEFAULT.quota_gigabytes": 1000000, "DEFAULT.quota_snapshots": 100000,
                    "database.connection": self.url, "file.file_directories": f"pool={self.directory}/shared", "file.max_over_subscription_ratio": 10000}
        arguments = [BUILD / "bin/scoria", "serve"]
        for key, value in settings.items():
            arguments += ["--set", f"{key}={value}"]
        log = open(self.directory / f"{self.name}.log", "ab")
        self.process = subprocess.Popen(arguments, stdout=log, stderr=log)

    def call(self, method, path, body=None):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/v3/{PROJECT}{path}", method=method, data=None if body is None else json.dumps(body).encode(),
                                         headers={"X-Auth-Token": f"admin:{PROJECT}", "Content-Type": "application/json", "OpenStack-API-Version": "volume 3.71"})
        with urllib.request.urlopen(request, timeout=20) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def incarnation(self, database):
        return database.one(f"SELECT max(inc) FROM node WHERE host = '{self.name}'")


class Load:
    """Clients that know what they asked for. `expected`: volume id → 'available' or 'gone'; unsure answers are looked up by name."""

    def __init__(self, nodes):
        self.nodes, self.stop, self.lock = nodes, threading.Event(), threading.Lock()
        self.expected, self.accepted, self.unsure, self.refused = {}, 0, 0, []

    def any_call(self, random_, method, path, body=None):
        try:
            answer = random_.choice(self.nodes).call(method, path, body)
            with self.lock:
                self.accepted += 1
            return answer
        except urllib.error.HTTPError as error:
            if error.code < 500:
                with self.lock:
                    self.refused.append((method, path, error.code, error.read()[:200]))
            return None
        except OSError:
            with self.lock:
                self.unsure += 1
            return None

    def worker(self, seed):
        random_, own, count = random.Random(seed), [], 0
        while not self.stop.is_set():
            count += 1
            if len(own) < 4 or random_.random() < 0.5:
                name = f"w{seed}-{count}"
                answer = self.any_call(random_, "POST", "/volumes", {"volume": {"size": random_.randint(1, 3), "name": name}})
                if answer:
                    own.append(answer["volume"]["id"])
                    with self.lock:
                        self.expected[own[-1]] = "available"
            else:
                victim = own.pop(random_.randrange(len(own)))
                # Deleting what is still being made is refused; that is no failure, it stays.
                answered = None
                try:
                    random_.choice(self.nodes).call("DELETE", f"/volumes/{victim}")
                    answered = True
                except urllib.error.HTTPError as error:
                    answered = None if error.code >= 500 else False
                except OSError:
                    answered = None
                with self.lock:
                    self.accepted += answered is True
                    self.expected[victim] = "gone" if answered else "available" if answered is False else "either"
            time.sleep(random_.random() * 0.05)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--seconds", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    conninfo = os.environ["SCORIA_TEST_POSTGRES"]
    pairs = dict(re.findall(r"(\w+)=(\S+)", conninfo))
    subprocess.run(["psql", conninfo, "-qX", "-c", "CREATE DATABASE chaos"], check=True)
    url = f"postgresql:///chaos?host={pairs['host']}&user={pairs.get('user', 'scoria')}" + (f"&port={pairs['port']}" if "port" in pairs else "")
    database = Database(url)
    directory = pathlib.Path(tempfile.mkdtemp(prefix="scoria-chaos-"))
    (directory / "shared").mkdir()
    nodes = []
    try:
        for name in ("n1", "n2", "n3"):
            nodes.append(Node(name, directory, url))
            time.sleep(1.5)
        return run(options, database, directory, nodes)
    finally:
        for node in nodes:
            if node.process.poll() is None:
                node.process.kill()
                node.process.wait()
        shutil.rmtree(directory, ignore_errors=True)


def kill_one(random_, nodes, database):
    """Kills a node that owns a running operation now; tells which operations those were."""
    node = random_.choice(nodes)
    incarnation = node.incarnation(database)
    node.process.send_signal(signal.SIGKILL)
    at = float(database.one("SELECT extract(epoch FROM clock_timestamp())"))
    node.process.wait()
    owned = [row[0] for row in database.rows(f"SELECT id FROM operation WHERE owner = {incarnation} AND state = 'running'")]
    node.start()
    return at, owned


def run(options, database, directory, nodes):
    random_ = random.Random(options.seed)
    load = Load(nodes)
    workers = [threading.Thread(target=load.worker, args=(options.seed * 1000 + i,)) for i in range(options.workers)]
    for worker in workers:
        worker.start()
    counted, tries, victims, end = 0, 0, [], time.monotonic() + options.seconds
    while counted < options.kills and time.monotonic() < end:
        time.sleep(2)
        tries += 1
        at, owned = kill_one(random_, nodes, database)
        counted += bool(owned)
        victims += [(at, operation) for operation in owned]
    load.stop.set()
    for worker in workers:
        worker.join()
    deadline = time.monotonic() + 90
    while int(database.one("SELECT count(*) FROM operation WHERE state IN ('ready', 'running', 'waiting')")) and time.monotonic() < deadline:
        time.sleep(0.5)
    time.sleep(12)  # a round of the reaper
    problems = check(load, database, directory)
    report(database, load, counted, tries, victims)
    for problem in problems:
        print("PROBLEM:", problem)
    return 1 if problems or counted < options.kills else 0


def check(load, database, directory):
    problems = [f"stuck: {row}" for row in database.rows("SELECT id, kind, step, state, reason FROM operation WHERE state IN ('ready', 'running', 'waiting')")]
    status = {row[0]: row[1] for row in database.rows("SELECT id, status FROM volume")}
    for volume, expected in load.expected.items():
        seen = status.get(volume, "gone")
        if seen != expected and not (expected == "either" and seen in ("available", "gone")):
            problems.append(f"volume {volume} is {seen}, not {expected}")
    problems += [f"volume {volume} ended in {seen}" for volume, seen in status.items() if seen != "available"]
    used = database.one("SELECT volumes || ' ' || gigabytes FROM quota_usage WHERE scope = ''")
    real = database.one("SELECT count(*) || ' ' || coalesce(sum(size_gib), 0) FROM volume")
    if used != real:
        problems.append(f"quota says {used}, the volumes are {real}")
    if database.one("SELECT sum(allocated_bytes) FROM pool") != database.one("SELECT coalesce(sum(object_bytes), 0) FROM volume"):
        problems.append("the pool's promises are not what the volumes add up to")
    ledger = {row[0] for row in database.rows("SELECT name FROM backend_object WHERE state = 'published'")}
    files = {entry.name for entry in (directory / "shared").iterdir() if entry.name.startswith(("volume-", "snapshot-"))}
    if ledger != files:
        problems.append(f"files without a published row: {sorted(files - ledger)[:5]}, rows without a file: {sorted(ledger - files)[:5]}")
    return problems


def report(database, load, counted, tries, victims):
    times = []
    for at, operation in victims:
        claimed = database.rows(f"SELECT claimed_at / 1e6 FROM operation WHERE id = '{operation}' AND claimed_at / 1e6 > {at}")
        if claimed:
            times.append(float(claimed[0][0]) - at)
    times.sort()
    print(f"{tries} kills, {counted} of a node that owned a running operation; {load.accepted} requests accepted, {load.unsure} without an answer; "
          f"{database.one('SELECT count(*) FROM operation')} operations, {len(victims)} taken over")
    if times:
        print(f"takeover p50 {times[len(times) // 2]:.2f} s, p99 {times[int(len(times) * 0.99)]:.2f} s, longest {times[-1]:.2f} s")


if __name__ == "__main__":
    sys.exit(main())
