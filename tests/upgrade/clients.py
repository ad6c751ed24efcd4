"""Clients that never accept a failure: every request is answered as it should be, whichever release answers it. What they make is
known here, and compared with what the service says. Shares no code with the server."""
import http.client
import json
import random
import threading
import time

PROJECT = "0123456789abcdef0123456789abcdef"


class Failed(Exception):
    """A request was not answered as it should be."""


class Balancer:
    """The nodes that requests go to. One that is about to stop is taken out first; what is under way there goes on."""

    def __init__(self):
        self.lock, self.ports, self.requests, self.refused = threading.Lock(), [], 0, 0

    def add(self, port):
        with self.lock:
            self.ports.append(port)

    def remove(self, port):
        with self.lock:
            self.ports.remove(port)

    def pick(self, random_):
        with self.lock:
            self.requests += 1
            return random_.choice(self.ports)


class Client:
    def __init__(self, balancer, seed):
        self.balancer, self.random = balancer, random.Random(seed)

    def connect(self):
        """A connection that was refused was asked nothing: once more, to any."""
        for last in (False, True):
            connection = http.client.HTTPConnection("127.0.0.1", self.balancer.pick(self.random), timeout=60)
            try:
                connection.connect()
                return connection
            except ConnectionRefusedError:
                self.balancer.refused += 1
                if last:
                    raise
        return None

    def ask(self, method, path, body=None, expected=(200, 202, 204)):
        path = path if path.startswith("/scoria") else f"/v3/{PROJECT}{path}"
        headers = {"X-Auth-Token": f"admin:{PROJECT}", "Content-Type": "application/json", "OpenStack-API-Version": "volume 3.59"}
        try:
            connection = self.connect()
            try:
                connection.request(method, path, None if body is None else json.dumps(body), headers)
                answer = connection.getresponse()
                text = answer.read()
            finally:
                connection.close()
        except (OSError, http.client.HTTPException) as lost:
            raise Failed(f"{method} {path}: {type(lost).__name__} {lost}") from lost
        if answer.status not in expected:
            raise Failed(f"{method} {path}: {answer.status} {text[:300]!r}")
        return json.loads(text) if text and answer.status != 404 else None

    def volume(self, id_):
        found = self.ask("GET", f"/volumes/{id_}", expected=(200, 404))
        return found and found["volume"]

    def wait(self, id_, statuses=("available",), seconds=90):
        end = time.monotonic() + seconds
        while True:
            volume = self.volume(id_)
            status = volume["status"] if volume else "gone"
            if status in statuses:
                return volume
            if status.startswith("error") or time.monotonic() > end:
                raise Failed(f"volume {id_} is {status}, not {statuses}")
            time.sleep(0.1)


class Volume:
    """What a volume must be."""

    def __init__(self, client, backend, description, size=1, source=None):
        self.description, self.size = description, size
        body = {"size": size, "description": description, "volume_type": backend}
        body.update({"source_volid": source} if source else {})
        self.id = client.ask("POST", "/volumes", {"volume": body})["volume"]["id"]

    def check(self, client):
        seen = client.wait(self.id)
        if (seen["description"], seen["size"]) != (self.description, self.size):
            raise Failed(f"volume {self.id} is {seen['size']} GiB, {seen['description']!r}; it was made {self.size} GiB, {self.description!r}")
        found = client.ask("GET", f"/volumes/detail?description={self.description}")["volumes"]
        if self.id not in [one["id"] for one in found]:
            raise Failed(f"volume {self.id} is not found by its description {self.description!r}")

    def describe(self, client, description):
        client.ask("PUT", f"/volumes/{self.id}", {"volume": {"description": description}})
        self.description = description

    def extend(self, client):
        client.wait(self.id)
        client.ask("POST", f"/volumes/{self.id}/action", {"os-extend": {"new_size": self.size + 1}})
        self.size += 1
        client.wait(self.id)

    def delete(self, client):
        client.wait(self.id)
        client.ask("DELETE", f"/volumes/{self.id}")
        client.wait(self.id, ("gone",))


class Worker(threading.Thread):
    """Makes, copies, describes, extends and deletes until told to stop; then checks what it has."""

    def __init__(self, number, balancer, stop, backends):
        super().__init__(name=f"worker-{number}", daemon=True)
        self.client, self.stop, self.backends = Client(balancer, number), stop, backends
        self.random, self.volumes, self.serial, self.problems, self.done = random.Random(number), [], 0, [], 0

    def word(self):
        self.serial += 1
        return f"{self.name}-{self.serial}"

    def run(self):
        try:
            while not self.stop.is_set():
                self.step()
                self.done += 1
            for volume in self.volumes:
                volume.check(self.client)
        except Failed as failed:
            self.problems.append(f"{self.name}: {failed}")

    def step(self):
        if len(self.volumes) < 2:
            self.volumes.append(Volume(self.client, self.random.choice(self.backends), self.word()))
            return
        volume, action = self.random.choice(self.volumes), self.random.choice(["copy", "copy", "describe", "extend", "check", "delete"])
        if action == "copy" and len(self.volumes) < 5:
            backend = volume_backend(self.client.wait(volume.id))
            copy = Volume(self.client, backend, self.word(), volume.size, volume.id)
            self.volumes.append(copy)
            self.client.wait(copy.id)  # so the next step may change its source
        elif action == "describe":
            volume.describe(self.client, self.word())
        elif action == "extend" and volume.size < 4:
            volume.extend(self.client)
        elif action == "check":
            volume.check(self.client)
        elif action == "delete":
            self.volumes.remove(volume)
            volume.delete(self.client)


def volume_backend(volume):
    return volume["volume_type"]
