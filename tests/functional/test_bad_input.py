"""Every request sample of the API reference, broken in one place at a time, against a running service: each answer is a clear
4xx, none is a failure of ours, and nothing is made or changed."""
import collections
import copy
import csv
import json
import pathlib
import re
import urllib.error
import urllib.request

import pytest

from node import wait_until
from test_walk import Scoria, scoria  # noqa: F401  (the fixture)

SAMPLES = pathlib.Path(__file__).resolve().parent.parent / "compat/samples"
# What no field takes, whatever it is: an object in an object, a list of lists, a fraction, a text without end.
WRONG = {"object": {"a": {"b": 1}}, "list": [[1]], "fraction": 1.5, "endless": "x" * 70000}
# Objects that take anything by their nature: hypervisors' connectors, hints, whatever administrators write.
OPEN = re.compile(r"connector|^backup-record|^ref$|\bref\b")
# Fields that nobody reads, or where a name nobody bears is taken, as in Cinder: nothing about them can be wrong.
UNREAD = re.compile(r"^os-force_delete$|^os-show_image_metadata$|OS-SCH-HNT|scheduler_hints|^os-(reserve|unreserve|roll_detaching|begin_detaching)$|^os-force_detach\.attachment_id$|connector\.(platform|os_type|multipath|do_local_attach)")


def paths(value, at=()):
    """Where a value has members that are no objects, and its objects themselves."""
    if isinstance(value, dict):
        for key, member in value.items():
            yield at + (key,)
            yield from paths(member, at + (key,))


def changed(body, path, value=None, remove=False):
    out = copy.deepcopy(body)
    holder = out
    for key in path[:-1]:
        holder = holder[key]
    if remove:
        del holder[path[-1]]
    else:
        holder[path[-1]] = value
    return out


class Target:
    """A service with one of everything, so that requests come as far as they can."""

    def __init__(self, service):
        self.service = service
        self.token = service.token()
        volume = service.call("POST", "/volumes", {"volume": {"size": 1, "name": "target"}})["volume"]["id"]
        service.wait("volume", "target")
        snapshot = service.call("POST", "/snapshots", {"snapshot": {"volume_id": volume, "name": "target"}})["snapshot"]["id"]
        service.wait("snapshot", "target")
        other = service.call("POST", "/volumes", {"volume": {"size": 1, "name": "other"}})["volume"]["id"]
        service.wait("volume", "other")
        attachment = service.call("POST", "/attachments", {"attachment": {"volume_uuid": other, "instance_uuid": "11111111-2222-4333-8444-555555555555"}})["attachment"]["id"]
        type_id = service.call("POST", "/types", {"volume_type": {"name": "target"}})["volume_type"]["id"]
        qos = service.call("POST", "/qos-specs", {"qos_specs": {"name": "target"}})["qos_specs"]["id"]
        self.ids = {"volume_id": volume, "snapshot_id": snapshot, "attachment_id": attachment, "type_id": type_id, "volume_type_id": type_id, "qos_id": qos,
                    "project_id": self.token["project_id"], "admin_project_id": self.token["project_id"]}

    def send(self, method, path, version, body):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        path = re.sub(r"\{(\w+)\}", lambda name: self.ids.get(name[1], "zz-nothing"), path)
        request = urllib.request.Request(f"http://127.0.0.1:{self.service.port}{path}", method=method, data=data,
                                         headers={"X-Auth-Token": self.token["id"], "Content-Type": "application/json",
                                                  "OpenStack-API-Version": f"volume {version or '3.71'}"})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read()

    def everything(self):
        get = self.service.call
        return {what: sorted(row["id"] for row in get("GET", path)[key]) for what, path, key in [
            ("volumes", "/volumes", "volumes"), ("snapshots", "/snapshots", "snapshots"), ("attachments", "/attachments", "attachments"),
            ("types", "/types", "volume_types"), ("qos", "/qos-specs", "qos_specs")]}


def samples():
    with open(SAMPLES / "index.csv") as index:
        for row in csv.DictReader(index):
            body = json.loads((SAMPLES / row["file"]).read_text())
            if isinstance(body, dict):
                yield row, body


def test_a_sample_with_one_field_broken_is_refused_clearly_and_makes_nothing(scoria):  # noqa: F811
    target = Target(scoria)
    before = target.everything()
    count, failures, taken, unclear = collections.Counter(), [], [], []
    for row, body in samples():
        for path in (path for path in paths(body) if not UNREAD.search(".".join(path))):
            for name, wrong in WRONG.items():
                broken = changed(body, path, wrong)
                status, answer = target.send(row["method"], row["path"], row["microversion"], broken)
                count[status] += 1
                what = f"{row['file']}: {'.'.join(path)} = {name}: {status} {answer[:200]!r}"
                if status >= 500 and status != 501:
                    failures.append(what)
                elif status < 400 and not OPEN.search(".".join(path)):
                    taken.append(what)
                elif status in (400, 404, 409, 413):
                    told = next(iter(json.loads(answer).values()), {})
                    if told.get("code") != status or len(told.get("message", "")) < 10:
                        unclear.append(what)
    print("answers:", dict(sorted(count.items())), "of", sum(count.values()))
    assert not failures, "\n".join(failures[:20])
    assert not taken, f"{len(taken)} were accepted\n" + "\n".join(taken[:20])
    assert not unclear, "\n".join(unclear[:20])
    assert count[400] > 500
    assert target.everything() == before


def test_bodies_that_are_no_requests_are_refused(scoria):  # noqa: F811
    target = Target(scoria)
    before = target.everything()
    bodies = [b"", b"{", b"[]", b"null", b"1", b'"text"', b"{}", b'{"volume": null}', b"\xff\xfe", b'{"volume": {"name": "\\u0000"}}',
              b"[" * 5000, b'{"a":' * 5000, b'{"volume": {"size": 1e400}}', b'{"volume": {"size": 99999999999999999999}}', b"x" * 200000]
    count = collections.Counter()
    for row, _ in samples():
        for body in bodies:
            status, answer = target.send(row["method"], row["path"], row["microversion"], body)
            count[status] += 1
            assert status < 500 or status == 501, (row["file"], body[:40], status, answer)
            assert status >= 400 or row["file"].startswith(("os-complete", "attachment-complete")) or not body.strip(b"{}nul"), (row["file"], body[:40], status)
    print("answers:", dict(sorted(count.items())))
    assert {key: len(value) for key, value in target.everything().items()} == {key: len(value) for key, value in before.items()}
