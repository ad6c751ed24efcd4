"""After a run: waits until all is at rest, then looks for anything that is not as the clients saw it. Shares no code with the server."""
import collections
import json
import os
import pathlib
import re
import shutil
import sqlite3
import tarfile
import tempfile
import time

import history
import linear
import oracle
from cluster import PROJECT, Sqlite, daemons_in
from invariants import LIVE, Invariants


Volume = collections.namedtuple("Volume", "id name")


def effects(calls, rows):
    """Every accepted call has one operation, a refused one none; a name asked for is there as often as was answered."""
    problems = []
    counts = dict((row[0], int(row[1])) for row in rows("SELECT request_id, count(*) FROM operation GROUP BY request_id"))
    names = collections.Counter(row[0] for table in ("volume", "snapshot") for row in rows(f"SELECT name FROM {table}"))
    for call in calls:
        starts = call.method in ("POST", "DELETE") and re.match(r"/(volumes|snapshots|attachments)", call.path) and "metadata" not in call.path
        found = counts.get(call.request_id, 0)
        if starts and call.kind == "ok" and call.status == 202 and found != 1:
            problems.append(f"I7: {call} has {found} operations")
        if call.kind == "fail" and found:
            problems.append(f"I7: {call} was refused and has {found} operations")
        if call.kind == "unknown" and found > 1:
            problems.append(f"I7: {call} has {found} operations")
        name = next(iter(call.body.values())).get("name") if call.method == "POST" and call.path in ("/volumes", "/snapshots") else None
        if name and (names[name] > 1 or (names[name] and call.kind == "fail")):
            problems.append(f"{call}: {name} is there {names[name]} times")
    return problems


def shared(calls, volumes):
    """The history search, volume by volume; the number of calls it explained."""
    problems, explained = [], 0
    about = collections.defaultdict(list)
    for call in calls:
        for id_ in set(re.findall(r"[0-9a-f]{8}-[0-9a-f-]{27}|shared-[0-9a-f]{12}", f"{call.path} {json.dumps(call.body)}")):
            about[id_].append(call)
    for volume in volumes:
        mine = {call.number: call for key in (volume.id, volume.name, *snapshots_of(about[volume.id])) for call in about[key]}
        steps = linear.steps_of([mine[number] for number in sorted(mine)], volume.id, volume.name)
        explained += len(steps)
        if wrong := linear.explain(steps):
            problems.append(f"volume {volume.id}: {wrong}")
    return problems, explained


def snapshots_of(calls):
    return [call.reply["snapshot"]["id"] for call in calls if call.path == "/snapshots" and call.method == "POST" and call.kind == "ok"]


class Record:
    """A run at rest: what clients saw, the database, what lies on the storage, the array's log."""

    def __init__(self, calls, rows, listings, oracle_lines, volumes):
        self.calls, self.rows, self.listings, self.oracle_lines, self.volumes = calls, rows, listings, oracle_lines, volumes

    def save(self, path, database, history_path):
        """As a .tar.xz; `database`: an SQLite file."""
        rest = {"listings": {section: sorted(names) for section, names in self.listings.items()}, "oracle": self.oracle_lines,
                "volumes": [[volume.id, volume.name] for volume in self.volumes]}
        with tempfile.TemporaryDirectory() as directory, tarfile.open(path, "w:xz") as tar:
            with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
                connection.execute("VACUUM INTO ?", (f"{directory}/database.sqlite",))
            shutil.copy(history_path, f"{directory}/history.jsonl")
            pathlib.Path(directory, "rest.json").write_text(json.dumps(rest))
            for name in ("database.sqlite", "history.jsonl", "rest.json"):
                tar.add(f"{directory}/{name}", name)

    @staticmethod
    def load(path, directory):
        """Unpacked into that directory, where the database stays."""
        with tarfile.open(path) as tar:
            tar.extractall(directory)
        rest = json.loads((directory / "rest.json").read_text())
        return Record(history.read(directory / "history.jsonl"), Sqlite(directory / "database.sqlite").rows,
                      {section: set(names) for section, names in rest["listings"].items()}, rest["oracle"], [Volume(*one) for one in rest["volumes"]])

    def judge(self):
        """(problems, calls on shared volumes that an order explains, late ghosts at the array)"""
        problems, explained = shared(self.calls, self.volumes)
        ledger = {row[0]: row[1] for row in self.rows("SELECT name, state FROM backend_object WHERE backend LIKE '%@array'")}
        wrong, late = oracle.judge(self.oracle_lines, ledger)
        return problems + effects(self.calls, self.rows) + Invariants(self.rows, self.listings).check() + wrong, explained, late


class Judge:
    def __init__(self, fleet, recorder, path, workers, racers, table, ledger):
        self.fleet, self.rows, self.recorder, self.path = fleet, fleet.rows, recorder, path
        self.workers, self.racers, self.table, self.ledger = workers, racers, table, ledger
        self.problems, self.checked, self.late_ghosts = list(ledger.problems), 0, 0

    def rest(self, look, what, seconds):
        """Waits until the look finds nothing."""
        end = time.monotonic() + seconds
        while found := look():
            if time.monotonic() > end:
                self.problems += [f"{what}: {' '.join(map(str, one))}" for one in found[:10]]
                return
            time.sleep(0.5)

    def listings(self):
        return {"plain": set(os.listdir(self.fleet.directory / "plain")), "array": self.fleet.array.names()}

    def leftovers(self):
        published = {section: {row[0] for row in self.rows(f"SELECT name FROM backend_object WHERE state = 'published' AND backend LIKE '%@{section}'")}
                     for section in ("plain", "array")}
        return [(section, name) for section, names in self.listings().items() for name in names ^ published[section]]

    def last_looks(self):
        """Every shared volume once more: the end of each history."""
        client = self.racers[0].client
        for volume in self.table.all:
            client.insist("GET", f"/volumes/{volume.id}")

    def models(self):
        """The workers' volumes, exactly as their models say; nothing else but the shared ones and what nobody got an answer for."""
        mine = {volume.id: volume for worker in self.workers for volume in worker.volumes}
        shared_ = {volume.id for volume in self.table.all}
        seen = {row[0]: (row[1], int(row[2]), row[3]) for row in self.rows(f"SELECT id, status, size_gib, name FROM volume WHERE project_id = '{PROJECT}'")}
        for id_, volume in mine.items():
            if seen.get(id_, ())[:2] != (volume.status, volume.size):
                self.problems.append(f"volume {id_} is {seen.get(id_)}, its client says {(volume.status, volume.size)}")
        unanswered = {call.body["volume"]["name"] for call in self.calls if call.kind == "unknown" and call.method == "POST" and call.path == "/volumes"}
        self.problems += [f"volume {id_} ({name}, {status}) is nobody's" for id_, (status, _, name) in seen.items()
                          if id_ not in mine and id_ not in shared_ and name not in unanswered]
        told = self.ledger.told_to_fail
        self.problems += [f"operation {row[0]} ({row[1]}) of {row[2]} failed: {row[3]}" for row in
                          self.rows("SELECT id, kind, resource_id, err_text FROM operation WHERE state = 'failed'") if row[2] not in told]

    def run(self):
        self.rest(lambda: self.rows(f"SELECT id, kind, step, state, reason FROM operation WHERE state IN {LIVE}"), "stuck", 120)
        self.rest(lambda: self.rows("SELECT name, state FROM backend_object WHERE state IN ('doomed', 'intended')"), "never destroyed", 90)
        self.rest(self.leftovers, "left", 100)
        self.last_looks()
        self.recorder.close()
        self.calls = history.read(self.path)
        self.problems += [racer.problem for racer in self.racers if racer.problem]
        self.record = Record(self.calls, self.rows, self.listings(), oracle.read(self.fleet.array.directory / "oracle.jsonl"), self.table.all)
        wrong, self.checked, self.late_ghosts = self.record.judge()
        self.problems += wrong
        self.models()
        if left := list((self.fleet.directory / "x/nbd").glob("*")):
            self.problems.append(f"exports left without an attachment: {[entry.name for entry in left[:5]]}")
        if daemons := daemons_in(self.fleet.directory):
            self.problems.append(f"I11: {len(daemons)} storage daemons left")
        return self.problems
