"""Pins and the gate of an upgrade on one node, whose database is made to look as an older or a newer release left it. The real thing, with
releases that differ, is tests/upgrade/run.py."""
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import tempfile

import pytest

from deployment import one_node
from node import BINARY, Node, ask, wait_until

pytestmark = one_node("has a node and an older database of its own")

PROJECT = "0123456789abcdef0123456789abcdef"
HEADERS = {"X_Auth_Token": f"admin:{PROJECT}", "OpenStack_API_Version": "volume 3.59"}


@pytest.fixture
def node():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="scoria-up-"))
    made = Node(folder, "DEFAULT.auth_strategy=noauth", f"exports.state_directory={folder}/x")
    yield made
    made.stop()
    shutil.rmtree(folder)


def change(node, sql):
    with sqlite3.connect(node.folder / "scoria.sqlite", timeout=20) as connection:
        connection.execute(sql)
    connection.close()


def call(node, method, path, body=None):
    return ask(method, node.url + path, body, **HEADERS)


def upgrade(node):
    return call(node, "GET", "/scoria/v1/upgrade").json()["upgrade"]


def scoria(node, *words):
    settings = [word for setting in node.settings for word in ("--set", setting)]
    return subprocess.run([BINARY, *words, *settings], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)


def snapshot(node, volume):
    return call(node, "POST", f"/v3/{PROJECT}/snapshots", {"snapshot": {"volume_id": volume}})


def test_what_is_new_waits_until_the_upgrade_is_finalised(node):
    node.start()
    assert upgrade(node)["state"] == "finalised"
    volume = call(node, "POST", f"/v3/{PROJECT}/volumes", {"volume": {"size": 1}}).json()["volume"]["id"]
    wait_until(lambda: call(node, "GET", f"/v3/{PROJECT}/volumes/{volume}").json()["volume"]["status"] == "available")
    # As after an upgrade from a release that had no snapshots. Nobody tells the node but SIGHUP.
    change(node, "DELETE FROM pin WHERE name = 'kind:snapshot.create'")
    node.process.send_signal(signal.SIGHUP)
    refused = wait_until(lambda: next((reply for reply in [snapshot(node, volume)] if reply.status == 409), None), seconds=3)
    assert "once the upgrade is finalised" in refused.json()["conflictingRequest"]["message"]
    assert upgrade(node)["state"] == "not finalised" and upgrade(node)["gated"] == ["kind:snapshot.create: not yet"]
    assert upgrade(node)["obstacles"] == []
    done = call(node, "POST", "/scoria/v1/upgrade", {})
    assert done.status == 200 and done.json()["upgrade"]["state"] == "finalised"
    wait_until(lambda: call(node, "GET", f"/v3/{PROJECT}/volumes/{volume}").json()["volume"]["status"] == "available")
    assert snapshot(node, volume).status == 202


def test_a_release_that_was_left_behind_says_so_and_does_not_start(node):
    node.start()
    node.stop()
    change(node, "UPDATE pin SET version = 9 WHERE name = 'kind:volume.extend'")
    change(node, "UPDATE upgrade SET release = '9.0.0'")
    refused = scoria(node, "serve")
    assert refused.returncode == 1
    assert "finalised at release 9.0.0; release 0.1.0 of this program cannot read what it writes: volume.extend version 9 (known: 1)" in refused.stderr
    asked = scoria(node, "admin", "upgrade", "status")
    assert "A node of this program would not be let in: This deployment was finalised at release 9.0.0" in asked.stdout
    assert scoria(node, "admin", "upgrade", "finalize").returncode == 4
    change(node, "UPDATE pin SET version = 1 WHERE name = 'kind:volume.extend'")
    node.start()


def test_with_no_node_up_the_new_program_finalises_by_itself(node):
    node.start()
    node.stop()
    change(node, "UPDATE pin SET version = 0 WHERE name = 'kind:volume.extend'")
    assert "Not finalised" in scoria(node, "admin", "upgrade", "status").stdout
    done = scoria(node, "admin", "upgrade", "finalize")
    assert done.returncode == 0 and "Finalised at release 0.1.0" in done.stdout, done.stdout + done.stderr


def test_an_operation_of_a_newer_version_says_what_it_waits_for(node):
    node.start()
    change(node, "INSERT INTO operation (id, kind, ver, queue, project_id, user_id, request_id, resource_type, resource_id, state, prio, run_at, step, input, ctx, created_at, "
                 f"updated_at) VALUES ('0e3c', 'volume.extend', 7, 'scheduler', '{PROJECT}', 'u', 'r', 'volume', 'v', 'ready', 0, 1, 'reserve', '{{}}', '{{}}', 1, 1)")
    operation = wait_until(lambda: next((one for one in [call(node, "GET", "/scoria/v1/operations/0e3c").json()["operation"]] if one.get("reason")), None))
    assert operation["reason"] == "waits for a node that knows version 7 of volume.extend"
    change(node, "DELETE FROM operation WHERE id = '0e3c'")
