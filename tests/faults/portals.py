"""Machines in network namespaces of their own, with a bridge between them, that share a directory and a PostgreSQL, each with a Scoria:
exports at addresses that move. Shares no code with the server. As root."""
import ctypes
import http.client
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import threading
import time

BUILD = pathlib.Path(os.environ.get("SCORIA_BUILD", "build/release")).resolve()
PROJECT = "0123456789abcdef0123456789abcdef"
NETWORK = "10.77.0"
DAEMONS = ("qemu-storage-daemon", "tgtd")


def sh(*command, check=True):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if check and done.returncode:
        raise RuntimeError(f"{command}: {done.stdout}{done.stderr}")
    return done.stdout


class Network:
    """The hub, where this process and its clients live from now on, and a namespace for each machine."""

    def __init__(self, names):
        self.prefix = f"sx{os.getpid() % 100000}"
        self.home = os.open("/proc/self/ns/net", os.O_RDONLY)
        self.spaces = [f"{self.prefix}-hub"] + [f"{self.prefix}-{name}" for name in names]
        for space in self.spaces:
            sh("ip", "netns", "add", space)
        hub = ["ip", "-n", self.spaces[0]]
        sh(*hub, "link", "set", "lo", "up")
        sh(*hub, "link", "add", "br0", "type", "bridge")
        sh(*hub, "address", "add", f"{NETWORK}.254/24", "dev", "br0")
        sh(*hub, "link", "set", "br0", "up")
        for number, name in enumerate(names, 1):
            space = self.spaces[number]
            sh(*hub, "link", "add", f"m{number}", "type", "veth", "peer", "name", "eth0", "netns", space)
            sh(*hub, "link", "set", f"m{number}", "master", "br0", "up")
            sh("ip", "-n", space, "link", "set", "lo", "up")
            sh("ip", "-n", space, "address", "add", f"{NETWORK}.{number}/24", "dev", "eth0")
            sh("ip", "-n", space, "link", "set", "eth0", "up")
        self.enter(self.spaces[0])
        # What a client's machine wants: a server that says nothing is asked whether it is there (docs/explanation/exports.md).
        for name, value in (("time", 1), ("intvl", 1), ("probes", 3)):
            pathlib.Path(f"/proc/sys/net/ipv4/tcp_keepalive_{name}").write_text(str(value))

    def enter(self, space):
        with open(f"/run/netns/{space}") as file:
            if ctypes.CDLL(None, use_errno=True).setns(file.fileno(), 0x40000000):
                raise OSError(ctypes.get_errno(), "setns")

    def of(self, name):
        return f"{self.prefix}-{name}"

    def close(self):
        ctypes.CDLL(None).setns(self.home, 0x40000000)
        for space in self.spaces:
            sh("ip", "netns", "del", space, check=False)


class Machine:
    """A Scoria with daemons and a keeper of its own."""

    def __init__(self, name, number, network, directory, connection, options):
        self.name, self.network, self.directory = name, network, directory
        self.state = directory / name / "x"
        self.address, self.process = f"{NETWORK}.{number}", None
        settings = {"DEFAULT.state_path": directory / name, "DEFAULT.host": name, "DEFAULT.my_ip": self.address, "DEFAULT.osapi_volume_listen": self.address,
                    "DEFAULT.auth_strategy": "noauth", "DEFAULT.quota_volumes": -1, "DEFAULT.quota_gigabytes": -1, "DEFAULT.quota_snapshots": -1,
                    "DEFAULT.cluster": "all", "DEFAULT.enabled_backends": "file", "file.volume_driver": "file",
                    "file.file_directories": f"pool={directory}/pool", "file.file_layer_limit": 2, "exports.state_directory": self.state,
                    "backend_defaults.max_over_subscription_ratio": 100000, "database.connection": connection, **options}
        self.arguments = ["ip", "netns", "exec", network.of(name), str(BUILD / "bin/scoria"), "serve"]
        for key, value in settings.items():
            self.arguments += ["--set", f"{key}={value}"]
        (directory / name).mkdir()

    def start(self):
        with open(self.directory / f"{self.name}.log", "ab") as log:
            self.process = subprocess.Popen(self.arguments, stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def answers(self):
        try:
            connection = http.client.HTTPConnection(self.address, 8776, timeout=5)
            connection.request("GET", "/healthcheck")
            return connection.getresponse().status == 200
        except OSError:
            return False

    def wait_for_answer(self, seconds=60):
        end = time.monotonic() + seconds
        while not self.answers():
            assert self.process.poll() is None and time.monotonic() < end, f"{self.name} does not answer: {self.log()[-2000:]}"
            time.sleep(0.02)

    def log(self):
        return (self.directory / f"{self.name}.log").read_text(errors="replace")

    def children(self):
        """Its daemons and its keeper: whatever names its state directory."""
        mark, out = str(self.state).encode(), []
        for entry in pathlib.Path("/proc").iterdir():
            if not entry.name.isdigit() or (self.process and int(entry.name) == self.process.pid):
                continue
            try:
                command = (entry / "cmdline").read_bytes()
                program = command.split(b"\0")[0].rsplit(b"/", 1)[-1].decode()
                if program in DAEMONS and (mark in command or mark in (entry / "environ").read_bytes()) or (b"--keep-leash" in command and mark in command):
                    out.append(int(entry.name))
            except OSError:
                continue
        return out

    def signal(self, number, whole):
        """To the node alone, or to all that runs on the machine, as when its power fails or its hypervisor stops it."""
        for pid in [self.process.pid] + (self.children() if whole else []):
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass

    def plug(self, state):
        sh("ip", "-n", self.network.of(self.name), "link", "set", "eth0", state)

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def end(self):
        if self.alive():
            self.process.kill()
            self.process.wait()
        for pid in self.children():
            os.kill(pid, signal.SIGKILL)


class Oracle(threading.Thread):
    """Looks again and again who has which image open for writing: never two programs at a time."""

    def __init__(self, directory):
        super().__init__(daemon=True)
        self.mark, self.looks, self.doubles, self.stopping = str(directory / "pool"), 0, [], False
        self.start()

    def writers(self):
        found = {}
        for entry in pathlib.Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                if (entry / "comm").read_text()[:15].strip() not in ("qemu-storage-da", "tgtd"):
                    continue
                for fd in (entry / "fd").iterdir():
                    path = os.readlink(fd)
                    if path.startswith(self.mark) and int((entry / "fdinfo" / fd.name).read_text().split("flags:")[1].split()[0], 8) & 3:
                        status = os.stat(fd)
                        found.setdefault((status.st_dev, status.st_ino), {}).setdefault(int(entry.name), path)
            except OSError:
                continue
        return found

    def run(self):
        while not self.stopping:
            self.looks += 1
            for writers in self.writers().values():
                if len(writers) > 1:
                    time.sleep(0.01)
                    self.doubles.append(writers)
            time.sleep(0.05)

    def stop(self):
        self.stopping = True
        self.join(10)


class Cluster:
    def __init__(self, directory, names, connection, portals, options=None):
        self.directory, self.network = directory, Network(names)
        self.portals = [f"{NETWORK}.{number}" for number in range(101, 101 + portals)]
        (directory / "pool").mkdir()
        options = {"exports.portals": ",".join(f"{portal}/24@eth0" for portal in self.portals), **(options or {})}
        self.machines = []
        for number, name in enumerate(names, 1):
            machine = Machine(name, number, self.network, directory, connection, options)
            if self.machines:  # one deployment, one key
                shutil.copy(directory / names[0] / "sealing.key", directory / name / "sealing.key")
            self.machines.append(machine)
            machine.start()
            machine.wait_for_answer()

    def ask(self, method, path, body=None, seconds=120):
        """Of any machine that answers; what may have been done is asked again."""
        end = time.monotonic() + seconds
        while True:
            machine = random.choice([one for one in self.machines if one.alive()])
            connection = http.client.HTTPConnection(machine.address, 8776, timeout=15)
            try:
                connection.request(method, f"/v3/{PROJECT}{path}", None if body is None else json.dumps(body),
                                   {"X-Auth-Token": f"admin:{PROJECT}", "Content-Type": "application/json", "OpenStack-API-Version": "volume 3.71"})
                answer = connection.getresponse()
                text = answer.read()
                if answer.status < 300:
                    return json.loads(text) if text else None
                if method == "DELETE" and (answer.status == 404 or (answer.status == 400 and b"its status is deleting" in text)):
                    return None  # an answer was lost: it is done, or under way
                trouble = f"{method} {path}: {answer.status} {text[:300]!r}"
                if answer.status < 500:
                    raise AssertionError(trouble)
            except OSError as lost:
                trouble = str(lost)
            except http.client.HTTPException as lost:
                trouble = str(lost)
            finally:
                connection.close()
            assert time.monotonic() < end, trouble
            time.sleep(0.1)

    def holders(self, portal):
        """The machines that have the address: one, but for the moment between the death of one and its coming back."""
        return [machine for machine in self.machines if f" {portal}/" in sh("ip", "-n", self.network.of(machine.name), "-4", "address", "show", check=False)]

    def holder(self, portal):
        return next(iter(self.holders(portal)), None)

    def end(self):
        for machine in self.machines:
            machine.end()
        self.network.close()
