"""Several Scorias on one PostgreSQL and one shared directory: what a test of a cluster needs, and no more."""
import contextlib
import http.client
import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import tempfile
import threading
import time
import uuid

from node import ROOT, Node, ask, wait_until

PROJECT = "0123456789abcdef0123456789abcdef"
BACKENDS = ("plain", "copying")


class Postgres:
    """A private server for one module of tests."""

    def __init__(self):
        told = subprocess.run([ROOT / "tests/postgres.sh", "start", "--durable"], capture_output=True, text=True, check=True, timeout=120).stdout
        found = dict(re.findall(r"(SCORIA_\w+)='([^']*)'", told))
        self.directory, self.conninfo = found["SCORIA_TEST_POSTGRES_DIR"], found["SCORIA_TEST_POSTGRES"]
        self.made = 0

    def database(self):
        self.made += 1
        name = f"life{uuid.uuid4().hex[:12]}"
        subprocess.run(["psql", self.conninfo, "-qX", "-c", f"CREATE DATABASE {name}"], check=True)
        words = dict(re.findall(r"(\w+)=(\S+)", self.conninfo))
        return f"postgresql://{words['user']}@{words['host']}:{words['port']}/{name}"

    def stop(self):
        subprocess.run([ROOT / "tests/postgres.sh", "stop", self.directory], check=True, timeout=60)


class Cluster:
    def __init__(self, folder, url):
        self.folder, self.url, self.nodes = pathlib.Path(folder), url, {}
        for backend in BACKENDS:
            (self.folder / "shared" / backend).mkdir(parents=True)

    def build(self, names, cluster, *settings, long_copies=False):
        if long_copies:
            self.make_source_of_long_copies(names[0], cluster)
        for name in names[len(self.nodes):]:
            self.add(name, cluster, *settings)
        made = {backend: self.ask("POST", "/types", {"volume_type": {"name": backend, "extra_specs": {"volume_backend_name": backend}}})
                for backend in BACKENDS if not (long_copies and backend == "copying")}
        assert all(reply.status == 200 for reply in made.values()), made

    def add(self, name, cluster, *settings):
        own = self.folder / name
        own.mkdir()
        if self.nodes:  # one deployment, one key
            shutil.copy(next(iter(self.nodes.values())).folder / "sealing.key", own / "sealing.key")
        more = [f"DEFAULT.cluster={cluster}"] if cluster else []
        for backend in BACKENDS:
            # Each node has a path of its own to the shared storage.
            (own / f"{backend}.path").symlink_to(self.folder / "shared" / backend)
            more += [f"{backend}.volume_driver=file", f"{backend}.file_directories=pool={own}/{backend}.path"]
        node = Node(own, f"DEFAULT.host={name}", f"database.connection={self.url}", "DEFAULT.auth_strategy=noauth", "DEFAULT.quota_volumes=-1",
                    "DEFAULT.quota_gigabytes=-1", "DEFAULT.quota_snapshots=-1", f"DEFAULT.enabled_backends={','.join(BACKENDS)}",
                    f"exports.state_directory={own}/x", "backend_defaults.target_protocol=nbd", "backend_defaults.max_over_subscription_ratio=100000",
                    "copying.file_layer_limit=1", "engine.failpoints=true", *more, *settings)
        self.nodes[name] = node
        return node.start()

    def end(self):
        for node in self.nodes.values():
            with contextlib.suppress(Exception):
                node.stop()

    def rows(self, sql):
        done = subprocess.run(["psql", self.url, "-AtXq", "-F", "\t", "-c", sql], capture_output=True, text=True, check=True)
        return [line.split("\t") for line in done.stdout.splitlines()]

    def ask(self, method, path, body=None, node=None, version="3.71"):
        node = node or random.choice([one for one in self.nodes.values() if one.process])
        return ask(method, node.url + (path if path.startswith("/scoria") else f"/v3/{PROJECT}{path}"), body, X_Auth_Token=f"admin:{PROJECT}",
                   OpenStack_API_Version=f"volume {version}")

    def nodes_seen(self):
        return {row["host"]: row for row in self.ask("GET", "/scoria/v1/nodes").json()["nodes"]}

    def services(self, node=None):
        return {row["host"]: row for row in self.ask("GET", "/os-services?binary=cinder-volume", node=node).json()["services"]}

    def arm(self, node, site, terms):
        assert self.ask("PUT", "/scoria/v1/failpoints", {"failpoint": {"site": site, "terms": terms}}, node=node).status == 202

    def create(self, node=None, type="plain", **more):
        reply = self.ask("POST", "/volumes", {"volume": {"size": 1, "volume_type": type, **more}}, node=node)
        assert reply.status == 202, reply.body
        return reply.json()["volume"]["id"]

    def status(self, kind, id):
        reply = self.ask("GET", f"/{kind}s/{id}")
        return "gone" if reply.status == 404 else reply.json()[kind]["status"]

    def settled(self, id, status="available", kind="volume", seconds=90):
        wait_until(lambda: self.status(kind, id) == status, seconds=seconds, pause=0.1)
        return id

    def ended_here(self, node, lane="backend"):
        """Operations that this process has ended, of the lane."""
        text = ask("GET", node.url + "/metrics").body.decode()
        return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith("scoria_operations_ended_total{") and f'lane="{lane}"' in line)

    def make_source_of_long_copies(self, name, cluster):
        """A snapshot whose copies move 60 chunks: it has more layers than nodes with the usual settings here share."""
        node = self.add(name, cluster, "copying.file_layer_limit=8")
        assert self.ask("POST", "/types", {"volume_type": {"name": "copying", "extra_specs": {"volume_backend_name": "copying"}}}).status == 200
        volume = self.settled(self.create(type="copying"))
        [path] = [file for file in (self.folder / "shared/copying").glob(f"volume-{volume}/*") if file.stat().st_size == 1 << 30]
        with open(path, "r+b") as data:
            for i in range(60):
                data.seek(i * (8 << 20))
                data.write(os.urandom(4096))
        for _ in range(2):
            self.long_source = self.ask("POST", "/snapshots", {"snapshot": {"volume_id": volume}}).json()["snapshot"]["id"]
            self.settled(self.long_source, kind="snapshot")
        node.stop()
        node.settings = [one for one in node.settings if one != "copying.file_layer_limit=8"]
        node.start()

    def long_copy(self):
        return self.create(type="copying", snapshot_id=self.long_source)


class Load:
    """Clients that make volumes and delete them again. A client that cannot reach a node, or that lost its connection before an
    answer to something that may be done twice, goes on to the next one, once; anything else that is not as it should be is a failure."""

    def __init__(self, cluster, clients, types=("plain",)):
        self.cluster, self.types, self.ended = cluster, types, threading.Event()
        self.failures, self.done, self.requests, self.lock = [], 0, 0, threading.Lock()
        self.threads = [threading.Thread(target=self.run, args=(seed,)) for seed in range(clients)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        for thread in self.threads:
            thread.join()

    def run(self, seed):
        chosen = random.Random(seed)
        while not self.ended.is_set():
            try:
                self.life(chosen)
            except AssertionError as wrong:
                with self.lock:
                    self.failures.append(str(wrong))
                return
            with self.lock:
                self.done += 1

    def ask(self, chosen, method, path, body=None, key=None):
        nodes = list(self.cluster.nodes.values())
        chosen.shuffle(nodes)
        lost = None
        for node in nodes:
            connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=60)
            try:
                connection.connect()
            except OSError:
                continue  # a balancer would not have sent it here
            try:
                headers = {"X-Auth-Token": f"admin:{PROJECT}", "Content-Type": "application/json", "OpenStack-API-Version": "volume 3.71"}
                if key:
                    headers["Idempotency-Key"] = key
                connection.request(method, f"/v3/{PROJECT}{path}", None if body is None else json.dumps(body), headers)
                answer = connection.getresponse()
                with self.lock:
                    self.requests += 1
                return answer.status, answer.read()
            except (OSError, http.client.HTTPException) as failure:
                assert lost is None, f"{method} {path} was lost twice: {lost}, {failure}"
                lost = failure
            finally:
                connection.close()
        raise AssertionError(f"{method} {path}: no node answers")

    def settle(self, chosen, kind, id, wanted, seconds=90):
        end = time.monotonic() + seconds
        while True:
            status, body = self.ask(chosen, "GET", f"/{kind}s/{id}")
            now = "gone" if status == 404 else json.loads(body)[kind]["status"]
            if now == wanted:
                return
            assert not now.startswith("error") and time.monotonic() < end, f"{kind} {id} is {now}, not {wanted}"
            time.sleep(0.05)

    def life(self, chosen):
        name = uuid.uuid4().hex
        status, body = self.ask(chosen, "POST", "/volumes", {"volume": {"size": 1, "name": name, "volume_type": chosen.choice(self.types)}}, key=f"make-{name}")
        assert status == 202, f"create: {status} {body}"
        volume = json.loads(body)["volume"]["id"]
        self.settle(chosen, "volume", volume, "available")
        status, body = self.ask(chosen, "POST", "/snapshots", {"snapshot": {"volume_id": volume}}, key=f"snap-{name}")
        assert status == 202, f"snapshot: {status} {body}"
        snapshot = json.loads(body)["snapshot"]["id"]
        self.settle(chosen, "snapshot", snapshot, "available")
        status, body = self.ask(chosen, "POST", f"/volumes/{volume}/action", {"os-extend": {"new_size": 2}}, key=f"grow-{name}")
        assert status == 202, f"extend: {status} {body}"
        self.settle(chosen, "volume", volume, "available")
        for kind, id in (("snapshot", snapshot), ("volume", volume)):
            status, body = self.ask(chosen, "DELETE", f"/{kind}s/{id}")
            assert status in (202, 404), f"delete {kind}: {status} {body}"
            self.settle(chosen, kind, id, "gone")


@contextlib.contextmanager
def cluster_of(postgres, names, cluster="all", *settings, long_copies=False):
    folder = tempfile.mkdtemp(prefix="sl-")
    made = Cluster(folder, postgres.database())
    try:
        made.build(names, cluster, *settings, long_copies=long_copies)
        yield made
    finally:
        made.end()
        shutil.rmtree(folder, ignore_errors=True)
