"""The newcomer's walk on the embedded defaults, with Scoria's own client and with stock ones: each byte compared, through a mounted ext4 on the
loop device and through NBD, after snapshot, clone, revert and extend. And kill -9 in the middle of work."""
import hashlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.request

import pytest
import yaml

import walks
from deployment import deployment, one_node
from exports_rig import kill, listener_pid
from node import BINARY, free_port, wait_until

MIB, GIB = 1 << 20, 1 << 30


class Scoria:
    def __init__(self, directory, *settings):
        self.directory = directory
        self.node = deployment(directory, f"exports.state_directory={directory}/x", "DEFAULT.quota_volumes=100", *settings)
        self.port = self.node.port
        self.start()

    def start(self):
        self.node.start()

    def kill(self):
        self.node.process.send_signal(signal.SIGKILL)
        self.node.process.wait()

    def stop(self):
        self.node.stop()

    def client(self, *arguments, program="openstack"):
        environment = dict(os.environ, OS_CLIENT_CONFIG_FILE=str(self.directory / "clouds.yaml"), OS_CLOUD="scoria")
        if program == "cinder":  # it reads no clouds.yaml
            auth = yaml.safe_load((self.directory / "clouds.yaml").read_text())["clouds"]["scoria"]["auth"]
            environment = {name: value for name, value in os.environ.items() if not name.startswith("OS_")}
            environment.update({f"OS_{key.upper()}": str(value) for key, value in auth.items()}, OS_REGION_NAME="RegionOne", OS_VOLUME_API_VERSION="3.70")
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

    def detach(self, attachment_id):
        self.call("DELETE", f"/attachments/{attachment_id}")

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
        raise AssertionError(f"{kind} {name} is {seen}, not {status}\n" + self.node.log()[-1500:])


@pytest.fixture
def scoria(tmp_path):
    # Control sockets want a short path.
    directory = pathlib.Path(subprocess.check_output(["mktemp", "-d", "/tmp/scoria-walk-XXXXXX"], text=True).strip())
    service = Scoria(directory)
    yield service
    service.stop()
    subprocess.run(["rm", "-rf", directory], check=True)


def digest(path, start=0, size=None):
    """Of every byte of a range: blocks that are not zero, with their places. Holes of files need not be read."""
    total, nothing = hashlib.sha256(), bytes(MIB)
    with open(path, "rb", buffering=0) as file:
        end = file.seek(0, os.SEEK_END) if size is None else start + size
        at, regular = start, not str(path).startswith("/dev/")
        while at < end:
            if regular:
                try:
                    at = max(at, os.lseek(file.fileno(), at, os.SEEK_DATA) // MIB * MIB)
                except OSError:  # nothing but a hole from here on
                    break
            file.seek(at)
            block = file.read(min(MIB, end - at)) if at < end else b""
            if block != nothing[:len(block)]:
                total.update(at.to_bytes(8, "big") + block)
            at += MIB
    return total.hexdigest()


zeros = hashlib.sha256().hexdigest()


class Walker:
    """A client, and eyes for the data behind it."""

    def __init__(self, client, mount):
        self.client, self.mount = client, mount
        mount.mkdir()

    def on_device(self, volume, work):
        """What `work` says of the loop device; the volume is attached for it and detached after it."""
        attachment, device = self.client.attach(volume)
        try:
            return work(device)
        finally:
            self.client.detach(attachment)
            self.client.settled("volume", volume)

    def mounted(self, volume, work, *before):
        """What `work` says of the mounted file system; and every byte of the device after it was unmounted."""
        def on(device):
            for command in before:
                subprocess.run([*command, device], check=True, capture_output=True)
            subprocess.run(["mount", device, self.mount], check=True)
            try:
                result = work(self.mount)
            finally:
                subprocess.run(["umount", self.mount], check=True)
            return result, digest(device)
        return self.on_device(volume, on)

    def letter(self, volume):
        return self.mounted(volume, lambda root: hashlib.sha256((root / "letter").read_bytes()).hexdigest())[0]

    def nbd(self, volume, *ranges):
        """Digests of ranges (start, size) as NBD shows them."""
        uri, copy = self.client.attach_nbd(volume), self.mount.parent / "copy"
        try:
            subprocess.run(["nbdcopy", uri, copy], check=True)
            return [digest(copy, start, size) for start, size in ranges]
        finally:
            copy.unlink(missing_ok=True)
            self.client.detach_nbd(volume)
            self.client.settled("volume", volume)


    def iscsi(self, volume):
        """A digest of every byte that an iSCSI client reads."""
        attachment, disk, secret = self.client.attach_iscsi(volume)
        copy = self.mount.parent / "copy"
        try:
            subprocess.run(["qemu-img", "convert", "--object", f"secret,id=s,data={secret}", "-O", "raw", "json:" + json.dumps(disk), copy], check=True)
            return digest(copy)
        finally:
            copy.unlink(missing_ok=True)
            self.client.detach_iscsi(attachment)
            self.client.settled("volume", volume)


def put(content):
    def work(root):
        (root / "letter").write_bytes(content)
        return hashlib.sha256(content).hexdigest()
    return work


@pytest.fixture
def folder():
    """Sockets of exports want a short path; the iSCSI daemon outlives Scoria."""
    made = pathlib.Path(tempfile.mkdtemp(prefix="scoria-walk-"))
    yield made
    for control in made.glob("**/iscsi/control.1"):
        if tgtd := listener_pid(control):
            kill(tgtd)
    shutil.rmtree(made, ignore_errors=True)


@pytest.mark.parametrize("program", [walks.Own, walks.Openstack, walks.Cinder], ids=["scoria", "openstack", "cinder"])
def test_the_newcomers_walk(tmp_path, folder, program):
    with deployment(folder, f"exports.state_directory={folder}/x", f"file.target_port={free_port()}") as node:
        client = program(node, BINARY)
        walk = Walker(client, tmp_path / "mnt")
        client.create("first", 1)
        written, first = walk.mounted("first", put(os.urandom(16 * MIB)), ["mkfs.ext4", "-q"])
        assert walk.nbd("first", (0, GIB)) == [first], "NBD and the loop device show the same bytes"

        if program is not walks.Own:
            assert walk.iscsi("first") == first, "and so does iSCSI, attached as Nova attaches"

        client.snapshot("first", "point")
        rewritten, second = walk.mounted("first", put(os.urandom(8 * MIB)))
        assert second != first

        client.from_snapshot("copy", "point", 2)
        assert walk.nbd("copy", (0, GIB), (GIB, GIB)) == [first, zeros], "a copy of a snapshot is the snapshot, and zeros behind it"
        assert walk.letter("copy") == written

        client.clone("twin", "first")
        assert walk.nbd("twin", (0, GIB)) == [second]
        assert walk.letter("twin") == rewritten

        client.revert("first", "point")
        assert walk.nbd("first", (0, GIB)) == [first], "reverting brings every byte back"
        assert walk.letter("first") == written

        before = walk.on_device("first", digest)
        client.extend("first", 2)
        assert walk.nbd("first", (0, GIB), (GIB, GIB)) == [before, zeros]
        assert walk.mounted("first", lambda root: (os.statvfs(root).f_blocks * os.statvfs(root).f_frsize > 3 * GIB // 2,
                                                   hashlib.sha256((root / "letter").read_bytes()).hexdigest()),
                            ["e2fsck", "-fp"], ["resize2fs"])[0] == (True, written)

        # What one protocol writes the other reads.
        uri = client.attach_nbd("twin")
        subprocess.run(["qemu-io", "-f", "raw", "-c", "write -P 0x5a 900M 3M", "-c", "flush", uri], check=True, capture_output=True)
        client.detach_nbd("twin")
        client.settled("volume", "twin")
        assert walk.on_device("twin", lambda device: pread(device, 3 * MIB, 900 * MIB)) == b"\x5a" * (3 * MIB)

        client.delete_snapshot("point")
        for name in ("first", "copy", "twin"):
            client.delete(name)
        assert client.own("operation", "list", "--unfinished") == ""
        assert "hold" in client.own("admin", "check")
        wait_until(lambda: not [entry for entry in (folder / "volumes").iterdir() if entry.name.startswith(("volume-", "snapshot-"))])


def pread(device, size, offset):
    with open(device, "rb") as file:
        file.seek(offset)
        return file.read(size)


@one_node("its one process is killed and started again; several are killed in test_kill_nodes.py")
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
