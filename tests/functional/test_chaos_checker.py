"""The checker of tests/faults/chaos.py itself: a recorded run that it accepts, and the same run with one fault planted in what clients
saw, in the database, on the storage or in the array's log: each is refused for the reason named. The run is recorded anew by
  tests/faults/chaos.py --layout sqlite --nemeses kill,backend --seconds 12 --rate 6 --record tests/faults/recorded.tar.xz"""
import copy
import pathlib
import sqlite3
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/faults"))

import ledger  # noqa: E402
from judge import Record  # noqa: E402
from deployment import one_node  # noqa: E402

pytestmark = one_node("a checker without nodes")

RECORDED = ROOT / "tests/faults/recorded.tar.xz"


class Run:
    """A copy of the recorded run, to be spoilt."""

    def __init__(self, directory):
        self.database, self.record = directory / "database.sqlite", Record.load(RECORDED, directory)

    def sql(self, statement, *values):
        with sqlite3.connect(self.database) as connection:
            assert connection.execute(statement, values).rowcount == 1

    def row(self, statement):
        with sqlite3.connect(self.database) as connection:
            return connection.execute(statement).fetchone()

    def call(self, want):
        return next(call for call in self.record.calls if want(call))

    def shared(self):
        return {volume.id for volume in self.record.volumes}

    def shown(self):
        """A show of a shared volume that was answered."""
        return self.call(lambda call: call.method == "GET" and call.kind == "ok" and call.path[9:] in self.shared() and call.reply["volume"]["metadata"])


@pytest.fixture
def run(tmp_path):
    return Run(tmp_path)


def refused(run, reason):
    problems, _, _ = run.record.judge()
    assert problems and any(reason in problem for problem in problems), problems


def test_the_run_as_it_was_is_accepted(run):
    problems, explained, _ = run.record.judge()
    assert problems == []
    assert explained > 30


def test_a_size_that_never_was_is_refused(run):
    run.shown().reply["volume"]["size"] += 7
    refused(run, "no order")


def test_a_lost_update_of_metadata_is_refused(run):
    run.shown().reply["volume"]["metadata"] = {}
    refused(run, "no order")


def test_a_deleted_volume_that_is_seen_again_is_refused(run):
    gone = run.call(lambda call: call.method == "GET" and call.status == 404 and call.path[9:] in run.shared())
    seen = copy.deepcopy(run.shown())
    seen.number, seen.path, seen.begun, seen.back = 10**9, gone.path, gone.back + 1, gone.back + 2
    run.record.calls.append(seen)
    refused(run, "no order")


def test_an_accepted_call_that_was_lost_is_refused(run):
    accepted = run.call(lambda call: call.method == "POST" and call.path == "/volumes" and call.kind == "ok")
    run.sql("DELETE FROM operation WHERE request_id = ?", accepted.request_id)
    refused(run, "has 0 operations")


def test_a_call_that_was_done_twice_is_refused(run):
    first, second = [call.request_id for call in run.record.calls if call.method == "POST" and call.path == "/volumes" and call.kind == "ok"][:2]
    run.sql("UPDATE operation SET request_id = ? WHERE request_id = ?", first, second)
    refused(run, "has 2 operations")


def test_a_refused_call_that_had_an_effect_is_refused(run):
    call = run.call(lambda call: call.path.endswith("/action") and "os-extend" in (call.body or {}) and call.kind == "ok" and call.path.split("/")[2] in run.shared())
    call.kind, call.status = "fail", 400
    refused(run, "was refused and has 1 operations")


def test_a_wrong_quota_is_refused(run):
    run.sql("UPDATE quota_usage SET gigabytes = gigabytes + 1 WHERE scope = ''")
    refused(run, "I1")


def test_a_volume_at_work_for_nobody_is_refused(run):
    run.sql("UPDATE volume SET status = 'extending' WHERE id = (SELECT min(id) FROM volume WHERE status = 'available')")
    refused(run, "I3")


def test_an_older_epoch_that_committed_is_refused(run):
    id_, history = run.row("SELECT id, history FROM operation WHERE history LIKE '%epoch%epoch%' ORDER BY seq LIMIT 1")
    run.sql("UPDATE operation SET history = ? WHERE id = ?", history.replace('"epoch":1', '"epoch":9', 1), id_)
    refused(run, "I5")


def test_an_object_that_leaked_is_refused(run):
    run.record.listings["array"].add("volume-nobody")
    refused(run, "I8: array/volume-nobody exists")


def test_an_object_that_was_lost_is_refused(run):
    run.record.listings["plain"].pop()
    refused(run, "is published and is not there")


def test_a_promise_of_a_pool_that_nobody_took_is_refused(run):
    run.sql("UPDATE pool SET allocated_bytes = allocated_bytes + 512 WHERE backend LIKE '%@array'")
    refused(run, "I15")


def test_an_end_event_that_came_twice_is_refused(run):
    run.sql("UPDATE outbox SET id = id || 'x.end', op = (SELECT max(op) FROM outbox WHERE id LIKE '%.end' AND op <> outbox.op) "
            "WHERE seq = (SELECT min(seq) FROM outbox WHERE id LIKE '%.end')")
    refused(run, "I17")


def test_a_published_object_that_was_destroyed_is_refused(run):
    made = next(line for line in run.record.oracle_lines if line["changed"] and line["object"] in run.record.listings["array"])
    run.record.oracle_lines.append({**made, "method": "remove"})
    refused(run, "was destroyed")


def test_a_ghost_that_changed_what_its_successor_had_made_is_refused(run):
    made = next(line for line in run.record.oracle_lines if line["changed"] and line["object"] in run.record.listings["array"] and line["operation"])
    run.record.oracle_lines += [{**made, "epoch": made["epoch"] + 1, "changed": False}, {**made, "method": "extend"}]
    refused(run, "I10")


def test_the_page_has_the_table_of_the_ledger():
    assert ledger.written(ledger.PAGE.read_text()) == ledger.table(ledger.read()), "run tests/faults/ledger.py --write"
