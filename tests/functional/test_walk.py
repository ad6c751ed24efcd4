"""The newcomer's walk with stock clients on the embedded defaults, each byte compared; and kill -9 in the middle of work."""
import hashlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import time
import urllib.request

import pytest
import yaml

BUILD = pathlib.Path(os.environ.get("SCORIA_BUILD", "build/release")).resolve()
MIB = 1 << 20


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Scoria:
    def __init__(self, directory, *settings):
        self.directory, self.settings = directory, settings
        self.port = free_port()
        self.process = None
        self.start()

    def start(self):
        log = open(self.directory / "log", "ab")
        self.process = subprocess.Popen(
            [BUILD / "bin/scoria", "serve", "--set", f"DEFAULT.state_path={self.directory}", "--set", f"DEFAULT.osapi_volume_listen_port={self.port}",
             "--set", f"exports.state_directory={self.directory}/x", "--set", "DEFAULT.quota_volumes=100",
             *[part for setting in self.settings for part in ("--set", setting)]], stdout=log, stderr=log)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthcheck", timeout=1)
                return
            except OSError:
                assert self.process.poll() is None, (self.directory / "log").read_text()
                time.sleep(0.02)
        raise AssertionError("Scoria did not start:\n" + (self.directory / "log").read_text())

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        self.process.terminate()
        assert self.process.wait(timeout=60) == 0

    def client(self, *arguments, program="openstack"):
        environment = dict(os.environ, OS_CLIENT_CONFIG_FILE=str(self.directory / "clouds.yaml"), OS_CLOUD="scoria")
        if program == "cinder":  # reads no clouds.yaml
            auth = yaml.safe_load((self.directory / "clouds.yaml").read_text())["clouds"]["scoria"]["auth"]
            environment.update({f"OS_{key.upper()}": str(value) for key, value in auth.items()}, OS_IDENTITY_API_VERSION="3", OS_REGION_NAME="RegionOne")
            environment.setdefault("OS_PROJECT_DOMAIN_NAME", "Default")
            environment.setdefault("OS_USER_DOMAIN_NAME", "Default")
        done = subprocess.run([f"/usr/bin/{program}", *map(str, arguments)], env=environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, f"{program} {' '.join(map(str, arguments))}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def json(self, *arguments):
        return json.loads(self.client(*arguments, "-f", "json"))

    def token(self):
        self._token = self.json("token", "issue")
        return self._token

    def call(self, method, path, body=None):
        token = getattr(self, "_token", None) or self.token()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/v3/{token['project_id']}{path}", method=method,
                                         data=None if body is None else json.dumps(body).encode(),
                                         headers={"X-Auth-Token": token["id"], "Content-Type": "application/json", "OpenStack-API-Version": "volume 3.71"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def wait(self, kind, name, status="available", seconds=60):
        deadline = time.monotonic() + seconds
        seen = None
        while time.monotonic() < deadline:
            rows = self.call("GET", f"/{kind}s/detail")[f"{kind}s"]
            found = [row for row in rows if name in (row["name"], row["id"])]
            seen = found[0]["status"] if found else "gone"
            if seen == status:
                return found[0] if found else None
            time.sleep(0.05)
        raise AssertionError(f"{kind} {name} is {seen}, not {status}\n" + (self.directory / "log").read_text()[-1500:])

    def attach(self, volume_id):
        attachment = self.call("POST", "/attachments", {"attachment": {"volume_uuid": volume_id, "connector": {"host": "here", "scoria_transport": "local"}}})["attachment"]
        self.call("POST", f"/attachments/{attachment['id']}/action", {"os-complete": {}})
        return attachment["id"], attachment["connection_info"]["device_path"]

    def detach(self, attachment_id):
        self.call("DELETE", f"/attachments/{attachment_id}")


@pytest.fixture
def scoria(tmp_path):
    # Control sockets want a short path.
    directory = pathlib.Path(subprocess.check_output(["mktemp", "-d", "/tmp/scoria-walk-XXXXXX"], text=True).strip())
    service = Scoria(directory)
    yield service
    if service.process.poll() is None:
        service.process.terminate()
        service.process.wait(timeout=60)
    subprocess.run(["rm", "-rf", directory], check=True)


def digest(device, size):
    total = hashlib.sha256()
    with open(device, "rb") as file:
        while size > 0:
            block = file.read(min(size, 8 * MIB))
            total.update(block)
            size -= len(block)
    return total.hexdigest()


def test_the_newcomers_walk(scoria, tmp_path):
    made = scoria.json("volume", "create", "--size", "1", "first")
    assert made["status"] == "creating"
    volume = scoria.wait("volume", "first")

    attachment, device = scoria.attach(volume["id"])
    assert scoria.wait("volume", "first", "in-use")["attachments"][0]["attachment_id"] == attachment
    mount = tmp_path / "mnt"
    mount.mkdir()
    subprocess.run(["mkfs.ext4", "-q", device], check=True)
    subprocess.run(["mount", device, mount], check=True)
    try:
        (mount / "letter").write_bytes(os.urandom(16 * MIB))
        written = hashlib.sha256((mount / "letter").read_bytes()).hexdigest()
    finally:
        subprocess.run(["umount", mount], check=True)
    scoria.detach(attachment)
    scoria.wait("volume", "first", "available")
    scoria.client("volume", "snapshot", "create", "--volume", "first", "point")
    scoria.wait("snapshot", "point")
    attachment, device = scoria.attach(volume["id"])
    subprocess.run(["mount", device, mount], check=True)
    try:
        (mount / "letter").write_bytes(b"changed after the snapshot")
    finally:
        subprocess.run(["umount", mount], check=True)
    scoria.detach(attachment)
    scoria.wait("volume", "first", "available")

    scoria.client("volume", "create", "--snapshot", "point", "--size", "2", "copy")
    copy = scoria.wait("volume", "copy")
    attachment, device = scoria.attach(copy["id"])
    subprocess.run(["mount", device, mount], check=True)
    try:
        assert hashlib.sha256((mount / "letter").read_bytes()).hexdigest() == written
    finally:
        subprocess.run(["umount", mount], check=True)
    scoria.detach(attachment)

    scoria.client("extend", "first", "3", program="cinder")
    assert scoria.wait("volume", "first")["size"] == 3
    attachment, device = scoria.attach(volume["id"])
    assert int(subprocess.check_output(["blockdev", "--getsize64", device])) == 3 << 30
    scoria.detach(attachment)

    scoria.client("volume", "snapshot", "delete", "point")
    scoria.wait("snapshot", "point", "gone")
    for name in ("first", "copy"):
        scoria.wait("volume", name)
        scoria.client("volume", "delete", name)
        scoria.wait("volume", name, "gone")
    assert [entry for entry in (scoria.directory / "volumes").iterdir() if entry.name.startswith(("volume-", "snapshot-"))] == []
    scoria.stop()


def test_a_volume_goes_back_to_its_snapshot(scoria):
    scoria.call("POST", "/volumes", {"volume": {"size": 1, "name": "v"}})
    volume = scoria.wait("volume", "v")
    attachment, device = scoria.attach(volume["id"])
    subprocess.run(["dd", "if=/dev/urandom", f"of={device}", "bs=1M", "count=32", "oflag=direct", "status=none"], check=True)
    before = digest(device, 64 * MIB)
    scoria.detach(attachment)
    scoria.call("POST", "/snapshots", {"snapshot": {"volume_id": volume["id"], "name": "s"}})
    snapshot = scoria.wait("snapshot", "s")
    attachment, device = scoria.attach(volume["id"])
    subprocess.run(["dd", "if=/dev/urandom", f"of={device}", "bs=1M", "count=32", "oflag=direct", "status=none"], check=True)
    assert digest(device, 64 * MIB) != before
    scoria.detach(attachment)
    scoria.wait("volume", "v")
    scoria.call("POST", f"/volumes/{volume['id']}/action", {"revert": {"snapshot_id": snapshot["id"]}})
    scoria.wait("volume", "v")
    attachment, device = scoria.attach(volume["id"])
    assert digest(device, 64 * MIB) == before
    scoria.detach(attachment)


def test_kill_9_in_the_middle_is_finished_after_the_restart(scoria):
    names = []
    for round_ in range(5):
        for i in range(8):
            names.append(f"v{round_}-{i}")
            scoria.call("POST", "/volumes", {"volume": {"size": 1, "name": names[-1]}})
        scoria.kill()
        scoria.start()
    for name in names:
        scoria.wait("volume", name)
    for name in names:
        scoria.call("DELETE", f"/volumes/{scoria.wait('volume', name)['id']}")
    scoria.kill()
    scoria.start()
    for name in names:
        scoria.wait("volume", name, "gone")
    deadline = time.monotonic() + 30
    while [entry for entry in (scoria.directory / "volumes").iterdir() if entry.name.startswith("volume-")]:
        assert time.monotonic() < deadline, "files are left over"
        time.sleep(0.1)


def test_the_walk_with_scorias_own_client(scoria, tmp_path):
    environment = dict(os.environ, OS_CLIENT_CONFIG_FILE=str(scoria.directory / "clouds.yaml"))

    def cli(*arguments, code=0):
        done = subprocess.run([BUILD / "bin/scoria", *map(str, arguments)], env=environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == code, f"scoria {' '.join(map(str, arguments))}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout.strip() if code == 0 else done.stderr

    cli("volume", "create", "one", "--size", "1G", "--wait")
    device = cli("attach", "one")
    subprocess.run(["dd", "if=/dev/urandom", f"of={device}", "bs=1M", "count=16", "oflag=direct", "status=none"], check=True)
    written = digest(device, 32 * MIB)
    cli("detach", "one")
    cli("snapshot", "create", "one", "--name", "point", "--wait")
    cli("volume", "create", "two", "--snapshot", "point", "--wait")
    cli("volume", "extend", "two", "2G", "--wait")
    device = cli("attach", "two")
    assert digest(device, 32 * MIB) == written
    cli("detach", "two")
    assert json.loads(cli("volume", "show", "two", "-o", "json"))["size"] == 2
    assert "nope" in cli("volume", "show", "nope", code=3)
    assert "quota" in cli("volume", "create", "big", "--size", "50T", code=6)
    assert "no size" in cli("volume", "create", "odd", "--size", "many", code=1)
    cli("volume", "create", code=2)
    cli("volume", "delete", "one", code=1)  # it has a snapshot
    cli("snapshot", "delete", "point", "--wait")
    for name in ("one", "two"):
        cli("volume", "delete", name, "--wait")
    assert json.loads(cli("volume", "list", "-o", "json")) == []
    operations = json.loads(cli("operation", "list", "-o", "json"))["operations"]
    assert {one["state"] for one in operations} == {"succeeded"}
    shown = json.loads(cli("operation", "show", operations[0]["id"], "-o", "json"))
    assert shown["kind"] == "volume.delete" and [step["step"] for step in shown["steps"]] == ["wait", "destroy"]
    cli("operation", "cancel", operations[0]["id"], code=4)  # it has ended
