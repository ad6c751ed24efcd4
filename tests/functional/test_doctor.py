"""`scoria doctor` says nothing about a healthy deployment, and names each of these faults, planted one by one, with what to do about it."""
import json
import os
import pathlib
import shutil
import sqlite3
import subprocess
import time

import pytest

from deployment import one_node
from node import BINARY, ROOT, Node, ask, free_port, wait_until
from test_lost_resources import PROJECT, Client, SmallDisk

pytestmark = [pytest.mark.skipif(os.geteuid() != 0, reason="needs root for small file systems"),
              one_node("plants faults in one process, its embedded database and its machine; has a cluster of its own too")]
HEALTHY = "Nothing is wrong"


def doctor(*words, environment=None):
    done = subprocess.run([BINARY, "doctor", "-o", "json", *words], capture_output=True, text=True, timeout=120, env=dict(os.environ, **(environment or {})))
    assert done.stdout, done.stderr
    report = json.loads(done.stdout)
    assert done.returncode == (1 if report["diagnoses"] else 0), done.stderr
    for one in report["diagnoses"]:
        assert one["text"] and one["fix"], one
    return report["diagnoses"]


def checks(diagnoses):
    return sorted({one["check"] for one in diagnoses})


class Patient(Node):
    """A node that its own administrator examines."""

    def diagnoses(self):
        return doctor(environment={"OS_CLIENT_CONFIG_FILE": str(self.folder / "clouds.yaml"), "OS_CLOUD": "scoria"})

    def local(self, *settings):
        words = []
        for setting in [*self.settings, *settings]:
            words += ["--set", setting]
        return doctor(*words)

    def sql(self, statement, *values):
        with sqlite3.connect(self.folder / "scoria.sqlite", timeout=10) as database:
            database.execute(statement, values)
        database.close()


def patient(tmp_path, *settings):
    (tmp_path / "state").mkdir(exist_ok=True)
    return Patient(tmp_path / "state", "file.target_protocol=nbd", "file.volume_driver=file", "DEFAULT.enabled_backends=file", "DEFAULT.report_interval=1",
                   "housekeeping.inventory_interval=1", "housekeeping.self_check_interval=1", "exports.state_directory=" + str(tmp_path / "x"), *settings)


def scoria(node, *words):
    done = subprocess.run([BINARY, *words], capture_output=True, text=True, timeout=60,
                          env=dict(os.environ, OS_CLIENT_CONFIG_FILE=str(node.folder / "clouds.yaml"), OS_CLOUD="scoria"))
    assert done.returncode == 0, done.stderr
    return done.stdout


def seen(node, check, text):
    return wait_until(lambda: [one for one in node.diagnoses() if one["check"] == check and text in one["text"] + one["subject"]], 20)


def well(node):
    """Nothing is left of what was planted."""
    end, left = time.monotonic() + 30, None
    while left := node.diagnoses():
        assert time.monotonic() < end, left
        time.sleep(0.1)


def test_a_healthy_node_has_nothing_and_each_planted_fault_is_named_and_goes_when_it_is_healed(tmp_path):
    pool = tmp_path / "pool"
    pool.mkdir()
    policy = tmp_path / "policy.yaml"
    policy.write_text("")
    with patient(tmp_path, f"file.file_directories=pool={pool}", "engine.failpoints=true", f"oslo_policy.policy_file={policy}") as node:
        scoria(node, "volume", "create", "kept", "--size", "1G", "--wait")
        assert node.diagnoses() == []
        assert HEALTHY in scoria(node, "doctor")

        # Files with secrets that others can read.
        key = node.folder / "sealing.key"
        key.chmod(0o644)
        seen(node, "secrets", "sealing.key")
        key.chmod(0o600)

        # Faults that somebody injected and forgot.
        scoria(node, "admin", "failpoint", "set", "engine.drain.begun", "1*return(x)")
        seen(node, "faults", "engine.drain.begun")
        scoria(node, "admin", "failpoint", "set", "engine.drain.begun", "off")

        # Rules that cannot be meant.
        policy.write_text("volume:create: 'role:'nobody (\n")
        seen(node, "policy", "policy.yaml")
        policy.write_text("")

        # An object with our mark that the database does not know.
        kept = next(pool.glob("volume-*"))
        orphan = kept.with_name("volume-00000000-0000-4000-8000-000000000000")
        shutil.copytree(kept, orphan)
        seen(node, "findings", "object.orphan")
        shutil.rmtree(orphan)
        well(node)

        # A sum that somebody changed by hand, seen behind whatever else is wrong.
        for number in range(25):
            node.sql("INSERT INTO operation (id, kind, ver, queue, project_id, user_id, request_id, resource_type, resource_id, state, prio, run_at, step, input, ctx, created_at, "
                     "updated_at) VALUES (?, 'volume.create', 1, 'q', 'p', 'u', 'r', 'none', 'none', 'dead', 10, 1, 'place', '{}', '{}', 1, 1)", f"dead{number}")
        node.sql("UPDATE quota_usage SET volumes = volumes + 1")
        seen(node, "invariants", "quota")
        node.sql("DELETE FROM operation WHERE id LIKE 'dead%'")
        scoria(node, "admin", "check", "--repair")

        # An attach that nobody works on any more.
        node.sql("UPDATE volume SET attachments = 1")
        node.sql("INSERT INTO attachment (id, volume_id, project_id, user_id, attach_status, created_at, updated_at) "
                 "SELECT '11111111-1111-4111-8111-111111111111', id, project_id, user_id, 'attaching', 1, 1 FROM volume")
        seen(node, "findings", "attachment.stale")
        node.sql("DELETE FROM attachment")
        node.sql("UPDATE volume SET attachments = 0")
        well(node)

        # Work for which nobody is there.
        node.sql("INSERT INTO operation (id, kind, ver, queue, project_id, user_id, request_id, resource_type, resource_id, state, prio, run_at, step, input, ctx, created_at, updated_at) "
                 "VALUES ('o', 'volume.create', 1, 'elsewhere@file', 'p', 'u', 'r', 'none', 'none', 'ready', 10, 1, 'place', '{}', '{}', 1, 1)")
        seen(node, "operations", "elsewhere@file")
        node.sql("UPDATE operation SET state = 'dead', err_text = 'poison' WHERE id = 'o'")
        seen(node, "operations", "given up")
        node.sql("DELETE FROM operation WHERE id = 'o'")

        # Data that is gone from the storage.
        shutil.rmtree(kept)
        seen(node, "findings", "object.missing")

        # Too few open files: a limit that cannot be raised again.
        subprocess.run(["prlimit", "--pid", str(node.process.pid), "--nofile=1024:1024"], check=True)
        seen(node, "descriptors", "1024")


def test_storage_that_is_full_away_or_read_only_is_named(tmp_path):
    disk = SmallDisk(tmp_path, 256)
    try:
        pool = disk.place / "volumes"
        pool.mkdir()
        with patient(tmp_path, f"file.file_directories=pool={pool}") as node:
            assert node.diagnoses() == []
            disk.fill()
            seen(node, "space", "nearly full")
            disk.free()
            well(node)
            subprocess.run(["mount", "-o", "remount,ro", disk.place], check=True)
            seen(node, "paths", "cannot write")
            seen(node, "storage", "cannot reach its storage")
            subprocess.run(["mount", "-o", "remount,rw", disk.place], check=True)
            well(node)
            pool.rename(disk.place / "moved")
            seen(node, "paths", "is not there")
            (disk.place / "moved").rename(pool)
            well(node)
    finally:
        disk.unmount()


def certificate(folder, days):
    key, file = folder / "key.pem", folder / "cert.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key, "-out", file, "-days", str(days), "-subj", "/CN=scoria"],
                   check=True, capture_output=True)
    key.chmod(0o600)
    return ["DEFAULT.osapi_volume_use_ssl=true", f"ssl.cert_file={file}", f"ssl.key_file={key}"]


def test_what_keeps_a_node_from_serving_is_seen_from_its_machine(tmp_path):
    with patient(tmp_path) as node:
        pass
    assert node.local() == []

    assert "cannot be used" in [one for one in node.local("database.connection=postgresql://scoria@127.0.0.1:1/none") if one["check"] == "database"][0]["text"]
    assert checks(node.local("backend_defaults.target_ip_address=192.0.2.7", "file.target_protocol=iscsi")) == ["address"]
    assert checks(node.local("DEFAULT.auth_strategy=keystone", "keystone_authtoken.auth_url=http://127.0.0.1:1", "keystone_authtoken.username=u")) == ["keystone"]
    assert checks(node.local(*certificate(tmp_path, 5))) == ["certificate"]
    assert node.local(*certificate(tmp_path, 30)) == []
    shutil.copy(tmp_path / "key.pem", tmp_path / "old.pem")
    good = certificate(tmp_path, 30)
    assert "another certificate" in node.local(*good[:2], f"ssl.key_file={tmp_path / 'old.pem'}")[0]["text"]

    # Another node's key, and none that opens what is sealed.
    key = node.folder / "sealing.key"
    before = key.read_text()
    key.write_text("ab" * 32 + "\n")
    assert checks(node.local()) == ["sealing_key"]
    key.write_text(before)

    # The database of a newer release.
    node.sql("INSERT INTO schema_migrations (version, name, checksum, applied_at) VALUES (9999, 'later', 'x', 1)")
    assert checks(node.local()) == ["database"]
    node.sql("DELETE FROM schema_migrations WHERE version = 9999")
    assert node.local() == []

    # Without --set it asks first, and looks from here when nobody answers.
    cloud = {"OS_CLIENT_CONFIG_FILE": str(node.folder / "clouds.yaml"), "OS_CLOUD": "scoria"}
    done = subprocess.run([BINARY, "doctor"], capture_output=True, text=True, timeout=60, env=dict(os.environ, **cloud))
    assert "What can be seen from this machine" in done.stderr, done.stderr


class Postgres:
    """A server of its own, whose settings may be changed."""

    def __enter__(self):
        told = subprocess.run([ROOT / "tests/postgres.sh", "start", "--durable"], capture_output=True, text=True, check=True).stdout
        words = dict(word.split("=", 1) for word in told.replace("export ", "").split("' ") if "=" in word)
        self.connection, self.directory = words["SCORIA_TEST_POSTGRES"].strip("' \n"), words["SCORIA_TEST_POSTGRES_DIR"].strip("' \n")
        self.set("synchronous_standby_names", ""), self.set("synchronous_commit", "on")
        return self

    def __exit__(self, *_):
        subprocess.run([ROOT / "tests/postgres.sh", "stop", self.directory], check=True)

    def sql(self, *statements):
        words = []
        for statement in statements:
            words += ["-c", statement]
        return subprocess.run(["psql", "-qAt", self.connection, *words], capture_output=True, text=True, check=True).stdout

    def set(self, name, value):
        self.sql(f"ALTER SYSTEM SET {name} = '{value}'", "SELECT pg_reload_conf()")

    def url(self):
        words = dict(word.split("=", 1) for word in self.connection.split())
        return f"postgresql://{words['user']}@{words['host']}:{words['port']}/{words['dbname']}"


class Member:
    def __init__(self, tmp_path, name, database, *settings, environment=None):
        self.folder, self.environment = tmp_path / name, environment or {}
        self.folder.mkdir(exist_ok=True)
        self.node = Node(self.folder, "DEFAULT.auth_strategy=noauth", f"DEFAULT.host={name}", "DEFAULT.report_interval=1", f"database.connection={database.url()}",
                         "housekeeping.self_check_interval=1", "DEFAULT.enabled_backends=file", "file.volume_driver=file", "file.target_protocol=nbd",
                         f"exports.state_directory={tmp_path}/x{name}", *settings)

    def start(self):
        before = dict(os.environ)
        os.environ.update(self.environment)
        try:
            self.node.start()
        finally:
            os.environ.clear()
            os.environ.update(before)
        return self

    def diagnoses(self):
        return Client(self.node).ask("GET", "/scoria/v1/doctor").json()["diagnoses"]

    def seen(self, check, text):
        return wait_until(lambda: [one for one in self.diagnoses() if one["check"] == check and text in one["text"]], 30)

    def well(self):
        well(self)


def test_faults_of_a_cluster_are_named_with_the_host_they_are_on(tmp_path):
    shared = tmp_path / "shared"
    shared.mkdir()
    paths = {name: tmp_path / f"path-{name}" for name in ("n1", "n2")}
    for path in paths.values():
        path.symlink_to(shared)
    with Postgres() as database:
        first, second = (Member(tmp_path, name, database, "DEFAULT.cluster=c", f"file.file_directories=pool={paths[name]}") for name in ("n1", "n2"))
        first.start()
        shutil.copy(first.folder / "sealing.key", second.folder / "sealing.key")
        second.start()
        try:
            volume = Client(first.node).made()
            assert Client(first.node).status(volume) == "available"
            first.well()

            # What the database promises.
            for name, bad, good, check in (("fsync", "off", "on", "database_settings"), ("synchronous_commit", "off", "on", "database_settings"),
                                           ("synchronous_standby_names", "nobody", "", "standby")):
                if name == "synchronous_standby_names":
                    database.set("synchronous_commit", "local")  # nothing waits for a standby that does not come
                database.set(name, bad)
                first.seen(check, name)
                database.set(name, good)
            database.set("synchronous_commit", "on")
            first.well()

            # One node's path to the storage: it, and no other.
            paths["n2"].unlink()
            assert {one["subject"] for one in first.seen("storage", "cannot reach")} == {"n2@file"}
            assert {one["host"] for one in first.seen("paths", "is not there")} == {"n2"}
            paths["n2"].symlink_to(shared)
            first.well()

            # Nodes of two releases.
            database.sql("UPDATE node SET release = '0.0.1' WHERE host = 'n2' AND state = 'up'")
            first.seen("versions", "0.0.1 on n2")
            database.sql("UPDATE node SET release = (SELECT release FROM node WHERE host = 'n1' AND state = 'up') WHERE host = 'n2' AND state = 'up'")
            first.well()

            # A node that died, and came back under another cluster's name with a clock of its own and another key.
            second.node.process.kill()
            second.node.process.wait()
            first.seen("services", "n2")
            (second.folder / "sealing.key").write_text("cd" * 32 + "\n")
            faketime = next(pathlib.Path("/usr/lib").rglob("libfaketimeMT.so.1"))
            third = Member(tmp_path, "n2", database, "DEFAULT.cluster=d", f"file.file_directories=pool={paths['n2']}",
                           environment={"LD_PRELOAD": str(faketime), "FAKETIME": "+90", "DONT_FAKE_MONOTONIC": "1"}).start()
            try:
                assert {one["host"] for one in first.seen("clock", "ahead of")} == {"n2"}
                assert {one["host"] for one in first.seen("sealing_key", "not the one")} == {"n2"}
                first.node.stop()
                third.seen("backends", "Nobody serves c@file")
            finally:
                third.node.stop()
        finally:
            for member in (first, second):
                if member.node.process is not None and member.node.process.poll() is None:
                    member.node.stop()
