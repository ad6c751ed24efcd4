#!/usr/bin/python3
"""Everything goes wrong, one thing after the other, while clients work; afterwards all must be as the clients saw it.

  tests/faults/chaos.py [--layout postgres|pair|mariadb|galera|sqlite] [--nemeses kill,pause,…] [--seconds 60] [--seed 1] [--rate 20] [--rest 12] [--ledger FILE] [--list]

Nodes, database and storage array run in network name spaces of their own (root). Half of the clients know their volumes and their bytes
(load.py), the others meet on shared ones and only write down what they saw (racers.py). judge.py decides. A strike counts if it hit a
node that owned a running operation. Takeover: from the strike to the commit of the successor's claim, for each operation; apart from
that after an outage of the database, when nobody is declared dead before all had time to come back."""
import argparse
import collections
import os
import pathlib
import random
import shutil
import signal
import sys
import tempfile
import threading
import time

import ledger
import nemeses
from cluster import Client
from databases import LAYOUTS
from fleet import FENCED, Fleet
from history import Recorder
from judge import Judge
from load import Ledger, Worker
from net import possible
from racers import Racer, Table
from takeovers import Takeovers


LATE = 5.0  # seconds after which a takeover is told of by itself
CAUTIOUS = 10.0  # seconds for which a node that was late itself, or saw most others late, judges nobody, and some more


class Storm:
    """Strikes and heals until its time is over, each nemesis about equally often."""

    def __init__(self, options, fleet, takeovers):
        self.options, self.fleet, self.takeovers, self.random = options, fleet, takeovers, random.Random(options.seed)
        self.names = [name for name in options.nemeses if nemeses.possible(name, fleet)]
        if impossible := set(options.nemeses) - set(self.names):
            print(f"left out here: {', '.join(sorted(impossible))}", flush=True)
        self.counts, self.hits, self.tries, self.struck = collections.Counter(), collections.Counter(), collections.Counter(), set()
        self.calm = threading.Event()
        self.calm.set()
        self.outage = 0.0  # when the last one of the database was healed

    def run(self, problems):
        end, order = time.monotonic() + self.options.seconds, []
        while time.monotonic() < end and not problems:
            order = order or self.random.sample(self.names, len(self.names))
            self.one(order.pop())
            time.sleep(self.options.rest + self.random.uniform(0.5, 2.0))

    def one(self, name):
        nemesis = nemeses.ALL[name](self.fleet, self.random, self.options.longest)
        self.calm.clear()
        self.fleet.weather = name
        began, before = time.monotonic(), {node.name: self.fleet.incarnation(node) for node in self.fleet.nodes}
        try:
            strike = nemesis.strike()
            hit = getattr(nemesis, "hit", False)
            owned = []
            if strike.nodes and strike.kind in ("kill", "pause", "partition"):
                owned = [one for node in strike.nodes for one in self.fleet.owned(before[node.name])]
            if strike.fences:
                self.struck |= {before[node.name] for node in strike.nodes}
            if strike.died or strike.silent:
                late = " after an outage of the database" if strike.at < self.outage + CAUTIOUS else ""
                self.takeovers.add(strike.at, owned, ("killed" if strike.died else "silent") + late)
            time.sleep(max(0.0, strike.at + strike.seconds - time.time()))
        finally:
            nemesis.heal()
            if nemesis.hits_all:
                self.outage = time.time()
        self.fleet.wait_until_all_answer()
        if strike.silent:  # who was fenced is taken over; who came back in time goes on
            time.sleep(1.0)
            self.takeovers.forget(owned)
        self.tries[name] += 1
        self.counts[strike.kind] += 1
        self.hits[strike.kind] += bool(owned or hit)
        print(f"  {name} {', '.join(node.name for node in strike.nodes)} for {time.monotonic() - began:.1f} s, {len(owned)} operations hit", flush=True)
        self.fleet.weather = f"after {name}"
        self.calm.set()

    def settled(self):
        """When a call without an answer cannot happen any more: what held its packets or its process is over."""
        self.calm.wait(60)
        time.sleep(1)


def make_types(fleet):
    client = Client(fleet.nodes, 0)
    for backend in ("plain", "array"):
        client.insist("POST", "/types", {"volume_type": {"name": backend, "extra_specs": {"volume_backend_name": backend}}})
    return {"plain": "plain", "array": "array"}


def false_fencings(fleet, storm):
    return [row for row in fleet.rows("SELECT inc, host FROM node WHERE state = 'fenced'") if int(row[0]) not in storm.struck]


def run(options, directory):
    fleet = Fleet(directory, options.layout, options.seed)
    try:
        return drive(options, directory, fleet)
    finally:
        fleet.end()


def drive(options, directory, fleet):
    known, stop, table = Ledger(), threading.Event(), Table(max(2, options.rate // 6))
    recorder, takeovers = Recorder(directory / "history.jsonl"), Takeovers(fleet.rows)
    takeovers.start()
    types = make_types(fleet)
    storm = Storm(options, fleet, takeovers)
    known.settled = storm.settled
    half = max(2, options.rate // 2)
    workers = [Worker(number, options.seed, fleet.nodes, known, types, recorder) for number in range(half)]
    racers = [Racer(number, options.seed, fleet.nodes, recorder, table, list(types), stop) for number in range(half)]
    for thread in workers + racers:
        thread.start()
    time.sleep(3)
    storm.run(known.problems)
    stop.set()
    known.stop.set()
    for thread in workers + racers:
        thread.join(timeout=400)
    takeovers.end()
    fenced = false_fencings(fleet, storm)
    judge = Judge(fleet, recorder, directory / "history.jsonl", workers, racers, table, known)
    problems = judge.run()
    if takeovers.waiting:
        problems.append(f"nobody took over {sorted(takeovers.waiting)}")
    if options.record:
        judge.record.save(options.record, fleet.database.path, directory / "history.jsonl")
    return report(options, fleet, storm, takeovers, judge, fenced, problems)


def report(options, fleet, storm, takeovers, judge, fenced, problems):
    operations = int(fleet.rows("SELECT count(*) FROM operation")[0][0])
    summary = takeovers.summary()
    print("strikes: " + ", ".join(f"{name} {count}" for name, count in sorted(storm.tries.items())))
    print("hit running operations: " + ", ".join(f"{kind} {storm.hits[kind]} of {count}" for kind, count in sorted(storm.counts.items())))
    print(f"{operations} operations, {len(judge.calls)} calls, {judge.checked} of them on {len(judge.table.all)} shared volumes explained by an order; "
          f"{sum(call.kind == 'unknown' for call in judge.calls)} without an answer; late ghosts at the array that changed nothing: {judge.late_ghosts}")
    for label, numbers in summary.items():
        print(f"takeover ({label}) of {numbers['count']} operations: p50 {numbers['p50']} s, p99 {numbers['p99']} s, longest {numbers['longest']} s")
    for waited, id_ in takeovers.late(LATE)[:20]:
        what = fleet.rows(f"SELECT kind, queue, deaths, id FROM operation WHERE id = '{id_}'")[0]
        print(f"  late: {waited:.2f} s, {' '.join(what)}")
    left = collections.Counter(f"{weather}: {'fenced' if code == FENCED else code}" for weather, _, code in fleet.exits)
    print(f"false fencings: {len(fenced)} {fenced[:5] if fenced else ''}; nodes that ended by themselves: {dict(left)}")
    for problem in problems[:25]:
        print("PROBLEM:", problem)
    verdict = "fail" if problems else "pass"
    print(f"verdict: {verdict}")
    if options.ledger:
        ledger.append(options.ledger, options, options.layout, storm.tries, storm.counts, storm.hits, operations, judge.checked, summary, len(fenced), verdict)
    return 1 if problems else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--layout", choices=sorted(LAYOUTS), default="postgres")
    parser.add_argument("--nemeses", default=",".join(nemeses.ALL), type=lambda text: text.split(","))
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--longest", type=float, default=30, help="seconds of one strike, at most")
    parser.add_argument("--rest", type=float, default=0, help="seconds of quiet between strikes; with more than ten each finds everybody certain of himself")
    parser.add_argument("--seed", type=int, default=random.randrange(100000))
    parser.add_argument("--rate", type=int, default=12, help="clients, half of each sort")
    parser.add_argument("--ledger", type=pathlib.Path, help="file to append the result to")
    parser.add_argument("--record", type=pathlib.Path, help="a .tar.xz to leave the run in, for tests of the checker (layout sqlite)")
    parser.add_argument("--keep", action="store_true", help="leave the directory")
    parser.add_argument("--list", action="store_true", help="the nemeses and what is expected")
    options = parser.parse_args()
    if options.list:
        for name, kind in nemeses.ALL.items():
            print(f"{name:22} {' '.join(kind.__doc__ .split()) if kind.__doc__ else ''}")
        return 0
    if unknown := set(options.nemeses) - set(nemeses.ALL):
        parser.error(f"no such nemesis: {', '.join(unknown)}")
    if not possible():
        sys.exit("needs root, ip and nft")
    print(f"seed {options.seed}, layout {options.layout}", flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("told to end"))  # and take everything away
    directory = pathlib.Path(tempfile.mkdtemp(prefix="sc-"))
    try:
        return run(options, directory)
    finally:
        if options.keep:
            print(f"left: {directory}")
        else:
            shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
