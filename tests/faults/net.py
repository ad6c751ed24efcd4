"""Network name spaces on a bridge of their own, made and taken away by a run; cuts between them. Needs root."""
import os
import shutil
import subprocess


def run(*words, text=None):
    done = subprocess.run([str(word) for word in words], input=text, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, words))}: {done.stderr.strip()}")
    return done.stdout


def possible():
    return os.geteuid() == 0 and shutil.which("ip") is not None and shutil.which("nft") is not None


class Host:
    """A machine of the run: a name space with one address."""

    def __init__(self, network, name, number):
        self.network, self.name, self.space, self.link = network, name, f"{network.id}-{name}", f"{network.id}{number}"
        self.address = f"{network.prefix}.{number}"
        run("ip", "netns", "add", self.space)
        run("ip", "link", "add", self.link, "type", "veth", "peer", "name", "eth0", "netns", self.space)
        run("ip", "link", "set", self.link, "master", network.bridge, "up")
        run("ip", "-n", self.space, "addr", "add", f"{self.address}/24", "dev", "eth0")
        for device in ("eth0", "lo"):
            run("ip", "-n", self.space, "link", "set", device, "up")

    def words(self, *command):
        """A command to be run there."""
        return ["ip", "netns", "exec", self.space, *map(str, command)]

    def cable(self, plugged):
        run("ip", "link", "set", self.link, "up" if plugged else "down")
        if plugged:  # whom it asked for in vain meanwhile is looked for again
            run("ip", "-n", self.space, "neigh", "flush", "dev", "eth0")

    def cut(self, *others, hears=False, speaks=False):
        """No packet to or from those hosts; with hears or speaks one way is left."""
        addresses = ", ".join(one.address for one in others)
        rules = ["table inet cut {"]
        if not hears:
            rules.append(f"chain in {{ type filter hook input priority 0; ip saddr {{ {addresses} }} drop; }}")
        if not speaks:
            rules.append(f"chain out {{ type filter hook output priority 0; ip daddr {{ {addresses} }} drop; }}")
        self.mend()
        run(*self.words("nft", "-f", "-"), text="\n".join(rules + ["}"]))

    def mend(self):
        subprocess.run(self.words("nft", "delete", "table", "inet", "cut"), capture_output=True)


class Network:
    def __init__(self):
        self.id = f"sc{os.getpid() % 100000}"
        self.prefix = f"10.{180 + os.getpid() % 60}.{os.getpid() // 60 % 250}"
        self.bridge, self.hosts, self.address = f"{self.id}b", [], f"{self.prefix}.1"
        run("ip", "link", "add", self.bridge, "type", "bridge")
        run("ip", "addr", "add", f"{self.address}/24", "dev", self.bridge)
        run("ip", "link", "set", self.bridge, "up")

    def host(self, name):
        made = Host(self, name, 11 + len(self.hosts))
        self.hosts.append(made)
        return made

    def end(self):
        for host in self.hosts:
            subprocess.run(["ip", "link", "del", host.link], capture_output=True)
            subprocess.run(["ip", "netns", "del", host.space], capture_output=True)
        subprocess.run(["ip", "link", "del", self.bridge], capture_output=True)


class SmallDisk:
    """A file system of its own in an image, to be filled up."""

    def __init__(self, directory, mebibytes):
        self.image, self.directory = directory.with_suffix(".img"), directory
        directory.mkdir()
        with open(self.image, "wb") as file:
            file.truncate(mebibytes << 20)
        run("mkfs.ext4", "-q", "-m", "0", "-E", "lazy_itable_init=1", self.image)
        run("mount", "-o", "loop", self.image, directory)

    def fill(self):
        with open(self.directory / ".filler", "ab") as file:
            step = 1 << 20
            while step >= 4096:
                try:
                    os.posix_fallocate(file.fileno(), os.fstat(file.fileno()).st_size, step)
                except OSError:
                    step //= 2

    def empty(self):
        (self.directory / ".filler").unlink(missing_ok=True)

    def end(self):
        subprocess.run(["umount", "-l", str(self.directory)], capture_output=True)
        self.image.unlink(missing_ok=True)
