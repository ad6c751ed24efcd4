"""What the array keeps: volumes, snapshots and clones as sparse files, in pools. Every change is one step under one lock, exclusive
by name and idempotent, as storage should be; who asks is checked by the generation of its call and by tokens of copies."""
import itertools
import os
import pathlib
import threading
import time

MIB = 1 << 20
CHUNK = 1 * MIB


class Refusal(Exception):
    """`kind` is a failure class of Scoria's drivers: busy, no_space, permanent, transient."""

    def __init__(self, kind, message):
        super().__init__(message)
        self.kind = kind


class Thing:
    def __init__(self, path, size, source="", read_only=False, complete=True):
        self.path, self.size, self.source, self.read_only, self.complete = path, size, source, read_only, complete
        self.token, self.token_until, self.filled = 0, 0.0, 0


def data_runs(file, end):
    """(offset, length) of what is no hole."""
    at = 0
    while at < end:
        try:
            start = os.lseek(file, at, os.SEEK_DATA)
        except OSError:
            return
        at = os.lseek(file, start, os.SEEK_HOLE)
        yield start, min(at, end) - start


def copy_bytes(source, target, begin, end):
    """The data of source between two offsets; holes stay holes."""
    for start, length in data_runs(source, end):
        at, stop = max(start, begin), start + length
        while at < stop:
            part = os.pread(source, min(CHUNK, stop - at), at)
            os.pwrite(target, part, at)
            at += len(part)


class Store:
    def __init__(self, directory, pools, total, copy_rate, hold):
        self.lock = threading.RLock()
        self.directory, self.total, self.copy_rate, self.hold = pathlib.Path(directory), total, copy_rate, hold
        self.things = {pool: {} for pool in pools}  # pool -> name -> Thing
        self.history, self.tokens, self.generation = [], itertools.count(1), 0
        for pool in pools:
            (self.directory / pool).mkdir(parents=True, exist_ok=True)

    # -- asking ------------------------------------------------------------------------------------------------------------

    def pool(self, pool):
        if pool not in self.things:
            raise Refusal("permanent", f"this array has no pool {pool}")
        return self.things[pool]

    def get(self, pool, name):
        found = self.pool(pool).get(name)
        if found is None:
            raise Refusal("permanent", f"there is no object {name}")
        return found

    def pools(self):
        with self.lock:
            return [{"name": pool, "total": self.total, "free": self.total - sum(os.stat(one.path).st_blocks * 512 for one in things.values()),
                     "provisioned": sum(one.size for one in things.values() if not one.read_only)} for pool, things in self.things.items()]

    def probe(self, pool, name):
        with self.lock:
            found = self.pool(pool).get(name)
            if found is None:
                return {"presence": "absent"}
            return {"presence": "complete" if found.complete else "partial", "size": found.size, "allocated": os.stat(found.path).st_blocks * 512,
                    "path": str(found.path)}

    def names(self, pool, stale_by=0.0, without=lambda name: False):
        """Sorted; as they were `stale_by` seconds ago, without some."""
        with self.lock:
            there = set(self.pool(pool))
            for at, where, name, made in reversed(self.history):
                if at < time.monotonic() - stale_by:
                    break
                if where == pool:
                    (there.discard if made else there.add)(name)
            return sorted(name for name in there if not without(name))

    # -- changing: each returns (did it change anything, answer) ----------------------------------------------------------------

    def see_generation(self, generation):
        with self.lock:
            if generation and generation < self.generation:
                raise Refusal("permanent", "the call belongs to an older generation of the backend")
            self.generation = max(self.generation, generation)

    def _make(self, pool, name, size, **more):
        path = self.directory / pool / name
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.ftruncate(file, size)
        except OSError as full:
            os.unlink(path)
            raise Refusal("permanent", f"{size} bytes: {full.strerror}") from full
        finally:
            os.close(file)
        made = self.things[pool][name] = Thing(path, size, **more)
        self.history.append((time.monotonic(), pool, name, True))
        return made

    def create(self, pool, name, size, half=False):
        with self.lock:
            found = self.pool(pool).get(name)
            if found is None:
                self._make(pool, name, size, complete=not half)
                return True, {}
            if found.size != size or found.read_only or found.source:
                raise Refusal("permanent", f"{name} exists already and is not an empty volume of {size} bytes")
            changed, found.complete = not found.complete and not half, found.complete or not half
            return changed, {}

    def remove(self, pool, name):
        with self.lock:
            found = self.pool(pool).get(name)
            if found is None:
                return False, {}
            if time.monotonic() < found.token_until:
                raise Refusal("busy", f"{name} is being written by another")
            for path in (found.path, self._pin(found)):
                path.unlink(missing_ok=True)
            del self.things[pool][name]
            self.history.append((time.monotonic(), pool, name, False))
            return True, {}

    def extend(self, pool, name, size):
        with self.lock:
            found = self.get(pool, name)
            if found.read_only or not found.complete:
                raise Refusal("permanent", f"{name} is a snapshot or not whole yet")
            if size <= found.size:
                return False, {}
            try:
                os.truncate(found.path, size)
            except OSError as full:
                raise Refusal("permanent", f"{size} bytes: {full.strerror}") from full
            found.size = size
            return True, {}

    def _whole(self, pool, name):
        found = self.get(pool, name)
        if not found.complete:
            raise Refusal("permanent", f"{name} is not whole yet")
        return found

    def snapshot(self, pool, name, source_pool, source):
        with self.lock:
            found = self.pool(pool).get(name)
            if found is not None:
                if found.read_only and found.source == source:
                    return False, {}
                raise Refusal("permanent", f"{name} exists already and is no snapshot of {source}")
            origin = self._whole(source_pool, source)
            made = self._make(pool, name, origin.size, source=source, read_only=True)
            self._copy(origin.path, made.path, 0, origin.size)
            return True, {}

    @staticmethod
    def _pin(thing):
        """The source of a copy, as it was when the copy began."""
        return thing.path.with_name(f".pin-{thing.path.name}")

    @staticmethod
    def _copy(source, target, begin, end):
        with open(source, "rb") as from_, open(target, "r+b") as to:
            copy_bytes(from_.fileno(), to.fileno(), begin, end)

    def clone(self, pool, name, source_pool, source, size, half=False):
        """Begins a copy or takes part in one; its token is for copy(). One token at a time, until it was not used for `hold`."""
        with self.lock:
            found, changed = self.pool(pool).get(name), False
            if found is None:
                origin = self._whole(source_pool, source)
                if size < origin.size:
                    raise Refusal("permanent", f"{size} bytes cannot hold {source}")
                found, changed = self._make(pool, name, size, source=source, complete=False), True
                pin = self._pin(found)
                pin.touch(0o600)
                self._copy(origin.path, pin, 0, origin.size)
            elif found.size != size or found.source != source or found.read_only:
                raise Refusal("permanent", f"{name} exists already and is no clone of {source} with {size} bytes")
            if not self.copy_rate and not half and not found.complete:
                self._fill(found, size)
            if found.complete or half:
                return changed, {"complete": found.complete}
            if time.monotonic() < found.token_until:
                raise Refusal("busy", f"{name} is being written by another")
            found.token, found.token_until = next(self.tokens), time.monotonic() + self.hold
            return changed, {"complete": False, "token": found.token, "done": found.filled, "total": size}

    def copy(self, pool, name, token):
        """A slice of the copy."""
        with self.lock:
            found = self.get(pool, name)
            if found.token != token or found.complete:
                raise Refusal("busy", f"{name} is not this caller's any more")
            found.token_until = time.monotonic() + self.hold
            end = min(found.size, found.filled + self.copy_rate // 20)
            self._fill(found, end)
        time.sleep(0.05)
        return True, {"complete": found.complete, "done": end, "total": found.size}

    def _fill(self, thing, end):
        self._copy(self._pin(thing), thing.path, thing.filled, end)
        thing.filled, thing.complete = end, end == thing.size
        if thing.complete:
            self._pin(thing).unlink()
            thing.token_until = 0.0

    def release(self, pool, name, token):
        with self.lock:
            found = self.pool(pool).get(name)
            if found is not None and found.token == token:
                found.token_until = 0.0
            return False, {}

    def write(self, pool, name, offset, data):
        """As a host does, between two steps of others."""
        with self.lock, open(self.get(pool, name).path, "r+b") as file:
            file.seek(offset)
            file.write(data)
