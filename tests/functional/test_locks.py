"""Locks of backends between real processes: who is inside is alone, whoever keeps the locks; who was paused cannot do harm
when it wakes up, whoever keeps the locks. etcd is a real one, the database is PostgreSQL."""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time
import urllib.request

import pytest

from deployment import one_node
from node import ROOT, free_port, wait_until

pytestmark = one_node("locks without a service")

WORKER = pathlib.Path(os.environ.get("SCORIA_BUILD", str(ROOT / "build" / "debug"))) / "tests" / "functional" / "lock_worker"
LEASE = 2


class Postgres:
    def __init__(self):
        lines = subprocess.run([str(ROOT / "tests/postgres.sh"), "start"], check=True, capture_output=True, text=True).stdout
        values = dict(re.findall(r"(\w+)='([^']*)'", lines))
        self.connection, self.directory = values["SCORIA_TEST_POSTGRES"], values["SCORIA_TEST_POSTGRES_DIR"]

    def stop(self):
        subprocess.run([str(ROOT / "tests/postgres.sh"), "stop", self.directory], check=True)


class Etcd:
    def __init__(self, folder):
        self.folder, self.port, self.peer, self.process = folder, free_port(), free_port(), None
        self.url = f"http://127.0.0.1:{self.port}"

    def start(self):
        peer = f"http://127.0.0.1:{self.peer}"
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(
                ["etcd", "--data-dir", str(self.folder / "data"), "--listen-client-urls", self.url, "--advertise-client-urls", self.url, "--listen-peer-urls", peer,
                 "--initial-advertise-peer-urls", peer, "--initial-cluster", f"default={peer}", "--log-level", "error"],
                stdout=log, stderr=log)
        wait_until(self.answers)
        return self

    def answers(self):
        try:
            with urllib.request.urlopen(self.url + "/health", timeout=1) as answer:
                return b'"true"' in answer.read()
        except OSError:
            return False

    def kill(self):
        self.process.kill()
        self.process.wait()


class Worker:
    def __init__(self, folder, url, storage, scope="backend", database=None):
        folder.mkdir()
        arguments = [str(WORKER), url, str(folder), str(storage), scope] + ([database] if database else [])
        self.process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        assert self.process.stdout.readline() == "ready\n"

    def send(self, command):
        self.process.stdin.write(command + "\n")

    def answer(self):
        return self.process.stdout.readline().rstrip("\n")

    def ask(self, command):
        self.send(command)
        return self.answer()

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def wake(self):
        self.process.send_signal(signal.SIGCONT)

    def end(self):
        self.process.stdin.close()
        return self.process.wait(20)


class Bench:
    """Three nodes on one storage; the database and etcd where they are asked for."""

    def __init__(self, folder, provider):
        self.folder, self.provider, self.workers = folder, provider, []
        self.storage = folder / "storage"
        self.storage.mkdir()
        self.postgres = Postgres() if provider == "db" else None
        self.etcd = None
        if provider == "etcd":
            (folder / "etcd").mkdir()
            self.etcd = Etcd(folder / "etcd").start()

    def url(self, lease=LEASE):
        if self.provider == "db":
            return f"db://?lock_timeout={lease}"
        return f"etcd3+http://127.0.0.1:{self.etcd.port}?lock_timeout={lease}" if self.provider == "etcd" else f"file://{self.folder}/shared"

    def worker(self, scope="backend", lease=LEASE):
        made = Worker(self.folder / f"node{len(self.workers)}", self.url(lease), self.storage, scope, self.postgres and self.postgres.connection)
        self.workers.append(made)
        return made

    def value(self):
        return int((self.storage / "value").read_text())

    def end(self):
        for worker in self.workers:
            if worker.process.poll() is None:
                worker.process.kill()
                worker.process.wait()
        if self.etcd:
            self.etcd.kill()
        if self.postgres:
            self.postgres.stop()


@pytest.fixture(params=["db", "etcd"])
def bench(request, tmp_path):
    if request.param == "etcd" and shutil.which("etcd") is None:
        pytest.skip("no etcd is installed (Debian: etcd-server)")
    made = Bench(tmp_path, request.param)
    yield made
    made.end()


@pytest.fixture
def files(tmp_path):
    made = Bench(tmp_path, "file")
    yield made
    made.end()


def work_together(workers, times):
    for worker in workers:
        worker.send(f"work {times}")
    assert [worker.answer() for worker in workers] == ["done"] * len(workers)


def test_a_section_that_is_not_atomic_is_never_interleaved_by_three_nodes(bench):
    work_together([bench.worker() for _ in range(3)], 25)
    assert bench.value() == 75


def test_on_one_host_file_locks_do_the_same(files):
    work_together([files.worker() for _ in range(3)], 25)
    assert files.value() == 75


def test_a_section_of_the_host_is_interleaved_by_three_hosts_and_that_can_be_seen(bench):
    work_together([bench.worker("host") for _ in range(3)], 40)
    assert bench.value() < 120


def test_h10_a_paused_holders_late_write_and_commit_are_refused_by_its_token(bench):
    paused, following = bench.worker(), bench.worker()
    before = paused.ask("enter")
    assert before.startswith("in ")
    paused.pause()
    began = time.monotonic()
    after = following.ask("enter")
    while after.startswith("no"):
        after = following.ask("enter")
    assert int(after.split()[1]) > int(before.split()[1])
    assert time.monotonic() - began < LEASE + 5
    assert following.ask("write") == "written"
    assert following.ask("commit") == "committed"
    paused.wake()
    assert paused.ask("write") == "refused"
    assert paused.ask("commit") == "refused"
    assert paused.ask("stopped") == "yes"
    assert bench.value() == 1
    assert following.ask("leave") == "out"
    assert paused.ask("leave") == "out"
    assert paused.ask("enter").startswith("in ")  # it can take it anew
    assert paused.ask("write") == "written"


def test_a_killed_holders_lock_ends_with_its_lease(bench):
    killed, following = bench.worker(), bench.worker()
    assert killed.ask("enter").startswith("in ")
    killed.process.kill()
    began = time.monotonic()
    while not following.ask("enter").startswith("in "):
        assert time.monotonic() - began < LEASE + 10


def test_h11_a_killed_holders_file_lock_ends_with_it_and_leaves_one_file(files):
    killed, following = files.worker(), files.worker()
    assert killed.ask("enter").startswith("in ")
    assert following.ask("enter").startswith("no")
    killed.process.kill()
    killed.process.wait()
    assert following.ask("enter").startswith("in ")
    assert [file.name for file in (files.folder / "shared").iterdir()] == ["scoria-locks"]


@pytest.fixture
def with_etcd(tmp_path):
    if shutil.which("etcd") is None:
        pytest.skip("no etcd is installed (Debian: etcd-server)")
    made = Bench(tmp_path, "etcd")
    yield made
    made.end()


def test_one_process_has_one_backend_with_local_locks_and_one_with_locks_in_etcd(with_etcd):
    nodes = [Worker(with_etcd.folder / name, f"file://{with_etcd.folder}/{name} {with_etcd.url()}", with_etcd.storage) for name in ("a", "b")]
    with_etcd.workers += nodes
    assert all(node.ask("enter").startswith("in ") for node in nodes), "files of two machines exclude nobody"
    assert nodes[0].ask("second enter").startswith("in ")
    assert nodes[1].ask("second enter").startswith("no")
    assert nodes[0].ask("second leave") == "out"
    wait_until(lambda: nodes[1].ask("second enter").startswith("in "))


def test_etcd_that_starts_again_has_lost_no_lock(with_etcd):
    holder, other = with_etcd.worker(lease=10), with_etcd.worker(lease=10)
    assert holder.ask("enter").startswith("in ")
    with_etcd.etcd.kill()
    with_etcd.etcd.start()
    assert other.ask("enter").startswith("no")
    assert holder.ask("write") == "written"
    assert holder.ask("commit") == "committed"
    assert holder.ask("leave") == "out"
    wait_until(lambda: other.ask("enter").startswith("in "))


def test_while_etcd_is_away_nobody_enters_and_who_was_inside_stops(with_etcd):
    holder, other = with_etcd.worker(), with_etcd.worker()
    assert holder.ask("enter").startswith("in ")
    with_etcd.etcd.kill()
    assert other.ask("enter").startswith("no: the locks do not answer")
    wait_until(lambda: holder.ask("stopped") == "yes")
    assert holder.ask("commit") == "refused"
    with_etcd.etcd.start()
    assert holder.ask("leave") == "out"
    wait_until(lambda: other.ask("enter").startswith("in "))
    assert other.ask("write") == "written"
