"""Cascades, force, repeated requests, limits and watching, with stock clients and plain HTTP against a running service."""
import json
import subprocess
import threading
import urllib.error
import urllib.request

import pytest

from test_walk import scoria  # noqa: F401  (the fixture)


def scoria_call(service, method, path, body=None, **headers):
    token = getattr(service, "_token", None) or service.token()
    request = urllib.request.Request(f"http://127.0.0.1:{service.port}{path}", method=method, data=None if body is None else json.dumps(body).encode(),
                                     headers={"X-Auth-Token": token["id"], "Content-Type": "application/json", "OpenStack-API-Version": "volume 3.71", **headers})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            text = answer.read()
            return answer.status, json.loads(text) if text else None
    except urllib.error.HTTPError as refused:
        text = refused.read()
        return refused.code, json.loads(text) if text else None


def test_a_cascade_deletes_a_volume_and_its_snapshots(scoria):  # noqa: F811
    for program, words in (("openstack", ["volume", "delete", "--purge"]), ("cinder", ["delete", "--cascade"])):
        scoria.json("volume", "create", "--size", "1", "tree")
        volume = scoria.wait("volume", "tree")
        for name in ("one", "two"):
            scoria.call("POST", "/snapshots", {"snapshot": {"volume_id": volume["id"], "name": name}})
            scoria.wait("snapshot", name)
        status, refused = scoria_call(scoria, "DELETE", f"/v3/volumes/{volume['id']}")
        assert status == 400 and "2 snapshots" in refused["badRequest"]["message"]
        scoria.client(*words, volume["id"], program=program)
        scoria.wait("volume", "tree", "gone")
        assert scoria.call("GET", "/snapshots")["snapshots"] == []
    assert scoria.call("GET", "/limits")["limits"]["absolute"]["totalGigabytesUsed"] == 0


def test_one_request_sent_often_makes_one_volume(scoria):  # noqa: F811
    scoria.token()
    answers = []
    send = lambda: answers.append(scoria_call(scoria, "POST", "/v3/volumes", {"volume": {"size": 1, "name": "once"}}, **{"Idempotency-Key": "k-1"}))  # noqa: E731
    threads = [threading.Thread(target=send) for _ in range(8)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert {status for status, _ in answers} == {202}
    assert len({body["volume"]["id"] for _, body in answers}) == 1
    status, refused = scoria_call(scoria, "POST", "/v3/volumes", {"volume": {"size": 2}}, **{"Idempotency-Key": "k-1"})
    assert status == 409 and "Idempotency-Key" in refused["conflictingRequest"]["message"]
    scoria.wait("volume", "once")
    assert len(scoria.call("GET", "/volumes")["volumes"]) == 1


def limits_of(service, attachment):
    """What the daemon that serves an NBD export keeps."""
    record = next(path for path in service.directory.glob("x/**/*") if path.is_file() and attachment in path.read_text(errors="ignore"))
    return record.read_text()


@pytest.mark.quiet
def test_limits_of_a_type_reach_exports_and_follow_changes(scoria):  # noqa: F811
    scoria.json("volume", "qos", "create", "slow", "--consumer", "both", "--property", "total_iops_sec_per_gb=50")
    scoria.json("volume", "type", "create", "slow")
    scoria.client("volume", "qos", "associate", "slow", "slow")
    assert scoria.json("volume", "qos", "show", "slow")["associations"] == ["slow"]
    scoria.json("volume", "create", "--size", "1", "--type", "slow", "limited")
    volume = scoria.wait("volume", "limited")
    attachment = scoria.call("POST", "/attachments", {"attachment": {"volume_uuid": volume["id"], "connector": {"host": "here", "scoria_transport": "nbd+unix"}}})["attachment"]
    assert attachment["connection_info"]["qos_specs"] == {"total_iops_sec": "50"}
    scoria.call("POST", f"/attachments/{attachment['id']}/action", {"os-complete": {}})
    uri = attachment["connection_info"]["uri"]

    def writes_per_second(seconds=2):
        done = subprocess.run(["/usr/bin/timeout", str(seconds), "/usr/bin/python3", "-m", "nbd", "-u", uri, "-c", "n=0\nwhile True:\n  h.pwrite(b'x'*4096, 4096*(n%1000)); n+=1; print(n, flush=True)"],
                              capture_output=True, text=True)
        lines = done.stdout.split()
        assert lines, done.stderr
        return int(lines[-1]) / seconds

    assert writes_per_second(4) < 120
    scoria.client("volume", "qos", "set", "slow", "--property", "total_iops_sec_per_gb=400")
    scoria.call("POST", f"/volumes/{volume['id']}/action", {"os-extend": {"new_size": 2}})
    grown = scoria.wait("volume", "limited", "in-use")
    assert grown["size"] == 2
    deadline = 20
    while subprocess.run(["nbdinfo", "--size", uri], capture_output=True, text=True).stdout.strip() != str(2 << 30):
        deadline -= 1
        assert deadline > 0, "the host does not see the new size"
    import time
    time.sleep(2.5)  # limits are looked at each second
    assert writes_per_second(3) > 200
    scoria.call("DELETE", f"/attachments/{attachment['id']}")


def test_operations_can_be_watched_to_their_end(scoria):  # noqa: F811
    token = scoria.token()
    request = urllib.request.Request(f"http://127.0.0.1:{scoria.port}/scoria/v1/watch?seconds=20", headers={"X-Auth-Token": token["id"]})
    seen = []

    def read():
        with urllib.request.urlopen(request, timeout=30) as answer:
            for line in answer:
                seen.append(json.loads(line))
                if seen[-1]["state"] == "succeeded":
                    return

    reader = threading.Thread(target=read)
    reader.start()
    volume = scoria.call("POST", "/volumes", {"volume": {"size": 1, "name": "watched"}})["volume"]
    reader.join(20)
    assert seen and seen[-1]["state"] == "succeeded" and seen[-1]["resource_id"] == volume["id"], seen
    status, refused = scoria_call(scoria, "POST", f"/scoria/v1/operations/{seen[-1]['id']}/abandon")
    assert status == 409 and "already ended" in refused["conflictingRequest"]["message"]
    one = urllib.request.Request(f"http://127.0.0.1:{scoria.port}/scoria/v1/operations/{seen[-1]['id']}/watch", headers={"X-Auth-Token": token["id"]})
    with urllib.request.urlopen(one, timeout=30) as answer:
        assert [json.loads(line)["state"] for line in answer] == ["succeeded"]
