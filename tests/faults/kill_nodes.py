#!/usr/bin/python3
"""Nodes are killed -9 again and again while clients work; afterwards everything must be as a model of the clients' calls says.

  tests/postgres.sh run --durable tests/faults/kill_nodes.py [--kills 100] [--workers 32] [--seconds 600] [--seed 1]
  tests/mariadb.sh run --durable [--galera] tests/faults/kill_nodes.py [--servers 20] …
  tests/faults/kill_nodes.py --embedded [--kills 50] …

The first two run three nodes on one PostgreSQL, MariaDB or Galera cluster and one shared directory, and kill a random one every 2 s;
--servers kills the database's writing server too and starts it again (mariadb_servers.py). The third kills and starts the one process
of the embedded default. A kill counts if its victim owned a running operation. Backend calls take 20 to 500 ms,
copies seconds. The checker (check.py, load.py) shares no code with the server. Takeover times are from the kill to the commit of the
successor's claim, per operation."""
import argparse
import os
import pathlib
import random
import re
import subprocess
import sys
import time

import ledger as chaos_ledger
from check import Checker
from cluster import BACKENDS, Client, Cluster, Mariadb, Postgres, Sqlite, in_folder
from load import Ledger, Worker
from mariadb_servers import ServerKiller
from takeovers import Takeovers, percentile


def owned_by_dead(database, incarnation):
    return [(row[0], int(row[1])) for row in database.rows(f"SELECT id, epoch FROM operation WHERE owner = {incarnation} AND state = 'running'")]


class Killer:
    def __init__(self, options, cluster, takeovers):
        self.options, self.cluster, self.takeovers = options, cluster, takeovers
        self.random = random.Random(options.seed)
        self.counted = self.tries = self.victims = 0
        self.kinds, self.struck = {}, set()

    def run(self, ledger):
        end = time.monotonic() + self.options.seconds
        next_kill = time.monotonic() + 4
        while self.counted < self.options.kills and time.monotonic() < end and not ledger.problems:
            time.sleep(max(0.0, next_kill - time.monotonic()))
            next_kill = time.monotonic() + self.options.every
            self.kill()

    def kill(self):
        node = self.random.choice(self.cluster.nodes)
        incarnation = self.cluster.database.rows(f"SELECT max(inc) FROM node WHERE host = '{node.name}'")[0][0]
        self.tries += 1
        self.struck.add(int(incarnation))
        at = node.kill()
        owned = owned_by_dead(self.cluster.database, incarnation)
        node.start()
        self.counted += bool(owned)
        self.victims += len(owned)
        self.takeovers.add(at, owned, "killed")
        for operation, _ in owned:
            kind, step = self.cluster.database.rows(f"SELECT kind, step FROM operation WHERE id = '{operation}'")[0]
            self.kinds[f"{kind}/{step}"] = self.kinds.get(f"{kind}/{step}", 0) + 1
        node.wait_for_answer()


def make_types(cluster):
    client, out = Client(cluster.nodes, 0), {}
    for backend in BACKENDS:
        made = client.ask("POST", "/types", {"volume_type": {"name": backend, "extra_specs": {"volume_backend_name": backend}}})
        out[backend] = made.json()["volume_type"]["name"]
    return out


def run(options, cluster):
    ledger, takeovers = Ledger(), Takeovers(cluster.database.rows)
    takeovers.start()
    types = make_types(cluster)
    workers = [Worker(number, options.seed, cluster.nodes, ledger, types) for number in range(options.workers)]
    begun, load = time.monotonic(), os.getloadavg()[0]
    for worker in workers:
        worker.start()
    killer = Killer(options, cluster, takeovers)
    servers = ServerKiller(options.servers, options.seed)
    servers.start()
    killer.run(ledger)
    servers.end(options.seconds - (time.monotonic() - begun))
    killing = time.monotonic() - begun
    load = max(load, os.getloadavg()[0])
    ledger.stop.set()
    for worker in workers:
        worker.join()
    takeovers.end()
    checker = Checker(cluster, ledger, workers)
    problems = checker.run()
    report(options, cluster, ledger, killer, takeovers, workers, killing, load)
    problems += servers.problems
    if options.servers:
        print(f"{servers.kills} kills of the writing database server, up again after {servers.slowest:.1f} s at most")
        if servers.kills < options.servers:
            problems.append(f"only {servers.kills} of {options.servers} database servers were killed")
    for problem in problems[:20]:
        print("PROBLEM:", problem)
    if takeovers.waiting:
        problems.append("operations of killed nodes that nobody claimed")
        print("PROBLEM:", problems[-1], sorted(takeovers.waiting))
    fenced = [row for row in cluster.database.rows("SELECT inc, host FROM node WHERE state = 'fenced'") if int(row[0]) not in killer.struck]
    print(f"false fencings: {len(fenced)} {fenced[:5] if fenced else ''}; verdict: {'fail' if problems else 'pass'}")
    if options.ledger:
        ended = int(cluster.database.rows("SELECT count(*) FROM operation")[0][0])
        tries, hits = {"kill": killer.tries, "database-kill": servers.kills}, {"kill": killer.counted, "failover": servers.kills}
        chaos_ledger.append(options.ledger, options, f"kill_nodes, {layout(options)}", tries, {"kill": killer.tries, "failover": servers.kills}, hits, ended,
                            sum(ledger.counts.values()), takeovers.summary(), len(fenced), "fail" if problems else "pass")
    if killer.counted < options.kills:
        print(f"only {killer.counted} of {options.kills} kills counted within {options.seconds} s")
    return 1 if problems or killer.counted < options.kills else 0


def report(options, cluster, ledger, killer, takeovers, workers, killing, load):
    rows = cluster.database.rows("SELECT kind, state, count(*) FROM operation GROUP BY kind, state ORDER BY kind, state")
    ended = sum(int(row[2]) for row in rows)
    print(f"{killer.tries} kills in {killing:.0f} s, {killer.counted} of a node that owned a running operation; load average {load:.1f}")
    print(f"{ended} operations by {options.workers} clients: " + ", ".join(f"{kind} {state} {count}" for kind, state, count in rows))
    print(f"calls: " + ", ".join(f"{what} {count}" for what, count in sorted(ledger.counts.items())) +
          f"; without an answer {sum(worker.client.unknown for worker in workers)}")
    print("killed in: " + ", ".join(f"{step} {count}" for step, count in sorted(killer.kinds.items())))
    most = cluster.database.rows("SELECT max(epoch) FROM operation")[0][0]
    slowest = max(node.slowest_start for node in cluster.nodes)
    print(f"an operation had at most {most} owners one after the other; a killed node answered again within {slowest:.2f} s")
    times = sorted(seconds for seconds, _, _ in takeovers.times)
    if times:
        print(f"takeover of {len(times)} operations: p50 {percentile(times, 0.5):.2f} s, p90 {percentile(times, 0.9):.2f} s, p99 {percentile(times, 0.99):.2f} s, "
              f"longest {times[-1]:.2f} s")


def on_postgres(directory, names):
    conninfo = os.environ.get("SCORIA_TEST_POSTGRES") or sys.exit("run me under tests/postgres.sh run, or with --embedded")
    pairs = dict(re.findall(r"(\w+)=(\S+)", conninfo))
    subprocess.run(["psql", conninfo, "-qX", "-c", "DROP DATABASE IF EXISTS chaos", "-c", "CREATE DATABASE chaos"], check=True)
    url = f"postgresql:///chaos?host={pairs['host']}&user={pairs.get('user', 'scoria')}" + (f"&port={pairs['port']}" if "port" in pairs else "")
    return Cluster(directory, names, url, Postgres(url))


def on_mariadb(directory, names):
    url = os.environ.get("SCORIA_TEST_MARIADB") or sys.exit("run me under tests/mariadb.sh run")
    user, password, hosts = re.match(r"\w+://(\w+):(\w+)@([^/]+)/", url).groups()
    hosts = [tuple(one.rsplit(":", 1)) for one in hosts.split(",")]
    database = Mariadb(hosts, user, password, "information_schema")
    database.rows("DROP DATABASE IF EXISTS chaos")
    database.rows("CREATE DATABASE chaos")
    database.close()
    return Cluster(directory, names, url.rsplit("/", 1)[0] + "/chaos", Mariadb(hosts, user, password, "chaos"))


def layout(options):
    """As the ledger of runs names it."""
    servers = os.environ.get("SCORIA_TEST_MARIADB")
    return "embedded" if options.embedded else "galera" if servers and "," in servers else "mariadb" if servers else "postgres"


def make_cluster(options, directory):
    if options.embedded:
        return Cluster(directory, ["n1"], "", Sqlite(directory / "n1/scoria.sqlite"))
    return (on_mariadb if os.environ.get("SCORIA_TEST_MARIADB") else on_postgres)(directory, ["n1", "n2", "n3"])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--embedded", action="store_true")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--workers", type=int, default=32)
    parser.add_argument("--seconds", type=int, default=600, help="longest time of killing")
    parser.add_argument("--every", type=float, help="seconds between kills (2, embedded 3: its one process does all the work)")
    parser.add_argument("--servers", type=int, default=0, help="kills of the database's writing server (under tests/mariadb.sh)")
    parser.add_argument("--seed", type=int, default=random.randrange(100000))
    parser.add_argument("--ledger", type=pathlib.Path, help="file to append the result to")
    parser.add_argument("--keep", action="store_true", help="leave the directory")
    options = parser.parse_args()
    options.every = options.every or (3.0 if options.embedded else 2.0)
    print(f"seed {options.seed}", flush=True)
    return in_folder("sk-", lambda directory: make_cluster(options, directory), lambda cluster: run(options, cluster), options.keep)


if __name__ == "__main__":
    sys.exit(main())
