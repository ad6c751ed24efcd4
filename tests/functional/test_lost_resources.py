"""What runs out or goes away under a running Scoria: the disk of its volumes, the disk of its database, the database. Each time the
errors are clear, nothing accepted is lost, and it goes on by itself when the resource is back."""
import os
import pathlib
import re
import signal
import subprocess
import threading
import time
import uuid

import pytest

from deployment import one_node
from node import ROOT, Node, ask, wait_until

PROJECT = "0123456789abcdef0123456789abcdef"
pytestmark = [pytest.mark.skipif(os.geteuid() != 0, reason="needs root for small file systems"),
              one_node("takes the disk or the database of one process away")]


class SmallDisk:
    """An ext4 of `size` MiB on a loop device, and a file that fills it."""

    def __init__(self, folder, size):
        self.place, self.image = folder / "disk", folder / "disk.img"
        self.place.mkdir()
        with open(self.image, "wb") as file:
            file.truncate(size << 20)
        subprocess.run(["mkfs.ext4", "-q", "-m", "0", self.image], check=True)
        subprocess.run(["mount", "-o", "loop", self.image, self.place], check=True)

    def fill(self):
        with open(self.place / "ballast", "ab", buffering=0) as file:
            for size in (1 << 20, 4096, 512):
                try:
                    while True:
                        file.write(b"x" * size)
                        os.fsync(file.fileno())
                except OSError:
                    pass
        for number in range(64):  # a directory's last free slots too
            try:
                (self.place / f"ballast.{number}").write_bytes(b"x")
            except OSError:
                return

    def free(self):
        for file in self.place.glob("ballast*"):
            file.unlink()

    def unmount(self):
        subprocess.run(["umount", "-l", self.place], check=True)


@pytest.fixture
def disk(tmp_path):
    made = SmallDisk(tmp_path, 48)
    yield made
    made.unmount()


class Client:
    def __init__(self, node):
        self.node = node

    def ask(self, method, path, body=None):
        root = self.node.url if path.startswith("/scoria") else f"{self.node.url}/v3/{PROJECT}"
        return ask(method, root + path, body, X_Auth_Token=f"admin:{PROJECT}", OpenStack_API_Version="volume 3.71")

    def create(self, **fields):
        return self.ask("POST", "/volumes", {"volume": {"size": 1, **fields}})

    def made(self, **fields):
        reply = self.create(**fields)
        assert reply.status == 202, reply.body
        return reply.json()["volume"]["id"]

    def show(self, kind, id_):
        reply = self.ask("GET", f"/{kind}s/{id_}")
        return reply.json()[kind] if reply.status == 200 else None

    def status(self, id_, kind="volume"):
        """When nothing works on it any more; 'gone' when it is not there."""
        def settled():
            seen = self.show(kind, id_)
            return "gone" if seen is None else seen["status"] if not seen["status"].endswith("ing") else None
        return wait_until(settled, 40)

    def operation(self, id_, kind):
        return self.ask("GET", f"/scoria/v1/operations?resource_id={id_}&kind={kind}").json()["operations"][0]

    def used(self):
        usage = self.ask("GET", f"/os-quota-sets/{PROJECT}?usage=true").json()["quota_set"]
        return usage["volumes"]["in_use"], usage["gigabytes"]["in_use"], usage["snapshots"]["in_use"]


def embedded(folder, *settings):
    (folder / "state").mkdir(exist_ok=True)
    return Node(folder / "state", "DEFAULT.auth_strategy=noauth", "DEFAULT.report_interval=1", *settings)


def test_a_full_pool_is_told_and_used_again_when_there_is_room(tmp_path, disk):
    pool = disk.place / "volumes"
    pool.mkdir()
    with embedded(tmp_path, f"file.file_directories=pool={pool}", "DEFAULT.enabled_backends=file", "file.volume_driver=file",
                  "file.max_over_subscription_ratio=10000") as node:
        client = Client(node)
        before = client.made()
        assert client.status(before) == "available"
        disk.fill()

        refused = client.made()
        assert client.status(refused) == "error"
        operation = client.operation(refused, "volume.create")
        assert operation["state"] == "failed" and operation["error"], operation
        assert re.search(r"space|room|free|full|capacity", operation["error"], re.I), operation["error"]
        assert any(message["resource_uuid"] == refused for message in client.ask("GET", "/messages").json()["messages"])
        taken = client.ask("POST", "/snapshots", {"snapshot": {"volume_id": before}})
        assert taken.status == 202, taken.body
        snapshot = taken.json()["snapshot"]["id"]
        assert client.status(snapshot, "snapshot") == "error"
        assert "space" in client.operation(snapshot, "snapshot.create")["error"].lower()
        assert client.status(before) == "available"

        # What is not needed can go while the disk is full.
        assert client.ask("DELETE", f"/snapshots/{snapshot}").status == 202
        assert client.status(snapshot, "snapshot") == "gone"
        assert client.ask("DELETE", f"/volumes/{refused}").status == 202
        assert client.status(refused) == "gone"
        assert client.used() == (1, 1, 0)

        disk.free()
        wait_until(lambda: client.status(client.made()) == "available", 20)
        taken = client.ask("POST", "/snapshots", {"snapshot": {"volume_id": before}})
        assert client.status(taken.json()["snapshot"]["id"], "snapshot") == "available"
        assert client.ask("DELETE", f"/snapshots/{taken.json()['snapshot']['id']}").status == 202
        volumes = client.ask("GET", "/volumes/detail").json()["volumes"]
        for volume in volumes:
            assert client.status(volume["id"]) in ("available", "error")
        # Nothing half made is left on the disk.
        good = {f"volume-{volume['id']}" for volume in volumes if volume["status"] == "available"}
        wait_until(lambda: {entry.name for entry in pool.iterdir()} == good, 30)


def test_a_full_disk_under_the_embedded_database_loses_nothing(tmp_path, disk):
    (disk.place / "state").mkdir()
    with embedded(disk.place, f"file.file_directories=pool={tmp_path}/volumes", "DEFAULT.enabled_backends=file", "file.volume_driver=file") as node:
        client = Client(node)
        before = client.made()
        assert client.status(before) == "available"
        disk.fill()

        def refused():
            reply = client.create(description="x" * 200)
            return reply if reply.status != 202 else None
        reply = wait_until(refused, 30)
        assert reply.status in (503, 507), (reply.status, reply.body)
        assert "Retry-After" in reply.headers
        assert re.search(rb"disk|space|full", reply.body), reply.body
        assert client.show("volume", before)["status"] == "available"  # reading needs no room
        assert node.process.poll() is None
        accepted = {volume["id"] for volume in client.ask("GET", "/volumes").json()["volumes"]}

        disk.free()
        after = wait_until(lambda: next((r.json()["volume"]["id"] for r in [client.create()] if r.status == 202), None), 20)
        for volume in sorted(accepted | {after}):
            assert client.status(volume) == "available", volume
        assert client.used()[0] == len(accepted) + 1


@pytest.fixture
def volumes_folder(tmp_path):
    (tmp_path / "volumes").mkdir()
    return tmp_path / "volumes"


@pytest.fixture(autouse=True)
def folders(tmp_path):
    (tmp_path / "volumes").mkdir(exist_ok=True)


class Postgres:
    """A server that can be stopped at once and started again."""

    def __init__(self):
        out = subprocess.run([ROOT / "tests/postgres.sh", "start", "--durable"], capture_output=True, text=True, check=True).stdout
        self.directory = pathlib.Path(re.search(r"SCORIA_TEST_POSTGRES_DIR='([^']+)'", out)[1])
        self.port = re.search(r"port=(\d+)", out)[1]
        self.url = f"postgresql://scoria@127.0.0.1:{self.port}/scoria_test"
        self.bin = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"))[-1]

    def pg_ctl(self, *arguments):
        user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"] if os.geteuid() == 0 else []
        subprocess.run([*user, self.bin / "pg_ctl", "-s", "-w", "-D", self.directory / "data", *arguments], check=True, cwd=self.directory,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60)

    def crash(self):
        self.pg_ctl("stop", "-m", "immediate")

    def start(self):
        self.pg_ctl("start", "-o", f"-p {self.port}", "-l", str(self.directory / "data/restart.log"))

    def close(self):
        subprocess.run([ROOT / "tests/postgres.sh", "stop", self.directory], check=True)


@pytest.fixture
def postgres():
    made = Postgres()
    yield made
    made.close()


def settings_of(postgres, tmp_path):
    return (f"database.connection={postgres.url}", f"file.file_directories=pool={tmp_path}/volumes", "DEFAULT.enabled_backends=file", "file.volume_driver=file")


def test_a_start_waits_for_its_database(tmp_path, postgres):
    postgres.crash()
    node = Node(tmp_path, *settings_of(postgres, tmp_path))
    node.launch()
    wait_until(lambda: node.log().count("cannot connect to the database") >= 3)
    assert node.process.poll() is None and "tried again in 0.2 s" in node.log()
    postgres.start()
    wait_until(node.answers, 15)
    node.stop()


def test_a_start_without_a_database_ends_when_it_is_told_or_after_its_tries(tmp_path, postgres):
    postgres.crash()
    node = Node(tmp_path, *settings_of(postgres, tmp_path), "database.max_retries=-1", "database.retry_interval=60")
    node.launch()
    wait_until(lambda: "tried again in 0.8 s" in node.log())
    node.process.send_signal(signal.SIGTERM)
    assert node.process.wait(5) == 0
    before = node.log()
    node = Node(tmp_path, *settings_of(postgres, tmp_path), "database.max_retries=2")
    node.launch()
    assert node.process.wait(15) == 1
    told = node.log()[len(before):]
    assert told.count("tried again in") == 2 and "scoria: cannot connect to the database" in told
    postgres.start()


class Creator(threading.Thread):
    """Creates volumes all the time and keeps what became of each request."""

    def __init__(self, client):
        super().__init__(daemon=True)
        self.client, self.ended, self.accepted, self.refused, self.names = client, threading.Event(), {}, [], set()

    def run(self):
        while not self.ended.is_set():
            name = uuid.uuid4().hex
            self.names.add(name)
            try:
                reply = self.client.create(name=name)
            except OSError as failure:  # the node itself must go on answering
                self.refused.append((None, {}, str(failure)))
                continue
            if reply.status == 202:
                self.accepted[name] = reply.json()["volume"]["id"]
            else:
                self.refused.append((reply.status, reply.headers, reply.body))
            time.sleep(0.02)


def test_a_database_that_dies_and_comes_back_loses_nothing(tmp_path, postgres):
    with embedded(tmp_path, f"database.connection={postgres.url}", f"file.file_directories=pool={tmp_path}/volumes", "DEFAULT.enabled_backends=file",
                  "file.volume_driver=file", "file.max_over_subscription_ratio=10000", "DEFAULT.quota_volumes=-1", "DEFAULT.quota_gigabytes=-1") as node:
        client = Client(node)
        creators = [Creator(client) for _ in range(4)]
        for creator in creators:
            creator.start()
        for _ in range(3):
            time.sleep(1)
            postgres.crash()
            began = time.monotonic()
            reply = ask("GET", f"{node.url}/v3/{PROJECT}/volumes", X_Auth_Token=f"admin:{PROJECT}")
            assert reply.status == 503 and int(reply.headers["Retry-After"]) > 0, (reply.status, reply.body)
            assert time.monotonic() - began < 10
            assert ask("GET", f"{node.url}/healthcheck").status == 200
            time.sleep(1)
            postgres.start()
            wait_until(lambda: client.ask("GET", "/volumes?limit=1").status == 200, 10)
        time.sleep(1)
        for creator in creators:
            creator.ended.set()
        for creator in creators:
            creator.join(30)
        accepted = {name: id_ for creator in creators for name, id_ in creator.accepted.items()}
        refused = [one for creator in creators for one in creator.refused]
        assert len(accepted) > 20 and refused
        assert {status for status, _, _ in refused} == {503}, refused
        assert all("Retry-After" in headers for _, headers, _ in refused)
        assert node.process.poll() is None
        for id_ in accepted.values():
            assert client.status(id_) == "available"
        # A request that was answered 503 may have been accepted after all, but then once, and it ends well too.
        rows = [volume for page in pages(client) for volume in page]
        names = [volume["name"] for volume in rows]
        assert len(set(names)) == len(names) and set(accepted) <= set(names)
        for volume in rows:
            assert client.status(volume["id"]) == "available"
        assert client.used()[0] == len(rows)


def pages(client):
    marker = ""
    while True:
        page = client.ask("GET", f"/volumes?limit=200{marker}").json()["volumes"]
        if not page:
            return
        yield page
        marker = f"&marker={page[-1]['id']}"
