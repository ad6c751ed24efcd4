"""Clients that meet on the same volumes, without a model: what they saw is judged afterwards by linear.py, from the history."""
import random
import threading
import time
import uuid

from cluster import Client, Unknown


class Table:
    """The volumes the racers meet on."""

    def __init__(self, size):
        self.lock, self.slots, self.all = threading.Lock(), [None] * size, []

    def take(self, random_):
        with self.lock:
            number = random_.randrange(len(self.slots))
            return number, self.slots[number]

    def put(self, number, volume):
        with self.lock:
            self.slots[number] = volume
            if volume:
                self.all.append(volume)

    def drop(self, number, volume):
        with self.lock:
            if self.slots[number] is volume:
                self.slots[number] = None


class Shared:
    def __init__(self, id_, name):
        self.id, self.name, self.size, self.calls, self.snapshots = id_, name, 1, 0, []


class Racer(threading.Thread):
    def __init__(self, number, seed, nodes, history, table, types, stop, longest=36):
        super().__init__(name=f"racer {number}", daemon=True)
        self.random, self.table, self.types, self.stop, self.longest = random.Random(seed * 1000 + 500 + number), table, types, stop, longest
        self.client = Client(nodes, seed * 1000 + 500 + number, history, self.name)
        self.problem = None

    def run(self):
        try:
            while not self.stop.is_set():
                self.step()
                time.sleep(self.random.uniform(0, 0.25))
        except (OSError, KeyError, TypeError) as wrong:
            self.problem = f"{self.name}: {type(wrong).__name__}: {wrong}"

    def step(self):
        number, volume = self.table.take(self.random)
        try:
            if volume is None:
                return self.create(number)
            volume.calls += 1
            if volume.calls > 2 * self.longest:  # it has a snapshot that nobody got an answer for
                return self.table.drop(number, volume)
            verb = self.random.choices([self.show, self.extend, self.metadata, self.snapshot, self.unsnapshot, self.delete], [6, 3, 3, 2, 3, 1])[0]
            if volume.calls > self.longest:
                verb = self.unsnapshot if volume.snapshots else self.delete
            if verb(volume) == 404:
                self.table.drop(number, volume)
        except Unknown:
            pass

    def create(self, number):
        name = f"shared-{uuid.uuid4().hex[:12]}"
        reply = self.client.ask("POST", "/volumes", {"volume": {"size": 1, "name": name, "volume_type": self.random.choice(self.types)}})
        if reply.status == 202:
            self.table.put(number, Shared(reply.json()["volume"]["id"], name))

    def show(self, volume):
        return self.client.ask("GET", f"/volumes/{volume.id}").status

    def extend(self, volume):
        volume.size = max(volume.size, self.random.randint(1, 6))
        return self.client.ask("POST", f"/volumes/{volume.id}/action", {"os-extend": {"new_size": volume.size}}).status

    def metadata(self, volume):
        return self.client.ask("POST", f"/volumes/{volume.id}/metadata", {"metadata": {self.random.choice("ab"): uuid.uuid4().hex[:6]}}).status

    def snapshot(self, volume):
        reply = self.client.ask("POST", "/snapshots", {"snapshot": {"volume_id": volume.id, "name": f"snap-{uuid.uuid4().hex[:12]}"}})
        if reply.status == 202:
            volume.snapshots.append(reply.json()["snapshot"]["id"])
        return reply.status

    def unsnapshot(self, volume):
        if not volume.snapshots:
            return self.show(volume)
        id_ = self.random.choice(volume.snapshots)
        if self.client.ask("DELETE", f"/snapshots/{id_}").status == 404 and id_ in volume.snapshots:
            volume.snapshots.remove(id_)
        return None

    def delete(self, volume):
        return self.client.ask("DELETE", f"/volumes/{volume.id}").status
