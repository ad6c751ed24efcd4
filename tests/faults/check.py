"""After a run of faults: the database, the directories and the daemons against what the clients know. Own SQL, own counting."""
import json
import os
import subprocess
import time

from cluster import BACKENDS, PROJECT, Client, daemons_in


class Checker:
    def __init__(self, cluster, ledger, workers):
        self.cluster, self.ledger, self.workers, self.rows = cluster, ledger, workers, cluster.database.rows
        self.problems = list(ledger.problems)

    def run(self):
        self.problems += [failure for worker in self.workers for failure in worker.client.failures if " 500 " in failure or " 501 " in failure]
        self.wait(lambda: self.rows("SELECT id, kind, step, state, reason FROM operation WHERE state IN ('ready', 'running', 'waiting')"), "stuck", 120)
        self.wait(lambda: self.rows("SELECT name, state FROM backend_object WHERE state IN ('doomed', 'intended')"), "never destroyed", 60)
        self.wait(self.files_off, "files", 30)
        for check in (self.ends, self.once, self.names, self.resources, self.quota, self.capacity, self.objects, self.exports, self.admin_check):
            check()
        return self.problems

    def wait(self, look, what, seconds):
        end = time.monotonic() + seconds
        while found := look():
            if time.monotonic() > end:
                self.problems += [f"{what}: {one}" for one in found[:10]]
                return
            time.sleep(0.3)

    def mine(self):
        return {volume.id: volume for worker in self.workers for volume in worker.volumes}

    def files_off(self):
        """Directory entries against the ledger's published rows; hidden ones are leftovers."""
        out = []
        for backend in BACKENDS:
            ledger = {row[0] for row in self.rows(f"SELECT name FROM backend_object WHERE state = 'published' AND backend LIKE '%@{backend}'")}
            files = set(os.listdir(self.cluster.directory / backend))
            out += [f"{backend}/{name} is on no ledger" for name in sorted(files - ledger)] + [f"{backend}/{name} is not there" for name in sorted(ledger - files)]
        return out

    def ends(self):
        """No operation failed but those whose backend was told to."""
        for id_, kind, state, resource, code, text in self.rows("SELECT id, kind, state, resource_id, err_code, err_text FROM operation WHERE state IN ('failed', 'dead')"):
            if resource not in self.ledger.told_to_fail or state == "dead":
                self.problems.append(f"operation {id_} ({kind}) of {resource} is {state}: {code} {text}")

    def once(self):
        """One accepted request, one operation; no step of it committed twice; epochs only rise."""
        counts = {row[0]: int(row[1]) for row in self.rows("SELECT request_id, count(*) FROM operation GROUP BY request_id")}
        self.problems += [f"request {request} ({what}) has {counts.get(request, 0)} operations" for request, what in self.ledger.request_ids
                          if counts.get(request, 0) != 1]
        for id_, history in self.rows("SELECT id, history FROM operation"):
            steps = json.loads("[" + history.rstrip(",") + "]")
            epochs, done, before = [step["epoch"] for step in steps], set(), ""
            for step in steps:
                if step["step"] in ("place", "name") and before in ("provision", "fill"):  # back, for another object
                    done.clear()
                before = step["step"]
                if step["step"] in done or epochs != sorted(epochs):
                    self.problems.append(f"operation {id_} did {step['step']} twice: {history}")
                done.add(step["step"])

    def names(self):
        for table in ("volume", "snapshot"):
            for name, count in self.rows(f"SELECT name, count(*) FROM {table} GROUP BY name"):
                if int(count) > 1:
                    self.problems.append(f"{count} times {table} {name}")
                if self.ledger.names.get(name) == 0:
                    self.problems.append(f"{table} {name} came although it was seen not to be there")

    def resources(self):
        """Exactly what the models have, in exactly their states."""
        mine = self.mine()
        seen = {row[0]: (row[1], int(row[2])) for row in self.rows("SELECT id, status, size_gib FROM volume")}
        for id_ in sorted(set(seen) ^ set(mine)):
            self.problems.append(f"volume {id_} is {seen.get(id_, 'not there')}, the client {'knows it' if id_ in mine else 'does not know it'}")
        for id_, volume in mine.items():
            if id_ in seen and seen[id_] != (volume.status, volume.size):
                self.problems.append(f"volume {id_} is {seen[id_]}, should be {(volume.status, volume.size)}")
        snapshots = {snapshot.id for volume in mine.values() for snapshot in volume.snapshots}
        found = {row[0]: row[1] for row in self.rows("SELECT id, status FROM snapshot")}
        if set(found) != snapshots or set(found.values()) - {"available"}:
            self.problems.append(f"snapshots: not known {sorted(set(found) - snapshots)}, missing {sorted(snapshots - set(found))}, {set(found.values())}")
        self.problems += [f"attachment left: {row}" for row in self.rows("SELECT id, volume_id, attach_status FROM attachment")]

    def quota(self):
        """Recounted from the clients' models, whole and per type."""
        mine = self.mine().values()
        for backend in ("",) + BACKENDS:
            volumes = [volume for volume in mine if backend in ("", volume.backend)]
            snapshots = [snapshot for volume in volumes for snapshot in volume.snapshots]
            want = [len(volumes), sum(one.size for one in volumes) + sum(one.size for one in snapshots), len(snapshots)]
            scope = "''" if not backend else f"(SELECT id FROM volume_type WHERE name = '{backend}')"
            rows = self.rows(f"SELECT volumes, gigabytes, snapshots FROM quota_usage WHERE project_id = '{PROJECT}' AND scope = {scope}")
            if not rows or [int(cell) for cell in rows[0]] != want:
                self.problems.append(f"quota of {backend or 'the project'} is {rows}, counted {want}")

    def capacity(self):
        for backend in BACKENDS:
            want = sum(volume.size << 30 for volume in self.mine().values() if volume.backend == backend and volume.status != "error")
            rows = self.rows(f"SELECT allocated_bytes FROM pool WHERE backend LIKE '%@{backend}'")
            if len(rows) != 1 or int(rows[0][0]) != want:
                self.problems.append(f"pool {backend} promises {rows}, counted {want}")

    def objects(self):
        """Each volume's file as qemu-img sees it: there, whole, of the right size."""
        for id_, backend, name, size in self.rows("SELECT id, backend, provider_name, size_gib FROM volume WHERE provider_name IS NOT NULL"):
            folder = self.cluster.directory / backend.split("@")[1] / name
            described = (folder / "object").read_text()
            form, head = next(line[6:].split() for line in described.splitlines() if line.startswith("layer="))
            done = subprocess.run(["qemu-img", "info", "-U", "--output=json", "-f", form, folder / head], capture_output=True, text=True)
            if "state=complete" not in described:
                self.problems.append(f"volume {id_} is not whole: {described}")
            if done.returncode != 0 or json.loads(done.stdout)["virtual-size"] != int(size) << 30:
                self.problems.append(f"volume {id_}: {folder}: {done.stdout[-300:]} {done.stderr[-300:]}")

    def exports(self):
        left = list((self.cluster.directory / "x/nbd").glob("*"))
        if left:
            self.problems.append(f"exports left without an attachment: {[entry.name for entry in left[:5]]}")
        if daemons := daemons_in(self.cluster.directory):
            self.problems.append(f"{len(daemons)} storage daemons left")

    def admin_check(self):
        """The server's own opinion, beside ours."""
        report = Client(self.cluster.nodes, 0).insist("GET", "/scoria/v1/check").json()
        print(f"the server's own check: {len(report['checked'])} invariants, {len(report['violations'])} violations, {len(report['findings'])} findings")
        self.problems += [f"the server's own check: {one['invariant']}: {one['text']}" for one in report["violations"]]
