"""Were the calls on one volume possible, one after the other? A search for an order of them, each between its begin and its end, that a
small model of a volume's life allows (as Wing and Gong describe it). A call without an answer may have happened at any time after
its begin, or never. What Scoria does by itself in between (a volume becomes available, grows, goes away) is a step that needs no call.

State: (status, size, target, metadata, snapshots); status None: not there yet, "gone": no more."""
import bisect
import re

BEFORE, GONE = (None, 0, 0, (), ()), ("gone", 0, 0, (), ())
RESTING = ("available", "error", "error_extending")


def settled(state, may_fail):
    """The states that Scoria itself may make of this one."""
    status, size, target, metadata, snapshots = state
    if status == "creating":
        yield ("available", size, target, metadata, snapshots)
        if may_fail:
            yield ("error", size, target, metadata, snapshots)
    elif status == "extending":
        yield ("available", target, target, metadata, snapshots)
        if may_fail:
            yield ("error_extending", size, size, metadata, snapshots)
    elif status == "deleting":
        yield GONE
    for snapshot, phase in snapshots:
        rest = tuple(one for one in snapshots if one[0] != snapshot)
        if phase == "creating":
            yield (status, size, target, metadata, tuple(sorted(rest + ((snapshot, "available"),))))
            if may_fail:
                yield (status, size, target, metadata, tuple(sorted(rest + ((snapshot, "error"),))))
        elif phase == "deleting":
            yield (status, size, target, metadata, rest)


class Step:
    """A call as the model knows it: verb, argument, and what came back (None: nothing did)."""

    def __init__(self, call, verb, argument=None):
        self.begun, self.back, self.kind, self.status = call.begun, call.back, call.kind, call.status
        self.verb, self.argument, self.call, self.seen = verb, argument, call, None
        if verb == "show" and call.kind == "ok":
            volume = call.reply["volume"]
            self.seen = (volume["status"], volume["size"], tuple(sorted(volume["metadata"].items())))
        self.refused = call.kind == "fail"

    def apply(self, state):
        """States after it, if it can happen in this one and come back as it did."""
        return getattr(self, self.verb)(state)

    def accepted(self, allowed, after, state):
        """A refusal may come of a change at the same moment: it must only change nothing."""
        if self.refused:
            return [state] if (self.status == 404) == (state in (BEFORE, GONE)) else []
        return [after] if allowed else []

    def create(self, state):
        return self.accepted(state == BEFORE, ("creating", self.argument, self.argument, (), ()), state)

    def show(self, state):
        if self.refused:
            return [state] if state == GONE and self.status == 404 else []
        return [state] if state not in (BEFORE, GONE) and self.seen == (state[0], state[1], state[3]) else []

    def delete(self, state):
        status, size, target, metadata, snapshots = state
        return self.accepted(status in RESTING and not snapshots, ("deleting", size, target, metadata, snapshots), state)

    def extend(self, state):
        status, size, _, metadata, snapshots = state
        return self.accepted(status == "available" and self.argument > size, ("extending", size, self.argument, metadata, snapshots), state)

    def metadata(self, state):
        status, size, target, metadata, snapshots = state
        after = (status, size, target, tuple(sorted({**dict(metadata), **self.argument}.items())), snapshots)
        return self.accepted(status not in (None, "gone"), after, state)

    def snapshot(self, state):
        status, size, target, metadata, snapshots = state
        after = (status, size, target, metadata, tuple(sorted(snapshots + ((self.argument, "creating"),))))
        return self.accepted(status == "available", after, state)

    def unsnapshot(self, state):
        status, size, target, metadata, snapshots = state
        phase = dict(snapshots).get(self.argument)
        after = (status, size, target, metadata, tuple(sorted((name, "deleting" if name == self.argument else other) for name, other in snapshots)))
        if self.refused:
            return [state] if (self.status == 404) == (phase is None) else []
        return [after] if phase in ("available", "error") else []


def steps_of(calls, volume_id, name):
    """The calls that concern this volume."""
    out, snapshots = [], {}
    for call in calls:
        if call.method == "POST" and call.path == "/volumes" and call.body["volume"].get("name") == name:
            out.append(Step(call, "create", call.body["volume"]["size"]))
        elif call.method == "POST" and call.path == "/snapshots" and call.body["snapshot"]["volume_id"] == volume_id:
            out.append(Step(call, "snapshot", call.body["snapshot"]["name"]))
            if call.kind == "ok":
                snapshots[call.reply["snapshot"]["id"]] = call.body["snapshot"]["name"]
        elif call.method == "DELETE" and (found := re.fullmatch("/snapshots/(.*)", call.path)) and found[1] in snapshots:
            out.append(Step(call, "unsnapshot", snapshots[found[1]]))
        elif call.path == f"/volumes/{volume_id}/metadata":
            out.append(Step(call, "metadata", call.body["metadata"]))
        elif call.path == f"/volumes/{volume_id}/action" and "os-extend" in call.body:
            out.append(Step(call, "extend", call.body["os-extend"]["new_size"]))
        elif call.path == f"/volumes/{volume_id}":
            out.append(Step(call, {"GET": "show", "DELETE": "delete"}[call.method]))
    return out


def explain(steps, may_fail=False, limit=2_000_000):
    """None when there is an order; else the longest part that has one and the first call without a place. Calls that cannot change
    anything and saw nothing are left out.

    Where the search stands: all known calls before `first` are done, beyond it those in `more`; of the unknown ones those in `told`. What
    ended earliest is tried first, and an unknown call only when nothing else goes on: so a long history is walked about once."""
    steps = sorted((one for one in steps if not (one.verb == "show" and one.kind == "unknown")), key=lambda one: one.begun)
    known, unknown = [one for one in steps if one.kind != "unknown"], [one for one in steps if one.kind == "unknown"]
    unknown_begun = [one.begun for one in unknown]

    def ways_on(first, more, told, state):
        first_end, open_, number = float("inf"), [], first
        while number < len(known) and known[number].begun <= first_end:
            if not more >> (number - first) & 1:
                open_.append(number)
                first_end = min(first_end, known[number].back)
            number += 1
        for number in sorted((one for one in open_ if known[one].begun <= first_end), key=lambda one: known[one].back):
            done, at = more | 1 << (number - first), first
            while done & 1:
                done, at = done >> 1, at + 1
            for after in known[number].apply(state):
                yield at, done, told, after
        for after in settled(state, may_fail):
            yield first, more, told, after
        for number in reversed(range(bisect.bisect_right(unknown_begun, first_end))):
            if not told >> number & 1:
                for after in unknown[number].apply(state):
                    if after != state:
                        yield first, more, told | 1 << number, after

    start = (0, 0, 0, BEFORE)
    seen, stack, best, best_length = {start}, [ways_on(*start)], start, 0
    if not known:
        return None
    while stack:
        at = next(stack[-1], None)
        if at is None:
            stack.pop()
            continue
        if at in seen:
            continue
        seen.add(at)
        if len(seen) > limit:
            raise RuntimeError(f"the search for an order of {len(steps)} calls takes too long")
        first, more = at[:2]
        if first == len(known):
            return None
        length = first + bin(more).count("1")
        if length > best_length:
            best, best_length = at, length
        stack.append(ways_on(*at))
    missing = [one for number, one in enumerate(known) if number >= best[0] and not best[1] >> (number - best[0]) & 1]
    return f"no order of {len(steps)} calls explains what was seen; after {best_length} of them nothing allows {missing[0].call} (or the {len(missing) - 1} others that are left)"
