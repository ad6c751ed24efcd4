"""What the tests of exports share: the driver process, volumes, and clients that stamp blocks."""
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("SCORIA_BUILD", ROOT / "build" / "debug")).resolve()
DRIVER = BUILD / "tests" / "functional" / "exports_driver"
INITIATOR = "iqn.2024-01.test:client"
SECRET = "secretpassword1"


def run(*command, check=True, **more):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=120, **more)
    if check and done.returncode:
        raise RuntimeError(f"{command}: {done.stdout}{done.stderr}")
    return done


def free_port(base):
    """A port that nobody listens at, below the range that clients' own ports come from."""
    for port in range(base + os.getpid() % 500, base + 2000):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise RuntimeError("no free port")


def listener_pid(path):
    """The process that listens at a unix socket; nothing when none does."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return None
        return struct.unpack("iii", probe.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]


def kill(pid):
    """Kills a process that need not be a child, and waits until it is gone."""
    watch = os.pidfd_open(pid)
    os.kill(pid, signal.SIGKILL)
    import select
    select.select([watch], [], [], 10)
    os.close(watch)


class Refused(Exception):
    pass


class Rig:
    """A state directory, volumes, and the process that serves them."""

    def __init__(self, **options):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="scoria-exports-"))
        self.options = dict(state_directory=str(self.folder / "s"), deployment="t%06d" % (os.getpid() % 1000000),
                            nbd_first_port=free_port(12000), iscsi_port=free_port(15000), **options)
        self.options["nbd_last_port"] = self.options["nbd_first_port"] + 200
        self.names = 0
        self.start()

    def start(self):
        self.door = subprocess.Popen([str(DRIVER), json.dumps(self.options)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                     stderr=open(self.folder / "log", "a"), text=True)
        first = json.loads(self.door.stdout.readline())
        assert first.get("ok"), first

    def kill_service(self):
        self.door.kill()
        self.door.wait()

    def ask(self, what, **more):
        self.door.stdin.write(json.dumps({"do": what, **more}) + "\n")
        self.door.stdin.flush()
        answer = json.loads(self.door.stdout.readline())
        if "error" in answer:
            raise Refused(answer["error"])
        return answer

    def name(self):
        self.names += 1
        return f"attachment-{self.names:06d}"

    def raw(self, name, size=16 << 20, write_through=False):
        path = self.folder / name
        with open(path, "ab") as file:
            file.truncate(size)
        return {"path": str(path), "format": "raw", "write_through": write_through}

    def qcow2(self, name, size=16 << 20, base=None):
        path = self.folder / name
        run("qemu-img", "create", "-q", "-f", "qcow2", *(["-b", base["path"], "-F", base["format"]] if base else []), path, *([] if base else [size]))
        return {"path": str(path), "format": "qcow2", "write_through": True}

    def spec(self, place, transport, **more):
        return dict({"name": self.name(), "volume": pathlib.Path(place["path"]).name, "location": place, "transport": transport,
                     "initiator": INITIATOR, "user": "user%06d" % self.names, "secret": SECRET}, **more)

    def attach(self, spec):
        return Attached(spec, self.ask("ensure", **spec))

    def detach(self, name):
        return self.ask("remove", name=name)

    def daemons(self):
        """Process numbers of the storage daemons."""
        found = [listener_pid(path) for path in (self.folder / "s" / "nbd").glob("*/qmp")]
        return [pid for pid in found if pid]

    def tgtd(self):
        """Looked for without a connection to it: tgtd may look for ever at one that ends without a question."""
        mark = f"TGT_IPC_SOCKET={self.folder}/s/iscsi/control".encode()
        for entry in pathlib.Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and (entry / "comm").read_text() == "tgtd\n" and mark in (entry / "environ").read_bytes().split(b"\0"):
                    return int(entry.name)
            except OSError:
                continue  # it has ended meanwhile
        return None

    def close(self):
        try:
            if self.door.poll() is not None:
                self.start()
            for name in self.ask("list")["names"]:
                self.detach(name)
        finally:
            self.door.stdin.close()
            self.door.wait(20)
            for pid in self.daemons() + [self.tgtd()]:
                if pid:
                    kill(pid)
            shutil.rmtree(self.folder)


class Attached:
    """An attachment as a client sees it."""

    def __init__(self, spec, connection):
        self.spec, self.connection, self.name = spec, connection, spec["name"]

    def node(self, reconnect=0):
        """QEMU's description of the client's end."""
        made = self.connection
        if made["type"] == "local":
            return {"driver": "raw", "file": {"driver": "host_device", "filename": made["device_path"], "cache": {"direct": True}}}
        if made["type"] == "nbd":
            server = {"type": "unix", "path": made["socket"]} if "socket" in made else {"type": "inet", "host": made["host"], "port": str(made["port"])}
            return {"driver": "raw", "discard": "unmap", "file": {"driver": "nbd", "server": server, "export": made["export"], "reconnect-delay": reconnect}}
        return {"driver": "raw", "discard": "unmap",
                "file": {"driver": "iscsi", "transport": "tcp", "portal": made["target_portal"], "target": made["target_iqn"], "lun": made["target_lun"],
                         "user": made["auth_username"], "initiator-name": INITIATOR, "password-secret": "s"}}

    def arguments(self, reconnect=0):
        return ["--object", f"secret,id=s,data={self.connection.get('auth_password', SECRET)}"], "json:" + json.dumps(self.node(reconnect))

    def io(self, *commands, read_only=False):
        before, image = self.arguments()
        done = run("qemu-io", *before, *(["-r"] if read_only else []), *[part for text in commands for part in ("-c", text)], image, check=False)
        said = done.stdout + done.stderr
        return done.returncode == 0 and "failed" not in said and "error" not in said.lower()

    def storm(self, pattern, size, depth=16):
        """A client that writes the pattern all over, many blocks at once, until it is killed or its script ends."""
        script = tempfile.TemporaryFile("w+")
        for number in range(6000):
            script.write(f"aio_write -q -P {pattern} {number * 65536 % size} 65536\n" + ("aio_flush\n" if number % depth == depth - 1 else ""))
        script.seek(0)
        before, image = self.arguments()
        return subprocess.Popen(["qemu-io", *before, "-t", "none", image], stdin=script, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


class Stamper(threading.Thread):
    """A client that writes one block after the other and remembers what was acknowledged."""

    def __init__(self, attached, blocks=2048, reconnect=60, seed=1):
        super().__init__(daemon=True)
        before, image = attached.arguments(reconnect)
        self.process = subprocess.Popen(["qemu-io", *before, "-t", "none", image], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        text=True, bufsize=1)
        self.blocks, self.random = blocks, random.Random(seed)
        self.acknowledged, self.stopping, self.trouble, self.gaps, self.count = {}, False, None, [], 0
        self.start()

    def run(self):
        last = time.time()
        while not self.stopping:
            block, stamp = self.random.randrange(self.blocks), self.random.randrange(1, 250)
            self.acknowledged.pop(block, None)  # unknown while it is under way
            self.process.stdin.write(f"write -P {stamp} {block * 4096} 4096\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
            while line and "wrote" not in line and "failed" not in line and "rror" not in line:
                line = self.process.stdout.readline()
            if "wrote 4096" not in line:
                self.trouble = line or "the client ended"
                return
            self.acknowledged[block] = stamp
            self.count += 1
            now = time.time()
            self.gaps.append((now - last, now))
            last = now

    def stop(self):
        self.stopping = True
        self.join(70)
        self.process.stdin.close()
        self.process.kill()
        self.process.wait()

    def longest_gap(self, since=0):
        return max((gap for gap, at in self.gaps if at >= since), default=0)

    def lost(self, path, format="raw"):
        """Blocks whose acknowledged stamp is not there."""
        flat = str(path) + ".flat"
        run("qemu-img", "convert", "-f", format, "-O", "raw", path, flat)
        with open(flat, "rb") as file:
            data = file.read()
        os.unlink(flat)
        return [block for block, stamp in self.acknowledged.items() if data[block * 4096:(block + 1) * 4096] != bytes([stamp]) * 4096]
