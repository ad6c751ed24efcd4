#!/usr/bin/python3
"""Late work of ghosts. A node is stopped (SIGSTOP) in the middle of creates, deletes, extends and copies; another finishes them, a user
writes to what they made, deletes some of it or extends it again; then the old node goes on (SIGCONT), and its calls take effect late.
Not one byte, size or name of anything that was published may change by it.

  tests/postgres.sh run --durable tests/faults/ghosts.py [--times 20] [--each 2] [--keep]

Two nodes on one PostgreSQL, which take turns. Each time --each operations of every kind are caught on two backends. `file`, in a shared
directory: the node itself is stopped inside the call (a failpoint), and its next system call comes late. `array`, over HTTP: its calls
wait inside the array and take effect when the node goes on. Afterwards: hashes of every published object before and after, sizes, names
on the storage against the ledger, the array's log (oracle.py), the server's own check. Exit code 0: nothing was harmed, and late calls
of every kind were seen. The program is that of SCORIA_BUILD (build/release)."""
import argparse
import collections
import hashlib
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import oracle
from array_process import LocalArray
from cluster import Client, Node, Postgres
from nbd import Nbd
from takeovers import percentile

GIB, MIB = 1 << 30, 1 << 20
FENCED = 75
SHORTEST_PAUSE = 6  # seconds that a failpoint holds a call of the file backend, longer on a busy machine: over before the node goes on
FILE_SITES = {"create": "driver.file.publish.described", "delete": "driver.file.remove.renamed", "extend": "driver.file.extend.before",
              "copy": "driver.file.copy.before"}
# Reached behind the late system call: the node's log tells that it was made. A create only passes if its name is free.
FILE_TOLD = {"driver.file.publish.renamed": "create under a name that was free again", "driver.file.remove.synced": "delete", "driver.file.extend.grown": "extend",
             "driver.file.copy.chunk": "write of a copy",
             "engine.step.after": "any call of either backend that returned to the old node"}
ARRAY_CALLS = {"create": "create", "delete": "remove", "extend": "extend", "copy": "copy"}
BACKENDS = ("file", "array")


class Harm(Exception):
    """What must not be."""


def digest(path):
    """Of every byte that is no hole."""
    total = hashlib.sha256()
    with open(path, "rb", buffering=0) as file:
        end, at = file.seek(0, os.SEEK_END), 0
        while at < end:
            try:
                at = os.lseek(file.fileno(), at, os.SEEK_DATA)
            except OSError:
                break
            block = os.pread(file.fileno(), MIB - at % MIB, at)
            total.update(at.to_bytes(8, "big") + block)
            at += len(block)
    return end, total.hexdigest()


class Caught:
    """An operation in which a node was stopped. `then`: what the user does when another has finished it."""

    def __init__(self, backend, kind, volume, operation, then=""):
        self.backend, self.kind, self.volume, self.operation, self.then = backend, kind, volume, operation, then
        self.attachment = None

    def __str__(self):
        return f"{self.backend} {self.kind} {self.then} {self.volume}"


class Ghosts:
    def __init__(self, options, directory, url):
        self.options, self.directory, self.url = options, directory, url
        self.random, self.figures, self.takeovers, self.resumed = random.Random(options.seed), collections.Counter(), [], []
        self.stopped = self.held_until = 0.0
        self.pause = SHORTEST_PAUSE
        self.database = Postgres(url)
        self.array = LocalArray(directory / "array", copy_rate=4 * GIB)
        (directory / "pool").mkdir()
        self.nodes = [self.make_node(name) for name in ("n1", "n2")]
        self.client = Client(self.nodes[:1], options.seed)

    def make_node(self, name):
        backends = {"file": {"volume_driver": "file", "file_directories": f"pool={self.directory}/pool", "file_layer_limit": "1"},
                    "array": {**self.array.settings(), "lab_array_timeout": "60s"}}
        node = Node(name, self.directory, self.url, "all", backends)
        node.arguments += ["--set", "engine.failpoints=true", "--set", "DEFAULT.report_interval=1"]
        node.environment = {}
        return node

    def start(self, node):
        if node is not self.nodes[0] and (self.directory / "n1/sealing.key").exists():
            shutil.copy(self.directory / "n1/sealing.key", self.directory / node.name / "sealing.key")
        node.start()
        node.wait_for_answer(60)

    # -- asking --------------------------------------------------------------------------------------------------------------------

    def rows(self, sql):
        return self.database.rows(sql)

    def wait(self, what, seconds, why):
        end = time.monotonic() + seconds
        while not (answer := what()):
            if time.monotonic() > end:
                raise Harm(f"not within {seconds} s: {why()}")
            time.sleep(0.05)
        return answer

    def ask(self, method, path, body=None):
        reply = self.client.insist(method, path, body)
        if reply.status >= 400:
            raise Harm(f"{method} {path} {body}: {reply.status} {reply.text}")
        return reply.json()

    def status(self, volume, kind="volume"):
        reply = self.client.insist("GET", f"/{kind}s/{volume}")
        return "gone" if reply.status == 404 else reply.json()[kind]["status"]

    def settled(self, volume, wanted="available", kind="volume", seconds=90):
        self.wait(lambda: self.status(volume, kind) == wanted, seconds, lambda: f"{kind} {volume} is {self.status(volume, kind)}, not {wanted}")

    def create(self, backend, **fields):
        return self.ask("POST", "/volumes", {"volume": {"size": 1, "volume_type": backend, **fields}})["volume"]["id"]

    def operation(self, volume):
        return self.rows(f"SELECT id FROM operation WHERE resource_id = '{volume}' ORDER BY created_at DESC, id DESC LIMIT 1")[0][0]

    def place(self, volume):
        """The file with a volume's bytes."""
        backend, name = self.rows(f"SELECT backend, name FROM backend_object WHERE owner_id = '{volume}' AND state = 'published'")[0]
        if backend.endswith("@array"):
            return self.directory / "array/pool" / name
        return max((self.directory / "pool" / name).glob(f"{name}.*"), key=lambda path: int(path.name.rsplit(".", 2)[1]))

    # -- what a user does ------------------------------------------------------------------------------------------------------------

    def attach(self, volume):
        connector = {"host": "there", "scoria_transport": "nbd+unix"}
        made = self.ask("POST", "/attachments", {"attachment": {"volume_uuid": volume, "connector": connector}})["attachment"]
        self.ask("POST", f"/attachments/{made['id']}/action", {"os-complete": {}})
        export, socket = re.match(r"nbd\+unix:///(.*)\?socket=(.*)", made["connection_info"]["uri"]).groups()
        return made["id"], Nbd(socket, export)

    def write(self, volume, *offsets, stay=False):
        """A block of its own at each offset; whoever stays attached goes on using it."""
        attachment, disk = self.attach(volume)
        for offset in offsets:
            disk.write(offset, self.random.randbytes(64 << 10))
        disk.flush()
        disk.close()
        if stay:
            return attachment
        self.detach(attachment)
        self.settled(volume)
        return None

    def detach(self, attachment):
        self.ask("DELETE", f"/attachments/{attachment}")

    # -- a ghost ----------------------------------------------------------------------------------------------------------------------

    def prepare(self):
        """A type and, to be copied, a snapshot of a volume in use for each backend: the second one's two layers get no third, they are copied."""
        self.sources = {}
        for backend in BACKENDS:
            self.ask("POST", "/types", {"volume_type": {"name": backend, "extra_specs": {"volume_backend_name": backend}}})
            volume = self.create(backend, name="source")
            self.settled(volume)
            attachment, disk = self.attach(volume)
            for number in range(2):
                for offset in range(number * 4 * MIB, 64 * MIB, 8 * MIB):
                    disk.write(offset, self.random.randbytes(64 << 10))
                snapshot = self.ask("POST", "/snapshots", {"snapshot": {"volume_id": volume, "name": f"source {number}", "force": True}})["snapshot"]["id"]
                self.settled(snapshot, kind="snapshot")
            disk.close()
            self.detach(attachment)
            self.sources[backend] = snapshot

    def catch(self, victim):
        """Operations of every kind of which the victim is in the middle."""
        each, caught, began = self.options.each, [], time.time()
        old = {backend: {kind: [self.create(backend) for _ in range(each)] for kind in ("delete", "extend")} for backend in BACKENDS}
        for volume in [one for kinds in old.values() for volumes in kinds.values() for one in volumes]:
            self.settled(volume)
        self.pause = max(SHORTEST_PAUSE, int(3 * (time.time() - began)))
        self.arm("copy", each)
        for backend in BACKENDS:
            for volume in [self.create(backend, snapshot_id=self.sources[backend]) for _ in range(each)]:
                caught.append(Caught(backend, "copy", volume, self.operation(volume)))
        self.reached("copy", each, each)
        for kind in ("create", "delete", "extend"):
            self.arm(kind, 2 * each if kind == "create" else each)
        for backend in BACKENDS:
            for number in range(2 * each):  # half of them are deleted as soon as they are there
                volume = self.create(backend)
                caught.append(Caught(backend, "create", volume, self.operation(volume), "delete" if number % 2 else ""))
            for volume in old[backend]["delete"]:
                self.ask("DELETE", f"/volumes/{volume}")
                caught.append(Caught(backend, "delete", volume, self.operation(volume)))
            for volume in old[backend]["extend"]:
                self.ask("POST", f"/volumes/{volume}/action", {"os-extend": {"new_size": 2}})
                caught.append(Caught(backend, "extend", volume, self.operation(volume)))
        for kind in ("create", "delete", "extend"):
            self.reached(kind, 2 * each if kind == "create" else each, 5 * each)
        victim.process.send_signal(signal.SIGSTOP)
        self.stopped = time.time()
        mine = {row[0] for row in self.rows(f"SELECT id FROM operation WHERE state = 'running' AND owner = (SELECT max(inc) FROM node WHERE host = '{victim.name}')")}
        self.figures["missed"] += sum(one.operation not in mine for one in caught)
        return [one for one in caught if one.operation in mine]

    def arm(self, kind, count):
        self.array.control("script", {"method": ARRAY_CALLS[kind], "fate": "held", "times": count})
        seconds = 2 * self.pause if kind == "copy" else self.pause  # copies are caught first
        self.ask("PUT", "/scoria/v1/failpoints", {"failpoint": {"site": FILE_SITES[kind], "terms": f"{count}*delay({seconds * 1000})"}})
        self.held_until = max(self.held_until, time.time() + seconds)

    def reached(self, kind, count, held):
        def there():
            hits = {row["site"]: row["hits"] for row in self.ask("GET", "/scoria/v1/failpoints")["failpoints"]}
            return hits[FILE_SITES[kind]] >= count and self.array.control("held")["held"] >= held
        self.wait(there, 60, lambda: f"{kind} is not under way: {self.array.control('held')}, {self.rows('SELECT kind, step, state FROM operation WHERE finished_at IS NULL')}")

    def finished(self, one):
        return self.rows(f"SELECT state FROM operation WHERE id = '{one.operation}'")[0][0] == "succeeded"

    def waits(self, one):
        """The file backend keeps everybody out of an object while it grows: a stopped node keeps its lock."""
        return one.backend == "file" and one.kind == "extend"

    def finish(self, caught):
        """The other node does it all, and the user uses it."""
        for one in caught:
            if not self.waits(one):
                self.wait(lambda: self.finished(one), 120, lambda: f"{one} was not finished: {self.rows(f'SELECT kind, step, state, err_text FROM operation WHERE id = {one.operation!r}')}")
                claimed = self.rows(f"SELECT claimed_at FROM operation WHERE id = '{one.operation}'")[0][0]
                self.takeovers.append(int(claimed) / 1e6 - self.stopped)
                self.figures["finished by another meanwhile"] += 1
        for number, one in enumerate(caught):
            if one.then == "delete":
                self.ask("DELETE", f"/volumes/{one.volume}")
                self.settled(one.volume, "gone")
            elif one.kind in ("create", "copy"):
                one.attachment = self.write(one.volume, 0, 3 * MIB, GIB - MIB, stay=number % 3 == 0)
            elif one.kind == "extend" and not self.waits(one):
                self.ask("POST", f"/volumes/{one.volume}/action", {"os-extend": {"new_size": 3}})
                self.settled(one.volume)
                one.attachment = self.write(one.volume, 0, 2 * GIB + MIB, 3 * GIB - MIB, stay=number % 3 == 0)

    def wake(self, victim):
        """The old node goes on; its calls come late."""
        time.sleep(max(0.0, self.held_until + 0.5 - time.time()))
        before = len(victim.log())
        self.resumed.append(time.time())
        self.array.control("release", {})
        victim.process.send_signal(signal.SIGCONT)
        self.wait(lambda: victim.process.poll() is not None, 30, lambda: f"{victim.name} goes on as if nothing had been")
        if victim.process.returncode != FENCED:
            raise Harm(f"{victim.name} ended with {victim.process.returncode}: {victim.log()[-2000:]}")
        for site, what in FILE_TOLD.items():
            self.figures[f"late: {'file, ' if 'file' in site else ''}{what}"] += victim.log()[before:].count(f"failpoint {site} ")

    def look(self, caught, before):
        for one in caught:
            if self.waits(one):
                self.wait(lambda: self.finished(one), 60, lambda: f"{one} was not finished after the old node had gone on")
                self.settled(one.volume)
                self.figures["kept out by an object's lock, finished afterwards"] += 1
        for one, (path, seen) in before.items():
            now = digest(path) if path.exists() else None
            if now != seen:
                raise Harm(f"{one} was changed by a ghost: {seen} became {now}")
            self.figures["published objects compared"] += 1
        for one in caught:
            size = 3 if one.kind == "extend" and not self.waits(one) else 2 if one.kind == "extend" else 1
            if one.kind != "delete" and one.then != "delete":
                seen = self.ask("GET", f"/volumes/{one.volume}")["volume"]
                if (seen["status"], seen["size"], self.place(one.volume).stat().st_size) != ("in-use" if one.attachment else "available", size, size * GIB):
                    raise Harm(f"{one}: {seen['status']}, {seen['size']} GiB, {self.place(one.volume).stat().st_size} bytes")
            elif self.status(one.volume) != "gone":
                raise Harm(f"{one} came back")

    def once(self, victim, other):
        self.client.nodes = [victim]
        for site in FILE_TOLD:
            self.ask("PUT", "/scoria/v1/failpoints", {"failpoint": {"site": site, "terms": "print"}})
        self.ask("PUT", "/scoria/v1/failpoints", {"failpoint": {"site": "engine.heartbeat.before", "terms": "delay(300)"}})  # its calls before it hears of its end
        caught = self.catch(victim)
        self.client.nodes = [other]
        self.start(other)
        self.finish(caught)
        alive = [one for one in caught if one.kind != "delete" and one.then != "delete" and not self.waits(one)]
        before = {one: (self.place(one.volume), digest(self.place(one.volume))) for one in alive}
        self.wake(victim)
        self.look(caught, before)
        self.figures["ghosts"] += 1
        for one in caught:
            self.figures[f"caught: {one.backend}, {one.kind}{', deleted before the ghost woke' if one.then else ''}"] += 1
            if one.attachment:
                self.detach(one.attachment)
        for one in caught:
            if one.kind != "delete" and one.then != "delete":
                self.settled(one.volume)
                self.ask("DELETE", f"/volumes/{one.volume}")

    # -- the end ------------------------------------------------------------------------------------------------------------------------

    def ledger(self, backend):
        return {row[0]: row[1] for row in self.rows(f"SELECT name, state FROM backend_object WHERE backend LIKE '%@{backend}'")}

    def judge(self):
        self.wait(lambda: not self.rows("SELECT id FROM operation WHERE state IN ('ready', 'running', 'waiting')"), 120, lambda: "operations are left")
        lines = oracle.read(self.array.directory / "oracle.jsonl")
        problems, _ = oracle.judge(lines, self.ledger("array"))
        self.count_late(lines)
        for backend, names in (("file", lambda: {entry.name for entry in (self.directory / "pool").iterdir()}),
                               ("array", lambda: set(self.array.control("names/pool")["names"]))):
            published = lambda: {name for name, state in self.ledger(backend).items() if state == "published"}  # noqa: E731
            self.wait(lambda: names() == published(), 120, lambda: f"{backend}: {sorted(names() ^ published())} on the storage or in the ledger only")
        check = self.ask("GET", "/scoria/v1/check")
        problems += [one["text"] for one in check["violations"]]
        bad = self.rows("SELECT kind, state, err_text FROM operation WHERE state <> 'succeeded'")
        problems += [f"an operation ended badly: {row}" for row in bad]
        return problems

    def count_late(self, lines):
        """What calls did on the array that had come before their node was stopped, and took effect when it went on."""
        came = {line["call"]: line["at"] for line in lines if line["phase"] == "call"}
        for line in lines:
            if line["phase"] == "effect" and any(came[line["call"]] < resumed <= line["at"] for resumed in self.resumed):
                did = "refused" if line["outcome"] != "ok" else "made what nobody knows, swept later" if line["changed"] else "changed nothing"
                self.figures[f"late: array, {line['method']}: {did}"] += 1

    def not_seen(self):
        """Kinds of late calls that this run did not show."""
        wanted = [f"late: file, {what}" for site, what in FILE_TOLD.items() if "file" in site]
        wanted += [f"late: array, {method}:" for method in ARRAY_CALLS.values()]
        return [one for one in wanted if not any(name.startswith(one) and count for name, count in self.figures.items())]

    def run(self):
        self.start(self.nodes[0])
        self.prepare()
        for number in range(self.options.times):
            self.once(*(self.nodes if number % 2 == 0 else self.nodes[::-1]))
            if sys.stdout.isatty():
                print(f"\r{number + 1}", end="", flush=True)
        return self.judge()

    def report(self):
        for name, count in sorted(self.figures.items()):
            print(f"{count:6} {name}")
        if self.takeovers:
            times = sorted(self.takeovers)
            print(f"taken over after p50 {percentile(times, 0.5):.2f} s, p99 {percentile(times, 0.99):.2f} s, longest {times[-1]:.2f} s")

    def end(self):
        for node in self.nodes:
            if node.process and node.process.poll() is None:
                node.process.kill()
                node.process.wait()
        for entry in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                words = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if str(self.directory).encode() in words and b"qemu-storage-daemon" in words.split(b"\0")[0]:  # daemons outlive nodes
                os.kill(int(entry.name), signal.SIGKILL)
        self.array.end()
        self.database.close()


def database():
    conninfo = os.environ.get("SCORIA_TEST_POSTGRES") or sys.exit("run me under tests/postgres.sh run")
    pairs = dict(re.findall(r"(\w+)=(\S+)", conninfo))
    subprocess.run(["psql", conninfo, "-qX", "-c", "DROP DATABASE IF EXISTS ghosts", "-c", "CREATE DATABASE ghosts"], check=True)
    return f"postgresql://{pairs['user']}@{pairs['host']}:{pairs['port']}/ghosts"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=20, help="ghosts")
    parser.add_argument("--each", type=int, default=2, help="operations of each kind and backend that a ghost is caught in")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", action="store_true", help="leave the directory")
    options = parser.parse_args()
    directory = pathlib.Path(tempfile.mkdtemp(prefix="sg-", dir="/tmp"))
    ghosts, problems = None, []
    try:
        ghosts = Ghosts(options, directory, database())
        problems = ghosts.run() + [f"not seen: {one}" for one in ghosts.not_seen()]
    except Harm as harm:
        problems = [str(harm)]
    finally:
        if ghosts:
            ghosts.report()
            ghosts.end()
        if options.keep:
            print(f"left: {directory}")
        else:
            shutil.rmtree(directory, ignore_errors=True)
    for problem in problems[:20]:
        print("PROBLEM:", problem)
    print(f"{ghosts.figures['ghosts'] if ghosts else 0} of {options.times} ghosts, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
