"""Clients with a model: each worker owns some volumes and knows, from its own calls alone, what they must be. A call without an
answer may have happened or not: which it was is read off afterwards, and then it must stay so."""
import random
import threading
import time
import uuid

from cluster import Client, Unknown
from nbd import Nbd, Silent

GIB = 1 << 30
STAMP = 4096
PLACES = [i * (56 << 20) for i in range(18)]  # all below 1 GiB
TOO_BIG = 17000  # GiB: the file system below refuses files of this size, so the backend fails for good
REST = {"available", "in-use", "error", "error_extending", "error_deleting", "error_restoring", "reserved"}


def stamp(text):
    return (text.encode() + b".") * (STAMP // (len(text) + 1)) + b"\0" * (STAMP % (len(text) + 1))


class Volume:
    def __init__(self, id_, name, size, backend, data=None, status="available"):
        self.id, self.name, self.size, self.backend, self.status = id_, name, size, backend, status
        self.data, self.metadata, self.snapshots, self.plain = dict(data or {}), {}, [], data is None


class Snapshot:
    def __init__(self, id_, name, volume):
        self.id, self.name, self.size, self.data = id_, name, volume.size, dict(volume.data)


class Wrong(Exception):
    """What was found is not what the model says."""


class Ledger:
    """What all workers together know."""

    def __init__(self):
        self.lock = threading.Lock()
        self.stop = threading.Event()
        self.problems, self.counts, self.request_ids, self.names, self.told_to_fail = [], {}, [], {}, set()
        self.settled = lambda: time.sleep(1)  # returns when a call without an answer cannot happen any more

    def problem(self, text):
        with self.lock:
            self.problems.append(text)

    def count(self, what):
        with self.lock:
            self.counts[what] = self.counts.get(what, 0) + 1


class Worker(threading.Thread):
    ACTIONS = [("create", 8), ("create_told_to_fail", 1), ("from_snapshot", 5), ("clone", 5), ("clone_and_delete_source", 2), ("snapshot", 6),
               ("delete_snapshot", 3), ("copy_and_delete_snapshot", 2), ("delete", 6), ("extend", 4), ("extend_told_to_fail", 1), ("revert", 4),
               ("use", 8), ("snapshot_in_use", 3), ("cancel_create", 2), ("cancel_clone", 2), ("cancel_snapshot", 1), ("cancel_extend", 1), ("metadata", 4)]

    def __init__(self, number, seed, nodes, ledger, types, history=None):
        super().__init__(name=f"worker {number}", daemon=True)
        self.number, self.ledger, self.types = number, ledger, types
        self.random = random.Random(seed * 1000 + number)
        self.client = Client(nodes, seed * 1000 + number, history, f"worker {number}")
        self.volumes, self.serial, self.asked = [], 0, {}

    def run(self):
        try:
            while not self.ledger.stop.is_set():
                self.step()
            self.look_at_everything()
        except (Wrong, Silent, OSError, Unknown, KeyError, TypeError) as wrong:
            self.ledger.problem(f"{self.name}: {type(wrong).__name__}: {wrong}")
            self.ledger.stop.wait()

    def step(self):
        name = self.random.choices([a for a, _ in self.ACTIONS], [w for _, w in self.ACTIONS])[0]
        if len(self.volumes) >= 5:
            name = self.random.choice(["delete", name])
        getattr(self, name)()

    # -- asking ------------------------------------------------------------------------------------------------------------

    def next_name(self, what):
        self.serial += 1
        return f"{what}-{self.number}-{self.serial}"

    def accepted(self, what, reply):
        self.ledger.count(what)
        if reply is not None and reply.request_id:
            with self.ledger.lock:
                self.ledger.request_ids.append((reply.request_id, what))

    def make(self, what, path, kind, body):
        """Asks for something new; its id. Without an answer: whether it is there under its name, a moment later."""
        body[kind]["name"] = name = self.next_name(what)
        try:
            reply = self.client.ask("POST", path, body)
        except Unknown:
            self.ledger.settled()
            found = [one["id"] for one in self.client.insist("GET", f"{path}?name={name}").json()[path[1:]]]
            with self.ledger.lock:
                self.ledger.names[name] = len(found)
            if not found:
                return None, name
            self.accepted(what, None)
            return found[0], name
        if reply.status != 202:
            raise Wrong(f"{what} {body} was refused: {reply.status} {reply.text!r}")
        with self.ledger.lock:
            self.ledger.names[name] = 1
        self.accepted(what, reply)
        return reply.json()[kind]["id"], name

    def operations(self, resource, kind):
        return self.client.insist("GET", f"/scoria/v1/operations?resource_id={resource}&kind={kind}").json()["operations"]

    def change(self, what, kind, resource, method, path, body=None):
        """Asks for a change that an operation of that kind makes. True: accepted. Without an answer the operations tell."""
        before = self.asked.get((resource, kind), 0)
        try:
            reply = self.client.ask(method, path, body)
        except Unknown:
            self.ledger.settled()
            now = len(self.operations(resource, kind))
            if now > before + 1:
                raise Wrong(f"{what} {resource} was asked for once more and is there {now - before} times")
            if now == before:
                return False
            reply = None
        if reply is not None and reply.status not in (200, 202, 204):
            raise Wrong(f"{what} of {resource} was refused: {reply.status} {reply.text!r}")
        self.asked[(resource, kind)] = before + 1
        self.accepted(what, reply)
        return True

    def settled(self, kind, id_, seconds=150):
        """The resource when nothing works on it any more; None when it is gone."""
        end = time.monotonic() + seconds
        pause = 0.08
        while True:
            reply = self.client.insist("GET", f"/{kind}s/{id_}")
            if reply.status == 404:
                return None
            seen = reply.json()[kind]
            if seen["status"] in REST:
                return seen
            if time.monotonic() > end:
                raise Wrong(f"stuck: {kind} {id_} is {seen['status']} for {seconds} s: {self.last_operation(id_)}")
            time.sleep(pause * (0.7 + 0.6 * self.random.random()))
            pause = min(pause * 1.3, 0.4)

    def last_operation(self, id_):
        return self.client.insist("GET", f"/scoria/v1/operations?resource_id={id_}").text[:700]

    def expect(self, volume):
        """Waits for rest and compares with the model."""
        seen = self.settled("volume", volume.id)
        if seen is None:
            raise Wrong(f"volume {volume.id} ({volume.name}) is gone: {self.last_operation(volume.id)}")
        if (seen["status"], seen["size"]) != (volume.status, volume.size):
            raise Wrong(f"volume {volume.id} is {seen['status']} with {seen['size']} GiB, should be {volume.status} with {volume.size}: {self.last_operation(volume.id)}")
        if seen["metadata"] != volume.metadata:
            raise Wrong(f"volume {volume.id} has metadata {seen['metadata']}, should be {volume.metadata}")
        return seen

    def expect_gone(self, kind, id_):
        seen = self.settled(kind, id_)
        if seen is not None:
            raise Wrong(f"{kind} {id_} is {seen['status']}, should be gone: {self.last_operation(id_)}")

    def pick(self, condition=lambda volume: True):
        fit = [volume for volume in self.volumes if volume.status == "available" and condition(volume)]
        return self.random.choice(fit) if fit else None

    # -- what clients do ---------------------------------------------------------------------------------------------------

    def create(self):
        backend, size = self.random.choice(list(self.types)), self.random.randint(1, 3)
        id_, name = self.make("create", "/volumes", "volume", {"volume": {"size": size, "volume_type": self.types[backend]}})
        if id_ is None:
            return None
        volume = Volume(id_, name, size, backend)
        self.volumes.append(volume)
        self.expect(volume)
        return volume

    def create_told_to_fail(self):
        backend = self.random.choice(list(self.types))
        id_, name = self.make("create-failing", "/volumes", "volume", {"volume": {"size": TOO_BIG, "volume_type": self.types[backend]}})
        if id_ is None:
            return
        with self.ledger.lock:
            self.ledger.told_to_fail.add(id_)
        self.volumes.append(Volume(id_, name, TOO_BIG, backend, status="error"))
        self.expect(self.volumes[-1])

    def copied(self, what, source, origin, size, backend):
        if isinstance(origin, Volume):
            origin.plain = False  # the copy may have given it a layer
        id_, name = self.make(what, "/volumes", "volume", {"volume": {"size": size, **source}})
        if id_ is None:
            return None
        volume = Volume(id_, name, size, backend, origin.data)
        volume.plain = False
        self.volumes.append(volume)
        return volume

    def snapshot_of_mine(self):
        fit = [(volume, snapshot) for volume in self.volumes for snapshot in volume.snapshots]
        return self.random.choice(fit) if fit else (None, None)

    def from_snapshot(self):
        volume, snapshot = self.snapshot_of_mine()
        if snapshot is None:
            return self.snapshot()
        made = self.copied("from-snapshot", {"snapshot_id": snapshot.id}, snapshot, snapshot.size + self.random.randint(0, 1), volume.backend)
        if made:
            self.expect(made)
            if self.random.random() < 0.4:
                self.read_and_write(made)

    def clone(self):
        source = self.pick()
        if source is None:
            return self.create()
        made = self.copied("clone", {"source_volid": source.id}, source, source.size, source.backend)
        if made:
            self.expect(made)
            if self.random.random() < 0.4:
                self.read_and_write(made)

    def clone_and_delete_source(self):
        source = self.pick(lambda one: not one.snapshots)
        if source is None:
            return self.create()
        made = self.copied("clone", {"source_volid": source.id}, source, source.size, source.backend)
        gone = self.start_delete(source)
        if made:
            self.expect(made)
        if gone:
            self.expect_gone("volume", source.id)
        if made:
            self.read_and_write(made)

    def snapshot(self, force=False):
        volume = self.pick(lambda one: len(one.snapshots) < 3)
        if volume is None:
            return self.create()
        return self.snapshot_now(volume)

    def snapshot_now(self, volume):
        id_, name = self.make("snapshot", "/snapshots", "snapshot", {"snapshot": {"volume_id": volume.id, "force": True}})
        if id_ is None:
            return None
        snapshot = Snapshot(id_, name, volume)
        volume.snapshots.append(snapshot)
        volume.plain = False
        self.expect_snapshot(snapshot)
        return snapshot

    def expect_snapshot(self, snapshot):
        seen = self.settled("snapshot", snapshot.id)
        if seen is None or (seen["status"], seen["size"]) != ("available", snapshot.size):
            raise Wrong(f"snapshot {snapshot.id} is {seen and seen['status']}, should be available: {self.last_operation(snapshot.id)}")

    def start_delete_snapshot(self, volume, snapshot):
        if not self.change("delete-snapshot", "snapshot.delete", snapshot.id, "DELETE", f"/snapshots/{snapshot.id}"):
            return False
        volume.snapshots.remove(snapshot)
        return True

    def delete_snapshot(self):
        volume, snapshot = self.snapshot_of_mine()
        if snapshot and self.start_delete_snapshot(volume, snapshot):
            self.expect_gone("snapshot", snapshot.id)

    def copy_and_delete_snapshot(self):
        volume, snapshot = self.snapshot_of_mine()
        if snapshot is None:
            return self.snapshot()
        made = self.copied("from-snapshot", {"snapshot_id": snapshot.id}, snapshot, snapshot.size, volume.backend)
        gone = self.start_delete_snapshot(volume, snapshot)
        if made:
            self.expect(made)
        if gone:
            self.expect_gone("snapshot", snapshot.id)
        if made:
            self.read_and_write(made)

    def start_delete(self, volume):
        if not self.change("delete", "volume.delete", volume.id, "DELETE", f"/volumes/{volume.id}"):
            return False
        self.volumes.remove(volume)
        return True

    def delete(self):
        fit = [volume for volume in self.volumes if not volume.snapshots]
        if not fit:
            return self.delete_snapshot()
        volume = self.random.choice(fit)
        if self.start_delete(volume) and self.random.random() < 0.7:  # others are looked at in the end
            self.expect_gone("volume", volume.id)

    def action(self, what, kind, volume, body):
        return self.change(what, kind, volume.id, "POST", f"/volumes/{volume.id}/action", body)

    def extend(self):
        volume = self.pick(lambda one: one.size < 8)
        if volume is None:
            return
        if self.action("extend", "volume.extend", volume, {"os-extend": {"new_size": volume.size + 1}}):
            volume.size += 1
        self.expect(volume)

    def extend_told_to_fail(self):
        volume = self.pick(lambda one: one.plain)
        if volume is None:
            return
        if self.action("extend-failing", "volume.extend", volume, {"os-extend": {"new_size": TOO_BIG}}):
            with self.ledger.lock:
                self.ledger.told_to_fail.add(volume.id)
            volume.status = "error_extending"
        self.expect(volume)

    def revert(self):
        volume = self.pick(lambda one: one.snapshots and one.snapshots[-1].size == one.size)
        if volume is None:
            return
        if self.random.random() < 0.6:
            self.read_and_write(volume)
        if self.action("revert", "volume.revert", volume, {"revert": {"snapshot_id": volume.snapshots[-1].id}}):
            volume.data = dict(volume.snapshots[-1].data)
        self.expect(volume)
        self.expect_snapshot(volume.snapshots[-1])
        if self.random.random() < 0.5:
            self.read_and_write(volume)

    def use(self):
        volume = self.pick()
        if volume:
            self.read_and_write(volume)

    def snapshot_in_use(self):
        volume = self.pick(lambda one: len(one.snapshots) < 3)
        if volume:
            self.read_and_write(volume, lambda: self.snapshot_now(volume))

    def metadata(self):
        volume = self.pick()
        if volume is None:
            return
        key, value = f"k{self.random.randint(1, 3)}", uuid.uuid4().hex
        reply = self.client.insist("POST", f"/volumes/{volume.id}/metadata", {"metadata": {key: value}})
        if reply.status != 200:
            raise Wrong(f"metadata of {volume.id}: {reply.status} {reply.text!r}")
        volume.metadata[key] = value
        self.ledger.count("metadata")
        self.expect(volume)

    # -- cancelling --------------------------------------------------------------------------------------------------------

    def cancel(self, resource, kind):
        """Cancels the newest operation of that kind. How it ended: succeeded or cancelled; either may win."""
        operation = self.operations(resource, kind)[0]["id"]
        time.sleep(self.random.random() * 0.6)
        reply = self.client.insist("POST", f"/scoria/v1/operations/{operation}/cancel")
        if reply.status not in (202, 409):
            raise Wrong(f"cancel of {operation}: {reply.status} {reply.text!r}")
        self.ledger.count("cancel" if reply.status == 202 else "cancel-too-late")
        end = time.monotonic() + 120
        while True:
            seen = self.client.insist("GET", f"/scoria/v1/operations/{operation}").json()["operation"]
            if seen["state"] in ("succeeded", "cancelled"):
                return seen["state"]
            if seen["state"] in ("failed", "dead") or time.monotonic() > end:
                raise Wrong(f"cancelled operation is {seen}")
            time.sleep(0.1)

    def cancel_made(self, volume):
        if self.cancel(volume.id, "volume.create") == "cancelled":
            self.volumes.remove(volume)
            self.expect_gone("volume", volume.id)
        else:
            self.expect(volume)

    def cancel_create(self):
        backend = self.random.choice(list(self.types))
        id_, name = self.make("create", "/volumes", "volume", {"volume": {"size": 1, "volume_type": self.types[backend]}})
        if id_:
            self.volumes.append(Volume(id_, name, 1, backend))
            self.cancel_made(self.volumes[-1])

    def cancel_clone(self):
        source = self.pick(lambda one: one.data)
        made = source and self.copied("clone", {"source_volid": source.id}, source, source.size, source.backend)
        if made:
            self.cancel_made(made)
            self.expect(source)

    def cancel_snapshot(self):
        volume = self.pick(lambda one: len(one.snapshots) < 3)
        if volume is None:
            return
        id_, name = self.make("snapshot", "/snapshots", "snapshot", {"snapshot": {"volume_id": volume.id}})
        if id_ is None:
            return
        volume.plain = False
        snapshot = Snapshot(id_, name, volume)
        if self.cancel(id_, "snapshot.create") == "cancelled":
            self.expect_gone("snapshot", id_)
        else:
            volume.snapshots.append(snapshot)
            self.expect_snapshot(snapshot)

    def cancel_extend(self):
        volume = self.pick(lambda one: one.size < 8)
        if volume is None or not self.action("extend", "volume.extend", volume, {"os-extend": {"new_size": volume.size + 1}}):
            return
        if self.cancel(volume.id, "volume.extend") == "succeeded":
            volume.size += 1
        self.expect(volume)

    # -- bytes -------------------------------------------------------------------------------------------------------------

    def attach(self, volume):
        user = str(uuid.uuid4())
        connector = {"host": f"client-{self.number}", "initiator": f"iqn.2024-01.test:{self.number}", "scoria_transport": "nbd+unix"}
        body = {"attachment": {"volume_uuid": volume.id, "instance_uuid": user, "connector": connector}}
        try:
            reply = self.client.ask("POST", "/attachments", body)
            if reply.status != 200:
                raise Wrong(f"attach of {volume.id} was refused: {reply.status} {reply.text!r}")
            self.accepted("attach", reply)
            return reply.json()["attachment"]
        except Unknown:
            self.ledger.settled()
        found = [one for one in self.client.insist("GET", f"/attachments/detail?volume_id={volume.id}").json()["attachments"] if one["instance"] == user]
        if len(found) > 1:
            raise Wrong(f"{len(found)} attachments for one request: {found}")
        if not found:
            return None
        self.accepted("attach", None)
        end = time.monotonic() + 120
        while not found[0].get("connection_info"):
            if found[0]["status"] == "error_attaching" or time.monotonic() > end:
                raise Wrong(f"attachment {found[0]}: {self.last_operation(found[0]['id'])}")
            time.sleep(0.1)
            found = [self.client.insist("GET", f"/attachments/{found[0]['id']}").json()["attachment"]]
        return found[0]

    def detach(self, attachment):
        while True:
            try:
                reply = self.client.ask("DELETE", f"/attachments/{attachment}")
                if reply.status not in (200, 202, 404):
                    raise Wrong(f"detach of {attachment}: {reply.status} {reply.text!r}")
                self.ledger.count("detach")
                return
            except Unknown:
                time.sleep(0.2)

    def read_and_write(self, volume, meanwhile=None):
        attachment = self.attach(volume)
        if attachment is None:
            return
        reply = self.client.insist("POST", f"/attachments/{attachment['id']}/action", {"os-complete": {}})
        if reply.status != 204:
            raise Wrong(f"os-complete of {attachment['id']}: {reply.status} {reply.text!r}")
        volume.status = "in-use"
        self.expect(volume)
        client = Nbd(attachment["connection_info"]["socket"], attachment["connection_info"]["export"])
        try:
            self.compare(volume, client)
            self.write(volume, client)
            if meanwhile:
                meanwhile()
                self.write(volume, client)
        finally:
            client.close()
        self.detach(attachment["id"])
        volume.status = "available"
        self.expect(volume)

    def write(self, volume, client):
        if self.ledger.stop.is_set():
            return
        for place in self.random.sample(PLACES, self.random.randint(1, 4)):
            volume.data[place] = f"{volume.id}/{uuid.uuid4().hex}"
            client.write(place, stamp(volume.data[place]))
        client.flush()

    def compare(self, volume, client):
        if client.size != volume.size * GIB:
            raise Wrong(f"volume {volume.id} is served with {client.size} bytes, has {volume.size} GiB")
        for place in PLACES:
            want = stamp(volume.data[place]) if place in volume.data else b"\0" * STAMP
            got = client.read(place, STAMP)
            if got != want:
                raise Wrong(f"volume {volume.id} ({volume.name}, {volume.backend}) at {place} reads {got[:80]!r}, should be {want[:80]!r}")
        self.ledger.count("compared")

    def look_at_everything(self):
        """After the last kill: every volume and every snapshot, its state and its bytes."""
        for volume in list(self.volumes):
            self.expect(volume)
            if volume.status == "available":
                self.read_and_write(volume)
            for snapshot in volume.snapshots:
                self.expect_snapshot(snapshot)
                made = self.copied("from-snapshot", {"snapshot_id": snapshot.id}, snapshot, snapshot.size, volume.backend)
                self.expect(made)
                self.read_and_write(made)
                if self.start_delete(made):
                    self.expect_gone("volume", made.id)
