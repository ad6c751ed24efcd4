#!/usr/bin/python3
"""The primary of a PostgreSQL pair is killed -9 while clients work, its synchronous standby promoted, the old primary brought back as
the standby, again and again; afterwards everything must be as a model of the clients' calls says.

  tests/postgres_ha.sh run tests/faults/failover.py [--failovers 5] [--workers 8] [--seed 1]

Three nodes on one shared directory. While there is no primary every answer must be 503 with Retry-After, or one that needs no
database. Between two failovers the standby is synchronous again: that is when a second loss of power loses nothing."""
import argparse
import http.client
import os
import pathlib
import random
import re
import subprocess
import sys
import threading
import time

import ledger as chaos_ledger
from check import Checker
from cluster import PROJECT, Cluster, Postgres, in_folder
from kill_nodes import make_types, percentile
from load import Ledger, Worker

SCRIPT = pathlib.Path(__file__).resolve().parent.parent / "postgres_ha.sh"


class FollowingPostgres(Postgres):
    """As Postgres, connected anew to whoever may be written when the connection was lost."""

    def __init__(self, url):
        self.url = url
        super().__init__(url)

    def rows(self, sql):
        for _ in range(60):
            try:
                # A psql that has gone answers nothing; one that works ends with our mark.
                if super().rows("SELECT 1") == [["1"]]:
                    return super().rows(sql)
            except (RuntimeError, OSError, ValueError):
                pass
            self.psql.kill()
            self.psql.wait()
            time.sleep(0.5)
            Postgres.__init__(self, self.url)
        raise RuntimeError(f"no primary answers: {sql[:100]}")


class Prober(threading.Thread):
    """Asks every node for a list ten times a second. 503 must carry Retry-After; nothing else but 200 is right."""

    def __init__(self, nodes):
        super().__init__(name="prober", daemon=True)
        self.nodes, self.ended, self.problems = nodes, threading.Event(), []
        self.answers = {}
        self.last_bad = {node.name: 0.0 for node in nodes}

    def ask(self, node):
        connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=60)
        try:
            connection.request("GET", f"/v3/{PROJECT}/volumes?limit=1", headers={"X-Auth-Token": f"admin:{PROJECT}"})
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException) as lost:
            self.problems.append(f"{node.name} gave no answer: {lost}")
            return
        finally:
            connection.close()
        self.answers[answer.status] = self.answers.get(answer.status, 0) + 1
        if answer.status != 200:
            self.last_bad[node.name] = time.monotonic()
        if answer.status == 503 and not answer.headers.get("Retry-After"):
            self.problems.append(f"{node.name} answered 503 without Retry-After")
        if answer.status not in (200, 503):
            self.problems.append(f"{node.name} answered {answer.status}")

    def run(self):
        while not self.ended.wait(0.1):
            for node in self.nodes:
                self.ask(node)


def script(verb, directory):
    subprocess.run([str(SCRIPT), verb, directory], check=True, timeout=300, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def fail_over(options, cluster, prober, chance):
    """How long no node could serve, from the kill on and from the promotion on; and the operations that were running."""
    directory = os.environ["SCORIA_TEST_POSTGRES_HA_DIR"]
    time.sleep(chance.uniform(options.every / 2, options.every * 1.5))
    running = int(cluster.database.rows("SELECT count(*) FROM operation WHERE state = 'running'")[0][0])
    at = time.monotonic()
    script("kill", directory)
    time.sleep(chance.uniform(0, 2))
    script("promote", directory)
    promoted = time.monotonic()
    script("rejoin", directory)
    time.sleep(1)
    bad = max(prober.last_bad.values())
    return max(0.0, bad - at), max(0.0, bad - promoted), running


def run(options, cluster):
    ledger, chance = Ledger(), random.Random(options.seed)
    types = make_types(cluster)
    workers = [Worker(number, options.seed, cluster.nodes, ledger, types) for number in range(options.workers)]
    prober = Prober(cluster.nodes)
    for thread in workers + [prober]:
        thread.start()
    outages, after, hits = [], [], 0
    for _ in range(options.failovers):
        outage, late, running = fail_over(options, cluster, prober, chance)
        hits += running > 0
        outages.append(outage)
        after.append(late)
        if ledger.problems or prober.problems:
            break
    time.sleep(3)
    ledger.stop.set()
    for worker in workers:
        worker.join()
    prober.ended.set()
    prober.join()
    problems = Checker(cluster, ledger, workers).run() + prober.problems
    report(cluster, ledger, prober, workers, outages, after)
    for problem in problems[:20]:
        print("PROBLEM:", problem)
    fenced = int(cluster.database.rows("SELECT count(*) FROM node WHERE state = 'fenced'")[0][0])
    print(f"false fencings: {fenced}; verdict: {'fail' if problems else 'pass'}")
    if options.ledger:
        ended = int(cluster.database.rows("SELECT count(*) FROM operation")[0][0])
        count = {"failover": len(outages)}
        chaos_ledger.append(options.ledger, options, "failover, PostgreSQL pair", count, count, {"failover": hits}, ended, sum(ledger.counts.values()), {}, fenced,
                            "fail" if problems else "pass")
    return 1 if problems or len(outages) < options.failovers else 0


def report(cluster, ledger, prober, workers, outages, after):
    rows = cluster.database.rows("SELECT kind, state, count(*) FROM operation GROUP BY kind, state ORDER BY kind, state")
    print(f"{len(outages)} failovers; {sum(int(row[2]) for row in rows)} operations: " + ", ".join(f"{kind} {state} {count}" for kind, state, count in rows))
    print("calls: " + ", ".join(f"{what} {count}" for what, count in sorted(ledger.counts.items())) +
          f"; without an answer {sum(worker.client.unknown for worker in workers)}")
    print("probes answered: " + ", ".join(f"{status} {count}" for status, count in sorted(prober.answers.items())))
    if outages:
        print(f"not served from the kill on: p50 {percentile(sorted(outages), 0.5):.1f} s, longest {max(outages):.1f} s; from the promotion on: longest {max(after):.1f} s")


def make_cluster(directory):
    conninfo = os.environ.get("SCORIA_TEST_POSTGRES_HA") or sys.exit("run me under tests/postgres_ha.sh run")
    pairs = dict(re.findall(r"(\w+)=(\S+)", conninfo))
    subprocess.run(["psql", conninfo, "-qX", "-c", "DROP DATABASE IF EXISTS chaos", "-c", "CREATE DATABASE chaos"], check=True)
    hosts = ",".join(f"{host}:{port}" for host, port in zip(pairs["host"].split(","), pairs["port"].split(",")))
    url = f"postgresql://{pairs['user']}@{hosts}/chaos?target_session_attrs=primary&connect_timeout=2"
    return Cluster(directory, ["n1", "n2", "n3"], url, FollowingPostgres(url))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--failovers", type=int, default=5)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--every", type=float, default=8, help="seconds of quiet before each, about")
    parser.add_argument("--seed", type=int, default=random.randrange(100000))
    parser.add_argument("--ledger", type=pathlib.Path, help="file to append the result to")
    parser.add_argument("--keep", action="store_true", help="leave the directory")
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    return in_folder("sf-", make_cluster, lambda cluster: run(options, cluster), options.keep)


if __name__ == "__main__":
    sys.exit(main())
