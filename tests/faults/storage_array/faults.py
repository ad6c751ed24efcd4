"""What happens to calls beside their own sense, and the oracle's log of all of them."""
import json
import random
import threading
import time

FATES = ("error", "hang", "lost_reply", "delayed", "partial", "twice")
CHANGES = {"create", "remove", "extend", "snapshot", "clone", "copy"}


class Faults:
    """Rates are of 1000 calls: error (nothing done), hang (nothing done, no answer), lost_reply (done, no answer), delayed (no answer,
    done up to delay_s later), partial (left half made, then an error), twice (done two times), stale_list, partial_list. latency_ms: [least,
    most]. A script comes first: the next `times` calls of that method ("*": any) on that object ("": any) meet that fate. Only scripts
    know the fate "held": the call stays in the array, whatever becomes of its caller, and has its effect when it is released."""

    def __init__(self, seed):
        self.lock, self.random, self.rates, self.scripted = threading.Lock(), random.Random(seed), {}, []
        self.held, self.released = 0, threading.Event()

    def set(self, rates):
        with self.lock:
            self.rates = rates

    def script(self, method, object_, fate, times=1):
        with self.lock:
            self.scripted.append([method, object_, fate, times])

    def hold(self):
        with self.lock:
            self.held += 1
            released = self.released
        released.wait(300)

    def release(self):
        with self.lock:
            self.released.set()
            self.held, self.released = 0, threading.Event()

    def happens(self, what):
        with self.lock:
            return self.random.randrange(1000) < self.rates.get(what, 0)

    def draw(self, method, object_):
        """(fate or None, seconds of latency, seconds of delay)"""
        with self.lock:
            least, most = self.rates.get("latency_ms", (0, 0))
            latency, delay = self.random.uniform(least, most) / 1000, self.random.uniform(0, self.rates.get("delay_s", 5))
            for one in self.scripted:
                if one[3] > 0 and one[0] in ("*", method) and one[1] in ("", object_):
                    one[3] -= 1
                    return one[2], latency, delay
            for fate in FATES:
                if self.random.randrange(1000) < self.rates.get(fate, 0):
                    useful = method in CHANGES or fate in ("error", "hang", "lost_reply")
                    return (fate if useful else None), latency, delay
            return None, latency, delay


class Oracle:
    """Every call and every effect, with who asked: lines of JSON in a file. `phase`: call, effect, answer."""

    def __init__(self, path):
        self.lock, self.file = threading.Lock(), open(path, "a", buffering=1)

    def note(self, phase, caller, method, pool, name, outcome="", changed=False):
        line = {"at": time.time(), "phase": phase, **caller, "method": method, "pool": pool, "object": name, "outcome": outcome, "changed": changed}
        with self.lock:
            self.file.write(json.dumps(line) + "\n")
