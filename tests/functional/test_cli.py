"""Scoria's own client: the real binary against a real node, every noun and verb, with the errors and exit codes of docs/reference/cli.md."""
import json
import os
import pathlib
import pty
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

import pytest

from deployment import deployment, one_node
from node import BINARY, ROOT, Node, wait_until

sys.path.insert(0, str(ROOT / "tests/faults"))

from array_process import LocalArray  # noqa: E402

DONE, FAILED, USAGE, NOT_FOUND, CONFLICT, DENIED, QUOTA, RUNNING, UNREACHABLE, INTERRUPTED = 0, 1, 2, 3, 4, 5, 6, 7, 8, 130


@pytest.fixture(scope="module")
def node():
    # Sockets of exports want a short path. The backend "slow" takes its time, so that there is something to wait for.
    folder = pathlib.Path(tempfile.mkdtemp(prefix="scoria-cli-"))
    array = LocalArray(folder / "array")  # every node reaches it
    array.control("faults", {"latency_ms": [2000, 2000]})
    settings = [f"exports.state_directory={folder}/x", "DEFAULT.report_interval=1", "DEFAULT.enabled_backends=file,slow", "file.volume_backend_name=file",
                "slow.volume_backend_name=slow", *[f"slow.{key}={value}" for key, value in array.settings().items()], "engine.failpoints=true"]
    with deployment(folder, *settings) as running:
        scoria(running, "type", "create", "slow", "--property", "volume_backend_name=slow")
        scoria(running, "type", "create", "quick", "--property", "volume_backend_name=file")
        wait_until(lambda: "@slow#" in scoria(running, "pool", "list"))  # it tells of its pools as slowly
        yield running
    array.end()
    shutil.rmtree(folder)


def environment_of(node, **more):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OS_")}
    return {**kept, "OS_CLIENT_CONFIG_FILE": str(node.folder / "clouds.yaml"), "LC_ALL": "C.UTF-8", **more}


def run(node, *words, **more):
    return subprocess.run([BINARY, *map(str, words)], env=environment_of(node, **more), capture_output=True, text=True, timeout=60)


def scoria(node, *words, code=DONE, **more):
    """What a command prints: on standard output when it is done, else on standard error."""
    done = run(node, *words, **more)
    assert done.returncode == code, f"scoria {' '.join(map(str, words))}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout if code == DONE else done.stderr


def told(node, *words):
    return json.loads(scoria(node, *words, "-o", "json"))


def value(node, *words, column="id"):
    return scoria(node, *words, "-o", "value", "-c", column).strip()


def rows(text):
    """The lines of a table below its titles."""
    return [re.split(r"  +", line.strip()) for line in text.splitlines()[1:]]


@pytest.fixture(scope="module")
def volume(node):
    scoria(node, "volume", "create", "kept", "--size", "1G", "--type", "quick", "--wait")
    return "kept"


def test_a_volume_is_created_shown_changed_and_deleted(node):
    made = scoria(node, "volume", "create", "first", "--size", "1G", "--type", "quick", "--description", "mine", "--property", "a=1", "--property", "b=2", "--wait")
    sheet = dict(re.split(r"  +", line, maxsplit=1) for line in made.splitlines())
    assert (sheet["name"], sheet["status"], sheet["size"], sheet["type"], sheet["properties"]) == ("first", "available", "1 GiB", "quick", "a=1, b=2")
    assert [sheet["id"], "first", "available", "1 GiB", "quick", "-"] in rows(scoria(node, "volume", "list"))
    assert value(node, "volume", "show", sheet["id"][:8]) == sheet["id"]
    scoria(node, "volume", "set", "first", "--name", "second", "--property", "c=3", "--bootable", "--read-only")
    scoria(node, "volume", "unset", "second", "--property", "a")
    shown = told(node, "volume", "show", "second")
    assert (shown["id"], shown["bootable"], shown["description"]) == (sheet["id"], "true", "mine")
    assert {key: shown["metadata"].get(key) for key in "abc"} == {"a": None, "b": "2", "c": "3"}
    assert shown["metadata"]["readonly"] == "True"
    assert "2 GiB" in scoria(node, "volume", "extend", "second", "2G", "--wait")
    scoria(node, "volume", "delete", "second", "--wait")
    assert "no volume 'second'" in scoria(node, "volume", "show", "second", code=NOT_FOUND)


def test_snapshots_and_what_is_made_of_them(node, volume):
    snapshot = value(node, "snapshot", "create", volume, "--name", "point", "--description", "d", "--wait")
    assert [row[0] for row in rows(scoria(node, "snapshot", "list", "--volume", volume))] == [snapshot]
    scoria(node, "snapshot", "set", "point", "--name", "moment", "--property", "k=v")
    assert told(node, "snapshot", "show", "moment")["metadata"] == {"k": "v"}
    scoria(node, "snapshot", "unset", "moment", "--property", "k")
    assert told(node, "snapshot", "show", snapshot)["metadata"] == {}
    assert told(node, "volume", "create", "copy", "--snapshot", "moment", "--wait")["snapshot_id"] == snapshot
    assert told(node, "volume", "create", "clone", "--source", "copy", "--wait")["status"] == "available"
    assert told(node, "volume", "revert", volume, "moment", "--wait")["status"] == "available"
    refused = scoria(node, "volume", "delete", volume, code=CONFLICT)
    assert "has 1 snapshots" in refused and "--cascade deletes them too" in refused
    scoria(node, "volume", "delete", "copy", "clone", "--wait")
    scoria(node, "snapshot", "delete", "moment", "--wait")
    assert scoria(node, "snapshot", "list") == ""


def test_delete_with_cascade_takes_the_snapshots(node):
    scoria(node, "volume", "create", "tree", "--size", "1", "--type", "quick", "--wait")
    scoria(node, "snapshot", "create", "tree", "--name", "leaf", "--wait")
    scoria(node, "volume", "delete", "tree", "--cascade", "--wait")
    assert "tree" not in scoria(node, "volume", "list") and "leaf" not in scoria(node, "snapshot", "list")


def test_attach_prints_what_a_host_opens_and_nothing_else(node, volume):
    uri = scoria(node, "attach", volume, "--transport", "nbd+unix").strip()
    assert uri.startswith("nbd+unix://") and "\n" not in uri
    attachment = value(node, "attachment", "list", "--volume", volume)
    assert [attachment, "attached"] == rows(scoria(node, "attachment", "list"))[0][:2]
    assert uri in scoria(node, "attachment", "show", attachment)
    assert told(node, "volume", "show", volume)["status"] == "in-use"
    assert "-> `scoria detach VOLUME`" in scoria(node, "volume", "delete", volume, code=CONFLICT)
    scoria(node, "detach", volume)
    assert "is not attached" in scoria(node, "detach", volume, code=CONFLICT)
    assert scoria(node, "attachment", "list") == ""


def test_an_attachment_in_two_steps_read_only(node, volume):
    made = told(node, "attachment", "create", volume, "--transport", "nbd+unix", "--host", "elsewhere", "--read-only")
    assert made["status"] == "attaching" and made["attach_mode"] == "ro"
    scoria(node, "attachment", "complete", made["id"])
    assert told(node, "attachment", "show", made["id"])["status"] == "attached"
    scoria(node, "attachment", "delete", made["id"])
    assert told(node, "volume", "show", volume)["status"] == "available"


def test_types_and_who_may_use_them(node):
    made = told(node, "type", "create", "gold", "--private", "--property", "tier=1", "--description", "the best")
    assert made["extra_specs"] == {"tier": "1"} and made["is_public"] is False
    scoria(node, "type", "set", "gold", "--name", "golden", "--property", "more=2", "--project", "admin")
    scoria(node, "type", "unset", "golden", "--property", "tier", "--project", "admin")
    assert ["golden", "no", "more=2", "the best"] in [row[1:] for row in rows(scoria(node, "type", "list"))]
    scoria(node, "type", "delete", "golden")
    assert "no type 'golden'" in scoria(node, "type", "show", "golden", code=NOT_FOUND)


def test_quotas(node):
    scoria(node, "quota", "set", "--volumes", "50", "--gigabytes", "unlimited")
    shown = {row[0]: row[1:] for row in rows(scoria(node, "quota", "show"))}
    assert shown["volumes"][0] == "50" and shown["gigabytes"][0] == "unlimited" and len(shown["volumes"]) == 2
    scoria(node, "quota", "set", "admin", "--volumes", "33", "--type", "quick")
    assert told(node, "quota", "show", "admin")["volumes_quick"]["limit"] == 33
    assert "limit" in scoria(node, "quota", "set", "--volumes", "many", code=FAILED)
    scoria(node, "quota", "unset")
    assert told(node, "quota", "show")["volumes"]["limit"] == told(node, "quota", "show", "--defaults")["volumes"]
    refused = scoria(node, "volume", "create", "big", "--size", "50T", code=QUOTA)
    assert "quota" in refused.lower() and "-> `scoria quota show`" in refused


def test_services_pools_and_messages(node):
    host = next(row["host"] for row in told(node, "service", "list") if row["host"].endswith("@file"))
    scoria(node, "service", "set", host, "--disable", "--reason", "paint")
    assert "paint" in scoria(node, "service", "list") and "paint" in scoria(node, "service", "show", host)
    scoria(node, "service", "set", host, "--enable")
    assert "paint" not in scoria(node, "service", "list")
    pools = rows(scoria(node, "pool", "list"))
    assert any(row[0].endswith("@file#pool") and row[1].endswith(("GiB", "TiB")) for row in pools), pools
    scoria(node, "type", "create", "nowhere", "--property", "volume_backend_name=none")
    refused = scoria(node, "volume", "create", "homeless", "--size", "1", "--type", "nowhere", "--wait", code=QUOTA)
    assert "volume.create failed" in refused
    volume = value(node, "volume", "show", "homeless")
    message = value(node, "message", "list").splitlines()[0]
    assert volume in scoria(node, "message", "show", message)
    scoria(node, "message", "delete", message)
    scoria(node, "volume", "delete", "homeless", "--wait")
    scoria(node, "type", "delete", "nowhere")


def test_operations_are_listed_shown_and_watched(node, volume):
    listed = told(node, "operation", "list", "--resource", value(node, "volume", "show", volume))
    create = listed[-1]
    assert create["kind"] == "volume.create" and create["state"] == "succeeded"
    shown = scoria(node, "operation", "show", create["id"][:13])
    assert "provision" in shown and "taken up" in shown
    assert scoria(node, "operation", "watch", create["id"]) == "volume.create  succeeded\n"
    assert "has" in scoria(node, "operation", "cancel", create["id"], code=CONFLICT)
    assert scoria(node, "operation", "list", "--unfinished") == ""


def test_a_command_that_waits_tells_how_it_ends(node):
    before = time.monotonic()
    made = told(node, "volume", "create", "slow-one", "--size", "1", "--type", "slow", "--wait")
    assert made["status"] == "available" and time.monotonic() - before > 1.5
    scoria(node, "volume", "delete", "slow-one")
    assert told(node, "volume", "show", "slow-one")["status"] == "deleting"
    operation = told(node, "operation", "list", "--unfinished")[0]
    assert scoria(node, "operation", "watch", operation["id"]).splitlines()[-1] == "volume.delete  succeeded"
    changes = scoria(node, "operation", "watch", operation["id"], "-o", "json").splitlines()
    assert json.loads(changes[-1])["state"] == "succeeded"


def in_terminal(node, *words, then=None):
    """Runs a command on a terminal of its own; `then` gets its process once. What it wrote, and its exit code."""
    master, slave = pty.openpty()
    process = subprocess.Popen([BINARY, *words], env=environment_of(node, TERM="xterm"), stdin=slave, stdout=slave, stderr=slave)
    os.close(slave)
    if then:
        then(process)
    text = b""
    while True:
        try:
            more = os.read(master, 65536)
        except OSError:
            break
        if not more:
            break
        text += more
    os.close(master)
    return text.decode(), process.wait(timeout=30)


def test_ctrl_c_leaves_the_operation_and_says_how_to_go_on(node):
    def interrupt(process):
        wait_until(lambda: told(node, "operation", "list", "--unfinished"))
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)

    text, code = in_terminal(node, "volume", "create", "left", "--size", "1", "--type", "slow", "--wait", then=interrupt)
    assert code == INTERRUPTED, text
    operation = re.search(r"`scoria operation watch ([0-9a-f-]{36})`", text).group(1)
    assert f"`scoria operation cancel {operation}` stops it" in text
    text, code = in_terminal(node, "operation", "watch", operation)
    assert code == DONE and "volume.create succeeded." in text
    assert told(node, "volume", "show", "left")["status"] == "available"
    scoria(node, "volume", "delete", "left", "--wait")


def test_a_terminal_gets_progress_and_colour_and_a_pipe_does_not(node, volume):
    text, code = in_terminal(node, "volume", "create", "seen", "--size", "1", "--type", "slow", "--wait")
    assert code == DONE and "\r\x1b[Kvolume.create" in text and "\x1b[32mavailable" in text
    done = run(node, "volume", "create", "unseen", "--size", "1", "--type", "slow", "--wait")
    assert done.stderr == "" and "\x1b" not in done.stdout
    for name in ("seen", "unseen"):
        scoria(node, "volume", "delete", name, "--wait")


def test_a_waiting_operation_is_cancelled(node):
    scoria(node, "volume", "create", "unwanted", "--size", "1", "--type", "slow")
    operation = told(node, "operation", "list", "--unfinished")[0]["id"]
    scoria(node, "operation", "cancel", operation)
    assert "was cancelled" in scoria(node, "operation", "watch", operation, code=CONFLICT)
    scoria(node, "volume", "show", "unwanted", code=NOT_FOUND)


def test_status_is_one_screen(node):
    text = scoria(node, "status")
    assert text.startswith(f"Scoria at {node.url} is well: ") and "Pools" in text and len(text.splitlines()) < 40
    seen = told(node, "status")
    assert seen["well"] is True and {row["binary"] for row in seen["services"]} == {"cinder-scheduler", "cinder-volume"}


def test_status_tells_what_waits_and_why(node):
    scoria(node, "volume", "create", "wait", "--size", "1", "--type", "slow")
    assert "Under way" in scoria(node, "status")
    wait_until(lambda: told(node, "volume", "show", "wait")["status"] == "available")
    scoria(node, "volume", "delete", "wait", "--wait")


@one_node("breaks the embedded database by hand")
def test_what_does_not_hold_is_told_and_repaired(tmp_path):
    folder = tempfile.mkdtemp(prefix="scoria-broken-")
    try:
        with Node(folder, f"exports.state_directory={folder}/x") as node:
            scoria(node, "volume", "create", "v", "--size", "1", "--wait")
            with sqlite3.connect(next(pathlib.Path(folder).glob("scoria.sqlite"))) as database:
                database.execute("UPDATE quota_usage SET volumes = volumes + 5")
            database.close()
            assert "I1 " in scoria_failing(node, "admin", "check").stdout
            assert "Repaired: " in scoria(node, "admin", "check", "--repair")
            assert "hold" in scoria(node, "admin", "check")
        # Without a service: the database that the configuration names.
        done = subprocess.run([BINARY, "admin", "check", "--set", f"DEFAULT.state_path={folder}"], capture_output=True, text=True, timeout=60)
        assert done.returncode == DONE and "hold" in done.stdout, done.stderr
    finally:
        shutil.rmtree(folder)


def scoria_failing(node, *words):
    done = run(node, *words)
    assert done.returncode == FAILED, done.stdout + done.stderr
    return done


def test_admin_check(node):
    assert re.fullmatch(r"All \d+ invariants hold.\n", scoria(node, "admin", "check"))
    assert told(node, "admin", "check")["violations"] == []
    repaired = told(node, "admin", "check", "--repair")
    assert (repaired["repairs"], repaired["violations"], repaired["findings"]) == ([], [], [])


@one_node("failpoints are those of a process")
def test_admin_failpoints(node):
    sites = [row[0] for row in rows(scoria(node, "admin", "failpoint", "list"))]
    assert len(sites) > 10
    assert "no site named 'nowhere'" in scoria(node, "admin", "failpoint", "set", "nowhere", "off", code=FAILED)
    for terms, armed in (("1%yield", True), ("off", False)):
        scoria(node, "admin", "failpoint", "set", sites[0], terms)
        assert [row["armed"] for row in told(node, "admin", "failpoint", "list") if row["site"] == sites[0]] == [armed]


def test_errors_say_what_why_and_what_to_do(node, volume):
    assert "needs a size" in scoria(node, "volume", "create", "x", code=FAILED)
    assert "is no size" in scoria(node, "volume", "create", "x", "--size", "many", code=FAILED)
    assert "did you mean 'create'" in scoria(node, "volume", "creat", code=USAGE)
    assert "`scoria volume create --help`" in scoria(node, "volume", "create", code=USAGE)
    assert "Nothing to set" in scoria(node, "volume", "set", volume, code=FAILED)
    assert "key=value" in scoria(node, "volume", "set", volume, "--property", "x", code=FAILED)
    error = json.loads(scoria(node, "volume", "show", "nope", "-o", "json", code=NOT_FOUND))["error"]
    assert (error["code"], error["exit"]) == ("not_found", 3) and "nope" in error["message"]
    scoria(node, "volume", "create", "twin", "--size", "1", "--type", "quick", "--wait")
    scoria(node, "volume", "create", "twin", "--size", "1", "--type", "quick", "--wait")
    assert "2 volumes answer to 'twin'" in scoria(node, "volume", "delete", "twin", code=CONFLICT)
    for volume_id in value(node, "volume", "list", "--name", "twin").splitlines():
        scoria(node, "volume", "delete", volume_id, "--wait")


def test_who_cannot_log_in_is_told_where_to_look(node, tmp_path):
    bad = tmp_path / "clouds.yaml"
    bad.write_text((node.folder / "clouds.yaml").read_text().replace("password: ", "password: x"))
    denied = scoria(node, "volume", "list", code=DENIED, OS_CLIENT_CONFIG_FILE=str(bad))
    assert "Logging in at" in denied and "-> Check OS_CLOUD" in denied
    away = scoria(node, "volume", "list", code=UNREACHABLE, OS_AUTH_URL="http://127.0.0.1:9/identity", OS_USERNAME="a", OS_PASSWORD="b", OS_PROJECT_NAME="c")
    assert "cannot be reached" in away and "`scoria serve`" in away
    assert "has no cloud 'mars'" in scoria(node, "volume", "list", "--os-cloud", "mars", code=NOT_FOUND)


def test_variables_do_without_a_file(node):
    text = (node.folder / "clouds.yaml").read_text()
    auth = dict(re.findall(r'^ {6}(\w+): "(.*)"$', text, re.M))
    variables = {f"OS_{key.upper()}": found for key, found in auth.items()}
    assert run(node, "volume", "list", **variables, OS_CLIENT_CONFIG_FILE="/nonexistent").returncode == DONE


@one_node("commands on a database file, without a service")
def test_the_schema_is_told_and_brought_up_to_date(tmp_path):
    where = ["--set", f"DEFAULT.state_path={tmp_path}", "--set", f"database.connection=sqlite:///{tmp_path}/db"]
    local = lambda *words: subprocess.run([BINARY, *words, *where], capture_output=True, text=True, timeout=60)
    before = local("db", "version")
    assert before.returncode == FAILED and before.stdout == "0\n" and "`scoria db upgrade`" in before.stderr
    assert re.fullmatch(r"The schema went from version 0 to \d+\.\n", local("db", "upgrade").stdout)
    assert local("db", "version").returncode == DONE and "up to date" in local("db", "upgrade").stdout


@one_node("the embedded database has one owner")
def test_a_database_in_use_is_not_upgraded_behind_its_owner(node):
    done = subprocess.run([BINARY, "db", "upgrade", "--set", f"DEFAULT.state_path={node.folder}"], capture_output=True, text=True, timeout=60)
    assert done.returncode == FAILED and f"pid {node.process.pid}" in done.stderr


@one_node("a mount of one machine")
@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("mkfs.xfs") is None, reason="needs root and xfsprogs")
def test_a_pool_with_shared_blocks_is_made_by_one_command():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="scoria-pool-"))
    try:
        done = subprocess.run([BINARY, "admin", "pool", "create", "--size", "1G", folder / "p"], capture_output=True, text=True, timeout=60)
        assert done.returncode == DONE, done.stderr
        assert f"file_directories = pool=/var/lib/scoria/volumes,{folder}/p" in done.stdout
        subprocess.run(["umount", folder / "p"], check=True)
        settings = [f"exports.state_directory={folder}/x", f"file.file_directories={folder}/p"]
        (folder / "state").mkdir()
        with Node(folder / "state", *settings) as node:  # which mounts it again
            wait_until(lambda: "is mounted from its image" in node.log())
            scoria(node, "volume", "create", "v", "--size", "1", "--wait")
            scoria(node, "volume", "create", "w", "--source", "v", "--wait")
            scoria(node, "volume", "delete", "v", "w", "--wait")
    finally:
        subprocess.run(["umount", folder / "p"])
        shutil.rmtree(folder)


@one_node("what the first start of a process writes for its machine")
def test_the_first_start_tells_what_to_paste(tmp_path):
    folder = tempfile.mkdtemp(prefix="scoria-first-")
    try:
        with Node(folder, f"exports.state_directory={folder}/x") as node:
            text = wait_until(lambda: (node.folder / "out").read_text())
            assert f"Scoria serves {node.url}\n" in text and f"{folder}/clouds.yaml" in text
            pasted = re.findall(r"^  (\S.*)$", text, re.M)
            assert len(pasted) == 3
            script = "\n".join(["set -e", *pasted, f"{BINARY} detach first", f"{BINARY} volume delete first --wait"])
            done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60, env={"PATH": os.environ["PATH"]})
            assert done.returncode == 0, done.stdout + done.stderr
            assert re.search(r"^/dev/loop\d+$", done.stdout, re.M)
            reflink = subprocess.run(["cp", "--reflink=always", node.folder / "clouds.yaml", node.folder / "volumes" / "x"], capture_output=True).returncode == 0
            assert ("scoria admin pool create" in text) == (not reflink)
        first = (node.folder / "out").read_text()
        with node:
            assert (node.folder / "out").read_text() == first, "a second start has nothing to greet for"
    finally:
        shutil.rmtree(folder)
