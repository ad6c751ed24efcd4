"""The invariants I1 to I18 in SQL of our own, over a database at rest; and the storage against its ledger."""
import json

LIVE = "('ready', 'running', 'waiting')"


def ints(rows):
    return [[int(cell) if cell.lstrip("-").isdigit() else cell for cell in row] for row in rows]


class Invariants:
    """`rows`: reads the database. `listings`: {section: names that are there} of each backend."""

    def __init__(self, rows, listings):
        self.rows, self.listings, self.problems = rows, listings, []

    def none(self, invariant, text, sql):
        self.problems += [f"{invariant}: {text}: {' '.join(row)}" for row in self.rows(sql)[:10]]

    def check(self):
        for part in (self.quota, self.claims, self.operations, self.objects, self.attachments, self.capacity, self.events, self.members):
            part()
        return self.problems

    def quota(self):
        """I1, I2"""
        used = {}
        for table, volumes in (("volume", 1), ("snapshot", 0)):
            for project, type_, gib in self.rows(f"SELECT charged_project, charged_type, charged_gib FROM {table} WHERE charged_project IS NOT NULL"):
                for scope in ("", type_):
                    amount = used.setdefault((project, scope), [0, 0, 0])
                    amount[0 if volumes else 2] += 1
                    amount[1] += int(gib)
        rows = self.rows("SELECT project_id, scope, volumes, gigabytes, snapshots FROM quota_usage")
        found = {(row[0], row[1]): [int(cell) for cell in row[2:]] for row in rows}
        for key in set(used) | {key for key, amount in found.items() if any(amount)}:
            if used.get(key) != found.get(key):
                self.problems.append(f"I1: quota of {key} is {found.get(key)}, its rows say {used.get(key)}")
        self.problems += [f"I2: negative quota of {key}" for key, amount in found.items() if min(amount) < 0]

    def claims(self):
        """I3, I4"""
        for table in ("volume", "snapshot", "attachment"):
            self.none("I3", f"a {table} is held by no live operation", f"SELECT id, x_op FROM {table} WHERE x_op IS NOT NULL AND x_op NOT IN (SELECT id FROM operation WHERE state IN {LIVE})")
            self.none("I4", f"a {table} counts readers", f"SELECT id, s_ops FROM {table} WHERE s_ops <> (SELECT count(*) FROM op_res r JOIN operation o ON o.id = r.op "
                      f"WHERE r.rid = {table}.id AND r.rtype = '{table}' AND r.mode = 'S' AND o.state IN {LIVE})")
        for table in ("volume", "snapshot"):
            self.none("I3", f"a {table} is at work for nobody", f"SELECT id, status FROM {table} WHERE x_op IS NULL AND status IN "
                      "('creating', 'deleting', 'extending', 'reverting', 'retyping', 'downloading', 'attaching', 'detaching')")
        self.none("I4", "a claim of an operation that has ended", f"SELECT r.op, r.rid FROM op_res r JOIN operation o ON o.id = r.op WHERE o.state NOT IN {LIVE}")
        for child in ("snapshot", "attachment"):
            self.none("I4", f"a volume counts its {child}s", f"SELECT id, {child}s FROM volume WHERE {child}s <> (SELECT count(*) FROM {child} c WHERE c.volume_id = volume.id)")

    def operations(self):
        """I5, I6, I7"""
        self.none("I7", "an operation is not at its end", f"SELECT id, kind, state FROM operation WHERE state IN {LIVE} AND kind NOT LIKE 'reconcile%'")
        self.none("I5", "an operation at its end has an owner", f"SELECT id, owner FROM operation WHERE state NOT IN {LIVE} AND owner IS NOT NULL")
        self.none("I7", "an operation is dead", "SELECT id, kind, err_text FROM operation WHERE state = 'dead'")
        for id_, history in self.rows("SELECT id, history FROM operation"):
            epochs = [step["epoch"] for step in json.loads("[" + history.rstrip(",") + "]")]
            if epochs != sorted(epochs):
                self.problems.append(f"I5: operation {id_} went back to an older epoch: {history}")

    def objects(self):
        """I8, I9"""
        for section, there in self.listings.items():
            ledger = {row[0]: row[1] for row in self.rows(f"SELECT name, state FROM backend_object WHERE backend LIKE '%@{section}'")}
            for name in sorted(there):
                if ledger.get(name) != "published":
                    self.problems.append(f"I8: {section}/{name} exists, the ledger says {ledger.get(name)}")
            self.problems += [f"I8: {section}/{name} is {state} and is not there" for name, state in sorted(ledger.items())
                              if state in ("published", "present") and name not in there]
            self.problems += [f"I8: {section}/{name} is {state} at rest" for name, state in sorted(ledger.items()) if state in ("intended", "doomed")]
        for table in ("volume", "snapshot"):
            self.none("I8", f"a {table} without a published object", f"SELECT t.id, t.status FROM {table} t LEFT JOIN backend_object b ON b.backend = t.backend AND b.name = t.provider_name "
                      "WHERE t.status IN ('available', 'in-use') AND COALESCE(b.state, '') <> 'published'")
        self.none("I9", "an object hangs on one that is gone", "SELECT c.name, b.name FROM backend_object c JOIN backend_object b ON b.backend = c.backend AND b.name = c.base "
                  "WHERE c.state = 'published' AND b.state = 'gone'")

    def attachments(self):
        """I11, I12"""
        self.none("I11", "in use by nobody", "SELECT id FROM volume WHERE status = 'in-use' AND id NOT IN (SELECT volume_id FROM attachment WHERE attach_status = 'attached')")
        self.none("I11", "available and attached", "SELECT id FROM volume WHERE status = 'available' AND id IN (SELECT volume_id FROM attachment WHERE attach_status = 'attached')")
        self.none("I12", "a snapshot of nothing", "SELECT id FROM snapshot WHERE volume_id NOT IN (SELECT id FROM volume)")

    def capacity(self):
        """I15"""
        for backend, pool, promised, volumes in ints(self.rows("SELECT backend, name, allocated_bytes, volumes FROM pool")):
            taken = ints(self.rows(f"SELECT COALESCE(sum(object_bytes), 0), count(*) FROM volume WHERE backend = '{backend}' AND pool = '{pool}'"))[0]
            if taken != [promised, volumes]:
                self.problems.append(f"I15: pool {backend}#{pool} promises {[promised, volumes]}, its volumes take {taken}")

    def events(self):
        """I17: exactly one start and one end for each operation that has ended and speaks of itself"""
        self.none("I17", "start and end events", "SELECT o.id, o.kind, o.state, e.started, e.ended FROM operation o JOIN (SELECT op, "
                  "sum(CASE WHEN id LIKE '%.start' THEN 1 ELSE 0 END) AS started, sum(CASE WHEN id LIKE '%.end' THEN 1 ELSE 0 END) AS ended FROM outbox WHERE op IS NOT NULL GROUP BY op) e "
                  "ON e.op = o.id WHERE e.started > 1 OR e.ended > 1 OR (o.state IN ('succeeded', 'failed') AND e.started = 1 AND e.ended <> 1)")

    def members(self):
        """I18"""
        self.none("I18", "work of a dead node", "SELECT id, owner FROM operation WHERE state = 'running' AND owner NOT IN (SELECT inc FROM node WHERE state IN ('up', 'draining'))")
        self.none("I16", "a stale generation", "SELECT o.id FROM operation o JOIN backend b ON b.name = o.backend WHERE o.state = 'running' AND o.backend_gen <> b.gen")
