"""The array's log against the database: what ghosts did must have been harmless.

* What was destroyed was doomed: a name that lost its object for good is `gone` in the ledger, never published.
* Nothing is made, grown, copied or written under a name after it was destroyed, but late creates, which are swept and never published.
* Two epochs of one operation never both changed a published object: who comes late finds everything done."""
import json

CHANGES = ("create", "remove", "extend", "snapshot", "clone", "copy")


def read(path):
    with open(path) as file:
        return [json.loads(line) for line in file]


def judge(lines, ledger):
    """`ledger`: name -> state in the database at rest. Returns what was wrong, and how often ghosts came late and changed nothing."""
    problems, late, removed, newest = [], 0, {}, {}
    for line in lines:
        if line["phase"] != "effect":
            continue
        name, epoch, key = line["object"], line["epoch"], (line["object"], line["operation"])
        ghost = line["operation"] and epoch < newest.get(key, 0)
        if line["outcome"] == "ok" and line["method"] in CHANGES:  # one that was refused, or only looked, leaves the older one its turn
            newest[key] = max(newest.get(key, 0), epoch)
        late += bool(ghost and not line["changed"])
        if not line["changed"]:
            continue
        published = ledger.get(name) == "published"
        if line["method"] == "remove":
            removed[name] = line
            if published:
                problems.append(f"I9: {name} was destroyed (epoch {epoch} of {line['operation']}) and is published")
        elif name in removed and published:
            problems.append(f"I9: {name} was used again by {line['method']} after it was destroyed")
        elif ghost and published:
            problems.append(f"I10: epoch {epoch} of {line['operation']} changed {name} by {line['method']} after epoch {newest[key]}")
    return problems, late
