#!/usr/bin/python3
"""Releases are replaced by newer ones, node by node, while clients work; no request fails, and what was made before is there after.

  tests/postgres.sh run tests/upgrade/run.py [--seed 1] [--workers 4]        three nodes through four releases, each with a way back
  tests/postgres.sh run tests/upgrade/run.py --orders 20 [--seed 1]          roles as processes of their own: the recommended order, then random ones

The releases are this tree and tests/upgrade/patches on top of it (releases.py); they are built into build/upgrade and kept there. Calls
of backends are slowed down, so that every switch meets operations in flight; they are counted."""
import argparse
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "faults"))
import releases  # noqa: E402
from cluster import Postgres, free_port  # noqa: E402
from clients import PROJECT, Balancer, Client, Failed, Volume, Worker  # noqa: E402

BACKENDS = ("plain", "copying")
SLOW = ";".join(["driver.file.publish.described=delay(20,300)", "driver.file.remove.renamed=delay(20,300)", "driver.file.extend.before=delay(20,200)",
                 "driver.file.copy.chunk=delay(50,300)", "driver.file.freeze.renamed=delay(0,200)"])


class Process:
    """One scoria, of the release that it was last started as."""

    def __init__(self, deployment, name, roles):
        self.deployment, self.name, self.roles, self.port, self.process, self.release = deployment, name, roles, free_port(), None, None

    def arguments(self):
        directory = self.deployment.directory
        settings = {"DEFAULT.state_path": directory / self.name, "DEFAULT.host": self.name, "DEFAULT.osapi_volume_listen_port": self.port, "DEFAULT.roles": self.roles,
                    "DEFAULT.auth_strategy": "noauth", "DEFAULT.cluster": "all", "DEFAULT.quota_volumes": -1, "DEFAULT.quota_gigabytes": -1,
                    "DEFAULT.enabled_backends": ",".join(BACKENDS), "exports.state_directory": directory / "x", "database.connection": self.deployment.url,
                    "backend_defaults.max_over_subscription_ratio": 100000, "copying.file_layer_limit": 1}
        for backend in BACKENDS:
            settings[f"{backend}.volume_driver"] = "file"
            settings[f"{backend}.file_directories"] = f"pool={directory}/{backend}"
        return [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]

    def command(self, release, *words):
        return [str(self.deployment.programs[release]), *words, *self.arguments()]

    def launch(self, release):
        (self.deployment.directory / self.name).mkdir(exist_ok=True)
        with open(self.deployment.directory / f"{self.name}.log", "ab") as log:
            self.process = subprocess.Popen(self.command(release, "serve"), stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=dict(os.environ, SCORIA_FAILPOINTS=SLOW))
        self.release = release

    def start(self, release):
        self.launch(release)
        self.deployment.wait(lambda: self.alive() and self.incarnation(), f"the start of {self.name}", seconds=180)
        if "api" in self.roles:
            self.deployment.wait(self.answers, f"{self.name} to answer")
            self.deployment.balancer.add(self.port)

    def alive(self):
        """One that found no database in time, on a machine that is busy, is started again, as a service manager does."""
        if self.process.poll() is None:
            return True
        if not self.log().rstrip().endswith("failed: timeout expired"):
            raise Failed(f"{self.name} ended: {self.log()[-1500:]}")
        self.deployment.late += 1
        self.launch(self.release)
        return False

    def log(self):
        return (self.deployment.directory / f"{self.name}.log").read_text(errors="replace")

    def incarnation(self):
        """0: it is not in the deployment, or there is none yet."""
        rows = self.deployment.database.rows("SELECT 1 FROM pg_tables WHERE tablename = 'node'")
        rows = rows and self.deployment.database.rows(f"SELECT inc FROM node WHERE host = '{self.name}' AND state = 'up' ORDER BY inc DESC LIMIT 1")
        return int(rows[0][0]) if rows else 0

    def answers(self):
        try:
            Client(_Only(self.port), 0).ask("GET", "/volumes?limit=1")
            return True
        except Failed:
            return False

    def running(self):
        return int(self.deployment.database.rows(f"SELECT count(*) FROM operation WHERE owner = {self.incarnation()} AND state = 'running'")[0][0])

    def stop(self):
        """As an operator would: out of the balancer, SIGTERM. Returns how many operations it had."""
        if "api" in self.roles:
            self.deployment.balancer.remove(self.port)
            time.sleep(0.05)  # what has picked it connects
        running = self.running()
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=60)
        if code != 0:
            raise Failed(f"{self.name} ended with {code}: {self.log()[-1500:]}")
        return running

    def switch(self, release):
        if "volume" in self.roles:  # met at work, if there is any within a moment
            self.deployment.wait(lambda: self.running() > 0, "work", seconds=3, must=False)
        begun = time.monotonic()
        self.deployment.in_flight += self.stop()
        self.start(release)
        self.deployment.switches += 1
        self.deployment.slowest = max(self.deployment.slowest, time.monotonic() - begun)

    def refused(self, release):
        """What a start of that release says, which must not be let in."""
        done = subprocess.run(self.command(release, "serve"), capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL)
        if done.returncode == 0 or "scoria: " not in done.stderr:
            raise Failed(f"release {releases.VERSIONS[release]} was let in")
        return done.stderr.split("scoria: ")[-1].strip()


class _Only:
    refused = 0

    def __init__(self, port):
        self.port = port

    def pick(self, _):
        return self.port


class Deployment:
    def __init__(self, directory, programs, layout, release, url, database):
        self.directory, self.programs, self.url, self.database = directory, programs, url, database
        self.balancer, self.in_flight, self.switches, self.slowest, self.late = Balancer(), 0, 0, 0.0, 0
        for backend in BACKENDS:
            (directory / backend).mkdir()
        self.processes = [Process(self, name, roles) for name, roles in layout]
        for process in self.processes:
            if process is not self.processes[0]:  # one deployment, one key
                (directory / process.name).mkdir()
                shutil.copy(directory / self.processes[0].name / "sealing.key", directory / process.name / "sealing.key")
            process.start(release)
        self.client = Client(self.balancer, 0)
        for backend in BACKENDS:
            self.client.ask("POST", "/types", {"volume_type": {"name": backend, "extra_specs": {"volume_backend_name": backend}}})
        self.wait(lambda: len(self.client.ask("GET", "/scheduler-stats/get_pools")["pools"]) >= len(BACKENDS), "the pools")

    @staticmethod
    def wait(what, name, seconds=60.0, must=True):
        end = time.monotonic() + seconds
        while not what():
            if time.monotonic() > end:
                if must:
                    raise Failed(f"{name}: not within {seconds:.0f} s")
                return False
            time.sleep(0.05)
        return True

    def upgrade(self):
        return self.client.ask("GET", "/scoria/v1/upgrade")["upgrade"]

    def versions(self, kind):
        return [int(row[0]) for row in self.database.rows(f"SELECT DISTINCT ver FROM operation WHERE kind = '{kind}' ORDER BY ver")]

    def columns(self):
        return {row[0] for row in self.database.rows("SELECT column_name FROM information_schema.columns WHERE table_name = 'volume'")}

    def end(self):
        for process in self.processes:
            if process.process and process.process.poll() is None:
                process.process.kill()
                process.process.wait()
        self.database.close()


def expect(truth, text):
    if not truth:
        raise Failed(text)


def finalize(deployment, release):
    """After the last switch: until here the way back was open, from here on it is not."""
    version = releases.VERSIONS[release]
    before = deployment.upgrade()
    expect(before["state"] == "not finalised", f"before finalising: {before['state']}")
    expect(before["finalised_release"] == releases.VERSIONS[release - 1], f"written for {before['finalised_release']}")
    expect({node["release"] for node in before["nodes"] if not node["silent"]} == {version}, f"not all are {version}: {before['nodes']}")
    begun = time.monotonic()
    # Those that left a moment ago count no more; one that was killed does for some seconds.
    deployment.client.ask("POST", "/scoria/v1/upgrade", {})
    deployment.wait(lambda: deployment.upgrade()["state"] == "finalised", "the conversions")
    for process in deployment.processes:  # reads at once what may be written now, which it would do within five seconds
        process.process.send_signal(signal.SIGHUP)
    time.sleep(1)
    print(f"  release {version} finalised; what it stores otherwise was converted within {time.monotonic() - begun:.1f} s", flush=True)


def check_release(deployment, release):
    """What each release writes, read off the database."""
    started = Volume(deployment.client, "plain", f"made-by-{release}")
    started.extend(deployment.client)
    started.check(deployment.client)
    extend, create = deployment.versions("volume.extend"), deployment.versions("volume.create")
    expect(max(extend) == (1 if release < 1 else 2), f"extends of versions {extend} at release {release}")
    expect(max(create) == (1 if release < 2 else 2), f"creates of versions {create} at release {release}")
    expect(("description" in deployment.columns()) == (release < 3), f"columns at release {release}: {deployment.columns()}")
    if release in (1, 2):
        expect(not deployment.database.rows("SELECT id FROM volume WHERE remark IS DISTINCT FROM description"), "the two columns differ")
    return started


def expect_no_failure(workers):
    problems = [text for worker in workers for text in worker.problems]
    expect(not problems, "; ".join(problems[:5]))


def end_well(deployment, workers, stop, kept):
    """Everything made by any release is read, extended and deleted; nothing is left, nothing failed."""
    stop.set()
    for worker in workers:
        worker.join(timeout=180)
    expect_no_failure(workers)
    client = deployment.client
    for volume in kept:
        volume.check(client)
        volume.extend(client)
        volume.check(client)
    for volume in kept + [volume for worker in workers for volume in worker.volumes]:
        volume.delete(client)
    wrong = deployment.database.rows("SELECT kind, ver, step, state, reason FROM operation WHERE state <> 'succeeded'")
    expect(not wrong, f"operations that did not succeed: {wrong[:5]}")
    # Each epoch but the first of an operation is a hand-over, or another try.
    handed = deployment.database.rows("SELECT count(*) FROM operation WHERE epoch > 1")[0][0]
    report = client.ask("GET", "/scoria/v1/check")
    expect(report["broken"] == 0, f"invariants: {report['violations'][:3]}")
    expect(client.ask("GET", f"/os-quota-sets/{PROJECT}?usage=True")["quota_set"]["gigabytes"]["in_use"] == 0, "quota is left")
    ended = deployment.database.rows("SELECT count(*) FROM operation")[0][0]
    print(f"  {deployment.switches} switches met {deployment.in_flight} operations in flight, the slowest took {deployment.slowest:.1f} s; "
          f"{deployment.balancer.requests} requests, 0 failed ({deployment.balancer.refused} connections refused and made again); "
          f"{ended} operations, all succeeded, {handed} by more than one owner"
          + (f"; {deployment.late} starts found no database in time and were made again" if deployment.late else ""), flush=True)


def go_through_all(options, programs):
    """Three equal nodes: each release replaces the one before it, with a way back, under load."""
    deployment = None
    directory = pathlib.Path(tempfile.mkdtemp(prefix="su-"))
    try:
        deployment = Deployment(directory, programs, [(f"n{number}", "api,scheduler,volume") for number in (1, 2, 3)], 0, *database("upgrade"))
        stop, kept = threading.Event(), [check_release(deployment, 0)]
        workers = [Worker(number, deployment.balancer, stop, BACKENDS) for number in range(options.workers)]
        for worker in workers:
            worker.start()
        for release in (1, 2, 3):
            print(f"release {releases.VERSIONS[release - 1]} -> {releases.VERSIONS[release]}", flush=True)
            first = deployment.processes[0]
            first.switch(release)
            first.switch(release - 1)  # back
            for process in deployment.processes:
                process.switch(release)
            kept.append(Volume(deployment.client, "copying", f"between-{release}"))
            if release < 3:
                print("  too early: " + deployment.processes[0].refused(release + 1)[:110] + " …")
            finalize(deployment, release)
            print("  too late:  " + deployment.processes[0].refused(release - 1)[:110] + " …")
            deployment.wait(lambda: all(worker.problems or worker.done for worker in workers), "work")
            expect_no_failure(workers)
            kept.append(check_release(deployment, release))
            print(f"  {deployment.switches} switches, {deployment.in_flight} operations in flight, {deployment.balancer.requests} requests so far, 0 failed", flush=True)
        end_well(deployment, workers, stop, kept)
    finally:
        leave(deployment, directory, options)


ROLES = [("a1", "api"), ("a2", "api"), ("s1", "scheduler"), ("s2", "scheduler"), ("v1", "volume"), ("v2", "volume")]


def one_order(options, programs, release, order, random_):
    """A deployment of `release`, whose roles are processes, goes to the next one in that order; one of them goes back on the way."""
    directory = pathlib.Path(tempfile.mkdtemp(prefix="su-"))
    deployment = None
    try:
        deployment = Deployment(directory, programs, ROLES, release, *database("upgrade"))
        stop, kept = threading.Event(), [Volume(deployment.client, "plain", "before")]
        workers = [Worker(number, deployment.balancer, stop, BACKENDS) for number in range(options.workers)]
        for worker in workers:
            worker.start()
        by_name = {process.name: process for process in deployment.processes}
        back = random_.choice(order)
        for name in order:
            by_name[name].switch(release + 1)
            if name == back:
                by_name[name].switch(release)
        by_name[back].switch(release + 1)
        finalize(deployment, release + 1)
        kept.append(check_release(deployment, release + 1))
        end_well(deployment, workers, stop, kept)
    finally:
        leave(deployment, directory, options)


def try_orders(options, programs):
    random_ = random.Random(options.seed)
    recommended = [name for name, _ in ROLES]
    orders = [(release, recommended) for release in (0, 1, 2)] + [(number % 3, random_.sample(recommended, len(recommended))) for number in range(options.orders)]
    for release, order in orders:
        print(f"release {releases.VERSIONS[release]} -> {releases.VERSIONS[release + 1]} in the order {' '.join(order)}", flush=True)
        one_order(options, programs, release, order, random_)
    print(f"{len(orders)} orders passed")


def leave(deployment, directory, options):
    if deployment:
        deployment.end()
    if options.keep:
        print(f"left: {directory}")
    else:
        shutil.rmtree(directory, ignore_errors=True)


def database(name):
    conninfo = os.environ.get("SCORIA_TEST_POSTGRES") or sys.exit("run me under tests/postgres.sh run")
    pairs = dict(re.findall(r"(\w+)=(\S+)", conninfo))
    subprocess.run(["psql", conninfo, "-qX", "-c", f"DROP DATABASE IF EXISTS {name} WITH (FORCE)", "-c", f"CREATE DATABASE {name}"], check=True,
                   stderr=subprocess.DEVNULL)
    url = f"postgresql:///{name}?host={pairs['host']}&user={pairs.get('user', 'scoria')}" + (f"&port={pairs['port']}" if "port" in pairs else "")
    return url, Postgres(url)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--orders", type=int, help="how many random orders, after the recommended one")
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--seed", type=int, default=random.randrange(100000))
    parser.add_argument("--preset", default="release")
    parser.add_argument("--no-build", action="store_true", help="with the programs that are in build/upgrade")
    parser.add_argument("--keep", action="store_true", help="leave the directory")
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    work = releases.ROOT / "build/upgrade"
    programs = releases.programs(work) if options.no_build else releases.build(work, options.preset)
    try:
        if options.orders is None:
            go_through_all(options, programs)
        else:
            try_orders(options, programs)
    except Failed as failed:
        print(f"FAILED: {failed}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
