#!/usr/bin/python3
"""The whole-service benchmark: starts Scoria with real settings, loads it with build/release/tests/bench/load_bench, prints tables.

  tests/bench/run.py [--engine sqlite|postgres|both] [--seconds 4] [--write docs/benchmarks.md] [--json FILE]

Real settings: token check against the local identity, default policy, a member of the project as the caller, durable commits
(SQLite: WAL with synchronous=FULL; PostgreSQL: fsync, full_page_writes and synchronous_commit on), backend `fake`. The database
is filled by SQL, with Scoria stopped, to 10^3 and then 10^6 volumes of one project. --write puts the tables between the two
marks of that file. Builds nothing: ninja -C build/release scoria load_bench."""
import argparse
import json
import os
import pathlib
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import bench_database
from bench_node import Node

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(os.environ.get("SCORIA_BUILD", ROOT / "build" / "release")).resolve()
PROJECTS = 16
PASSWORD = "a password of this run"
SIZES = (1_000, 1_000_000)

# name, words for load_bench, target: cycles per second, microseconds of CPU of Scoria and database per cycle (None: none); at which sizes
SCENARIOS = [
    ("show", ["--scenario", "show"], 10_000, 80, SIZES),
    ("list of 100 in detail", ["--scenario", "list"], 2_500, 400, SIZES),
    ("list of 100, another page each time", ["--scenario", "pages"], None, None, SIZES[1:]),
    ("create→available, 16 projects", ["--scenario", "create"], 600, 2_000, SIZES),
    ("create→available, one project", ["--scenario", "create", "--one-project"], 600, 2_000, SIZES[:1]),
    ("create→available, 16 projects, watched", ["--scenario", "watch"], 600, 2_000, SIZES),
    ("create→available, one project, watched", ["--scenario", "watch", "--one-project"], 600, 2_000, SIZES[:1]),
    ("attach cycle, 16 projects", ["--scenario", "attach"], 400, 2_000, SIZES),
]
ALONE = ["--scenario", "list", "--clients", "1"]  # the first page, one client: nothing waits for anything else
TURNS = 6


def fsync_milliseconds(folder):
    """What one durable write of 8 KiB costs in that folder: the floor under every commit."""
    times = []
    with open(folder / "probe", "wb") as file:
        for _ in range(200):
            file.write(b"x" * 8192)
            file.flush()
            begun = time.monotonic()
            os.fdatasync(file.fileno())
            times.append((time.monotonic() - begun) * 1000)
    return statistics.median(times)


def load(node, database, plan, words, seconds):
    command = [BUILD / "tests" / "bench" / "load_bench", "--port", str(node.port), "--plan", plan, "--seconds", str(seconds), *words]
    pids = [node.process.pid, *database.pids()]
    for pid in pids:
        command += ["--pid", str(pid)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60)
    if done.returncode != 0:
        raise RuntimeError(done.stderr + node.log()[-2000:])
    out = json.loads(done.stdout)
    per = 1e6 / out["cycles"]
    out["scoria_us"] = out["cpu"][str(node.process.pid)] * per
    out["database_us"] = sum(out["cpu"][str(pid)] for pid in pids[1:]) * per
    out["client_us"] = out["client_cpu"] * per
    return out


def prepare(node):
    """16 projects and a member of all of them. Lines of the plan, the project of the filled volumes first."""
    lines, projects = [], []
    user = node.identity("POST", "/users", {"user": {"name": "bench", "password": PASSWORD}})["user"]["id"]
    role = [one["id"] for one in node.identity("GET", "/roles")["roles"] if one["name"] == "member"][0]
    for number in range(PROJECTS):
        project = node.identity("POST", "/projects", {"project": {"name": f"bench-{number}"}})["project"]["id"]
        node.identity("PUT", f"/projects/{project}/users/{user}/roles/{role}")
        projects.append(project)
        lines.append(f"project {project} {node.login('bench', PASSWORD, project)}")
    return projects[0], user, lines


def write_plan(folder, lines, volumes):
    path = folder / "plan"
    path.write_text("\n".join(lines + [f"volume {one}" for one in volumes]) + "\n")
    return path


def measure(database, folder, seconds):
    """Everything about one engine."""
    out = {"engine": database.name, "settings": database.settings(), "fsync_ms": fsync_milliseconds(database.folder(folder)), "loads": [], "starts": {}, "memory": {}}
    out["floor"] = database.floor(seconds)
    node, others = Node(BUILD, folder, database.connection(folder)), []
    try:
        out["starts"]["first, making the schema"] = node.start(None)
        node.log_in()
        project, user, lines = prepare(node)
        token = lines[0].split()[2]
        node.wait_for_pool(project, token)
        have = 0
        for size in SIZES:
            node.stop()
            if have:
                small = folder.with_name(folder.name + "-small")
                others.append(Node(BUILD, small, database.copy(folder, small)))
            out.setdefault("fill_seconds", {})[size] = database.fill(folder, project, user, size - have)
            have = size
            plan = write_plan(folder, lines, database.some_volumes(folder, project))
            out["starts"][f"with {size:,} volumes"] = node.start(f"/v3/{project}/volumes?limit=1", token)
            time.sleep(3)
            begun = node.cpu_seconds()
            time.sleep(2)
            out["memory"][f"Scoria idle, {size:,} volumes"] = node.resident_mib()
            out.setdefault("idle_cpu_percent", {})[size] = (node.cpu_seconds() - begun) / 2 * 100
            for name, words, per_second, cpu_us, sizes in SCENARIOS:
                if size not in sizes:
                    continue
                print(f"{database.name}, {size:,} volumes: {name} …", file=sys.stderr, flush=True)
                figures = load(node, database, plan, words, seconds)
                out["loads"].append({"name": name, "volumes": size, "target_per_second": per_second, "target_cpu_us": cpu_us, **figures})
            out["memory"][f"Scoria after load, {size:,} volumes"] = node.resident_mib()
            if database.pids():
                out["memory"][f"PostgreSQL after load, {size:,} volumes"] = sum(bench_database.proportional_mib(pid) for pid in database.pids())
        for other in others:
            other.start(f"/v3/{project}/volumes?limit=1", token)
        out["first_page_ms"] = first_pages(dict(zip(SIZES, [*others, node])), database, plan, seconds / 4)
        node.stop()
    finally:
        for one in [node, *others]:
            one.end()
        for other in others:
            shutil.rmtree(other.folder, ignore_errors=True)
    return out


def first_pages(nodes, database, plan, seconds):
    """Median milliseconds by size, asked by turns: the speed of a machine wanders by more than what is looked for."""
    times = {size: [] for size in nodes}
    for turn in range(TURNS):
        for size in sorted(nodes, reverse=turn % 2 == 1):
            times[size].append(load(nodes[size], database, plan, ALONE, seconds)["p50_ms"])
    return {size: statistics.median(all_times) for size, all_times in times.items()}


def row(cells):
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def tables(results, before, after):
    out = [f"{time.strftime('%Y-%m-%d %H:%M')}, commit {before['commit']}, {os.cpu_count()} CPUs ({before['model']}), kernel {os.uname().release}; "
           f"load average {before['load']} before, {after['load']} after.", ""]
    for result in results:
        out += [f"**{result['engine']}** ({result['settings']}; an fdatasync of 8 KiB takes {result['fsync_ms']:.2f} ms here)", "",
                row(["", "volumes", "per second", "target", "p50 ms", "p99 ms", "CPU µs: Scoria", "database", "together", "target", "client"]), row(["---"] * 11)]
        for one in result["loads"]:
            together = one["scoria_us"] + one["database_us"]
            out.append(row([one["name"], f"{one['volumes']:,}", f"{one['per_second']:,.0f}", target(one["per_second"], one["target_per_second"], -1),
                            f"{one['p50_ms']:.1f}", f"{one['p99_ms']:.1f}", f"{one['scoria_us']:,.0f}", f"{one['database_us']:,.0f}", f"{together:,.0f}",
                            target(together, one["target_cpu_us"], 1), f"{one['client_us']:,.0f}"]))
        if result["floor"]:
            out += ["", "What this server takes here for the plainest transactions, by `pgbench` with prepared statements and 16 clients: "
                    + "; ".join(f"{what}: {per_second:,.0f} a second, {cpu:,.0f} µs of its CPU each" for what, per_second, cpu in result["floor"]) + "."]
        small, large = [result["first_page_ms"][size] for size in SIZES]
        ratio = large / small
        out += ["", f"First page, one client, by turns: p50 {large:.2f} ms at 10^6 volumes, {small:.2f} ms at 10^3: {ratio:.2f} times ({mark(ratio <= 1.2, '1.2')}). Start to first answer: "
                + ", ".join(f"{1000 * seconds:.0f} ms {name}" for name, seconds in result["starts"].items()) + f" ({mark(max(list(result['starts'].values())[1:]) < 0.5, '500 ms')}). "
                "Resident memory: " + ", ".join(f"{mib:.0f} MiB {name}" for name, mib in result["memory"].items())
                + f" ({mark(result['memory'][f'Scoria idle, {SIZES[0]:,} volumes'] <= 60, '60 MiB idle')}). Idle CPU: "
                + ", ".join(f"{percent:.1f} % of one CPU with {size:,} volumes" for size, percent in result["idle_cpu_percent"].items()) + ".", ""]
    return "\n".join(out)


def mark(met, target):
    return f"{target} ✓" if met else f"{target} ✗"


def target(value, wanted, sign):
    """`sign` 1: at most that much, -1: at least."""
    return "" if wanted is None else mark(sign * value <= sign * wanted, f"{wanted:,}")


def machine():
    commit = subprocess.run(["git", "-C", ROOT, "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
    model = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    return {"commit": commit, "model": model.group(1) if model else "unknown", "load": " ".join(pathlib.Path("/proc/loadavg").read_text().split()[:3])}


def put_between_marks(path, text):
    page = path.read_text()
    begin, end = "<!-- figures: tests/bench/run.py -->", "<!-- end of figures -->"
    head, rest = page.split(begin)
    path.write_text(head + begin + "\n" + text + "\n" + end + rest.split(end)[1])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", choices=["sqlite", "postgres", "both"], default="both")
    parser.add_argument("--seconds", type=float, default=4, help="of each load, after a second of warm-up")
    parser.add_argument("--write", type=pathlib.Path)
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that everything started here is ended
    before, results = machine(), []
    for kind in [bench_database.Sqlite, bench_database.Postgres]:
        if options.engine not in (kind.key, "both"):
            continue
        with tempfile.TemporaryDirectory(prefix="scoria-bench-") as folder, kind() as database:
            results.append(measure(database, pathlib.Path(folder), options.seconds))
    text = tables(results, before, machine())
    print(text)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))
    if options.write:
        put_between_marks(options.write, text)


if __name__ == "__main__":
    main()
