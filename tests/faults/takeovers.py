"""How long operations wait for a successor after their node was struck. Long copies apart: what is taken back from the dead goes on at once only
where a slot for them is free, and under a storm the others' are taken."""
import threading


def percentile(numbers, part):
    ordered = sorted(numbers)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))] if ordered else None


class Takeovers(threading.Thread):
    """Watches operations of struck nodes until somebody has claimed them. `times`: (seconds, label, operation)."""

    def __init__(self, rows):
        super().__init__(name="takeovers", daemon=True)
        self.rows, self.lock, self.waiting, self.times, self.ended = rows, threading.Lock(), {}, [], threading.Event()

    def add(self, at, owned, label=""):
        with self.lock:
            for operation, epoch in owned:
                self.waiting[operation] = (at, epoch, label)

    def look(self):
        with self.lock:
            waiting = dict(self.waiting)
        if not waiting:
            return
        ids = ",".join(f"'{one}'" for one in waiting)
        for id_, epoch, claimed, state, queue in self.rows(f"SELECT id, epoch, claimed_at, state, queue FROM operation WHERE id IN ({ids})"):
            at, before, label = waiting[id_]
            taken = int(epoch) > before
            if not taken and state in ("running", "ready", "waiting"):
                continue
            with self.lock:
                if taken:
                    self.times.append((int(claimed) / 1e6 - at, label + (", long copies" if queue.endswith("!bulk") else ""), id_))
                self.waiting.pop(id_, None)  # else its end was under way when its node was struck

    def forget(self, owned):
        """Who came back in time keeps its work."""
        self.look()
        with self.lock:
            for operation, _ in owned:
                self.waiting.pop(operation, None)

    def run(self):
        while not self.ended.wait(0.2):
            try:
                self.look()
            except (RuntimeError, OSError):
                pass

    def end(self):
        self.look()
        self.ended.set()
        self.join()

    def late(self, seconds):
        """(seconds, operation), the latest first, of those that waited longer."""
        return sorted(((waited, id_) for waited, _, id_ in self.times if waited > seconds), reverse=True)

    def summary(self):
        """{label: {count, p50, p99, longest}}"""
        out = {}
        for label in sorted({label for _, label, _ in self.times}):
            numbers = [seconds for seconds, other, _ in self.times if other == label]
            out[label] = {"count": len(numbers), "p50": round(percentile(numbers, 0.5), 2), "p99": round(percentile(numbers, 0.99), 2),
                          "longest": round(max(numbers), 2)}
        return out
