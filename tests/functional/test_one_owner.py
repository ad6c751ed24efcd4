"""Who works on a backend of a cluster: all nodes at once where the driver is proved, else one owner at a time, whose place the
next node takes within five seconds when it dies or pauses. Three real nodes on one PostgreSQL and one directory."""
import shutil
import signal
import time

import pytest

from deployment import one_node
from node import Node, ask, wait_until
from test_locks import Postgres

pytestmark = one_node("has nodes of its own")

PROJECT = "0123456789abcdef0123456789abcdef"
HEADERS = {"X_Auth_Token": f"admin:{PROJECT}", "OpenStack_API_Version": "volume 3.71"}
TAKEOVER = 5.0


class Cluster:
    """Backends `alone` (one owner by order), `shared` (the same driver, proved), `memory` (a driver without proof)."""

    def __init__(self, folder):
        self.folder, self.postgres, self.nodes, self.paused = folder, Postgres(), {}, []
        for pool in ("alone", "shared"):
            (folder / pool).mkdir()

    def node(self, name, *settings):
        home = self.folder / name
        home.mkdir()
        if self.nodes:  # one deployment, one key
            shutil.copy(next(iter(self.nodes.values())).folder / "sealing.key", home / "sealing.key")
        common = ["DEFAULT.auth_strategy=noauth", "DEFAULT.cluster=all", f"DEFAULT.host={name}", "DEFAULT.enabled_backends=alone,shared,memory",
                  f"exports.state_directory={self.folder}/x", "backend_defaults.target_protocol=nbd", "DEFAULT.report_interval=1",
                  "alone.one_owner=true", "memory.volume_driver=fake", f"database.connection={self.url()}"]
        common += [f"{pool}.file_directories=pool={self.folder}/{pool}" for pool in ("alone", "shared")]
        self.nodes[name] = Node(home, *common, *settings).start()
        return self.nodes[name]

    def url(self):
        words = dict(word.split("=", 1) for word in self.postgres.connection.split())
        return f"postgresql://{words['user']}@{words['host']}:{words['port']}/{words['dbname']}"

    def ask(self, method, path, body=None, node=None):
        reply = ask(method, (node or self.living()[0]).url + path, body, **HEADERS)
        assert reply.status < 300, (reply.status, reply.body)
        return reply.json() if reply.body else None

    def living(self):
        return [node for node in self.nodes.values() if node.process is not None]

    def backend(self, name):
        return next(one for one in self.ask("GET", "/scoria/v1/backends")["backends"] if one["name"] == f"all@{name}")

    def owner(self, name):
        host = self.backend(name)["owner"]
        return host and host.split("@")[0]

    def create(self, name, backend):
        if not any(one["name"] == backend for one in self.ask("GET", f"/v3/{PROJECT}/types")["volume_types"]):
            self.ask("POST", f"/v3/{PROJECT}/types", {"volume_type": {"name": backend, "extra_specs": {"volume_backend_name": backend}}})
        return self.ask("POST", f"/v3/{PROJECT}/volumes", {"volume": {"name": name, "size": 1, "volume_type": backend}})["volume"]["id"]

    def status(self, volume):
        return self.ask("GET", f"/v3/{PROJECT}/volumes/{volume}")["volume"]["status"]

    def made_by(self, node):
        """Operations of backends that this node ended."""
        text = ask("GET", node.url + "/metrics").body.decode()
        return sum(float(line.split()[-1]) for line in text.splitlines()
                   if line.startswith("scoria_operations_ended_total{") and 'lane="backend"' in line and 'kind="volume.create"' in line)

    def kill(self, name):
        self.nodes[name].process.kill()
        self.nodes[name].process.wait()
        self.nodes[name].process = None

    def pause(self, name):
        """Not to be asked any more. Its process."""
        process, self.nodes[name].process = self.nodes[name].process, None
        self.paused.append(process)
        process.send_signal(signal.SIGSTOP)
        return process

    def end(self):
        for process in [node.process for node in self.living()] + self.paused:
            process.kill()
            process.wait()
        self.postgres.stop()


@pytest.fixture
def cluster(tmp_path):
    made = Cluster(tmp_path)
    yield made
    made.end()


def test_who_works_on_a_backend_is_told_with_the_reason(cluster):
    for name in ("n1", "n2", "n3"):
        cluster.node(name)
    def activities(name):
        return sorted(one["activity"] for one in cluster.backend(name)["nodes"])
    wait_until(lambda: activities("shared") == ["active-active"] * 3 and all(len(activities(name)) == 3 for name in ("alone", "memory")))
    shared, alone, memory = (cluster.backend(name) for name in ("shared", "alone", "memory"))
    assert shared["activity"] == "active-active" and shared["reason"] is None and shared["owner"] is None
    assert alone["activity"] == "one-owner" and alone["reason"] == "one_owner is set"
    assert memory["activity"] == "one-owner" and "not proved" in memory["reason"]
    for backend in (alone, memory):
        assert sorted(one["activity"] for one in backend["nodes"]) == ["owner", "standby", "standby"]
        assert backend["owner"] == next(one["host"] for one in backend["nodes"] if one["activity"] == "owner")


@pytest.mark.quiet
def test_only_the_owner_works_and_the_next_follows_a_killed_and_a_paused_one_within_five_seconds(cluster, capsys):
    for name in ("n1", "n2", "n3"):
        cluster.node(name)
    first = wait_until(lambda: cluster.owner("alone"))
    volumes = [cluster.create(f"v{i}", "alone") for i in range(6)]
    wait_until(lambda: all(cluster.status(volume) == "available" for volume in volumes))
    assert {name for name, node in cluster.nodes.items() if cluster.made_by(node) > 0} == {first}

    began = time.monotonic()
    cluster.kill(first)
    volumes.append(cluster.create("after the kill", "alone"))
    wait_until(lambda: cluster.status(volumes[-1]) == "available", pause=0.02)
    killed = time.monotonic() - began
    second = cluster.owner("alone")
    assert second != first

    began = time.monotonic()
    stopped = cluster.pause(second)
    try:
        volumes.append(cluster.create("after the pause", "alone"))
        wait_until(lambda: cluster.status(volumes[-1]) == "available", pause=0.02)
        paused = time.monotonic() - began
        third = cluster.owner("alone")
        assert third not in (first, second)
        before = sorted(path.name for path in (cluster.folder / "alone").iterdir())
        # The lease of an owner ends before that of its node.
        wait_until(lambda: not any(row["host"] == second and row["state"] == "up" for row in cluster.ask("GET", "/scoria/v1/nodes")["nodes"]))
    finally:
        stopped.send_signal(signal.SIGCONT)
    assert stopped.wait(20) == 75  # it sees that it was declared dead, and does nothing more
    assert cluster.owner("alone") == third
    assert sorted(path.name for path in (cluster.folder / "alone").iterdir()) == before
    assert sum(name.startswith("volume-") for name in before) == len(volumes)
    with capsys.disabled():
        print(f"\nthe next owner made a volume {killed:.2f} s after the kill, {paused:.2f} s after the pause of the one before")
    assert killed < TAKEOVER and paused < TAKEOVER


@pytest.mark.quiet
def test_an_owner_that_stops_gives_its_place_away_at_once(cluster):
    for name in ("n1", "n2"):
        cluster.node(name)
    first = wait_until(lambda: cluster.owner("alone"))
    cluster.nodes[first].stop()
    other = "n2" if first == "n1" else "n1"
    wait_until(lambda: cluster.owner("alone") == other, seconds=1.5)


def test_one_node_that_cannot_prove_it_makes_all_nodes_work_one_at_a_time(cluster):
    for name in ("n1", "n2"):
        cluster.node(name)
    wait_until(lambda: len(cluster.backend("shared")["nodes"]) == 2)
    assert cluster.backend("shared")["activity"] == "active-active"
    cluster.node("n3", "shared.one_owner=true")
    wait_until(lambda: sorted(one["activity"] for one in cluster.backend("shared")["nodes"]) == ["owner", "standby", "standby"])
    volume = cluster.create("alone for a while", "shared")
    wait_until(lambda: cluster.status(volume) == "available")
    cluster.nodes["n3"].stop()
    wait_until(lambda: {one["activity"] for one in cluster.backend("shared")["nodes"] if one["state"] == "up"} == {"active-active"})
    volume = cluster.create("together again", "shared")
    wait_until(lambda: cluster.status(volume) == "available")
