"""Database servers of a layout, whatever their engine: each on a machine and a small disk of its own."""
import os
import pwd
import shutil
import signal
import subprocess
import time

from net import SmallDisk, run


class Server:
    """One of them. Whoever derives from it says its `command` and when it is `ready`."""

    user = "nobody"

    def __init__(self, directory, network, name):
        self.host, self.disk, self.process = network.host(name), SmallDisk(directory / name, 700), None
        self.directory = self.disk.directory
        user = pwd.getpwnam(self.user)
        self.as_server = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--init-groups"]
        shutil.chown(self.directory, user.pw_uid, user.pw_gid)

    def tool(self, *command):
        """What the command prints, run there as the server's user."""
        return run(*self.host.words(*self.as_server, "env", "-C", self.directory, *command))

    def launch(self, *more):
        with open(self.directory / "server.log", "ab") as log:
            self.process = subprocess.Popen(self.host.words(*self.as_server, *self.command, *more), stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                            cwd=self.directory)

    def down(self):
        return self.process is None or self.process.poll() is not None

    def start(self, *more):
        """Until it is ready, as often as it takes: the children of a killed one are not gone at once."""
        end = time.monotonic() + 90
        while self.down() or not self.ready():
            if self.down():
                self.launch(*more)
            if time.monotonic() > end:
                raise RuntimeError(f"{self.host.name} does not start: {(self.directory / 'server.log').read_text(errors='replace')[-1500:]}")
            time.sleep(0.1)

    def signal(self, number):
        """To its first process."""
        self.process.send_signal(number)
        self.process.wait(timeout=60)

    def lose_power(self):
        """Nobody hears of it: no FIN, no RST."""
        self.host.cable(False)
        self.kill()

    def kill(self):
        """With all its processes."""
        for pid in run("ip", "netns", "pids", self.host.space).split():
            try:
                os.kill(int(pid), signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait()

    def repair(self):
        """There is power, room on its disk and a way to every other."""
        self.host.cable(True)
        self.host.mend()
        self.disk.empty()

    def end(self):
        if not self.down():
            self.kill()
        self.disk.end()


class Servers:
    """A layout of such servers. Whoever derives from it has `kind`, `names`, `port`, `signals` that end a server in order, create(),
    url(places) and reader()."""

    nodes = 3

    def __init__(self, directory, network):
        os.chmod(directory, 0o755)  # the servers' user must come through
        self.servers = []
        try:
            for name in self.names:
                self.servers.append(self.kind(directory, network, name))
            self.create(network)
        except BaseException:
            self.end()
            raise

    @property
    def hosts(self):
        return [server.host for server in self.servers]

    def writer(self):
        return self.servers[0]

    def recover(self):
        """Whatever was done to them: they serve again."""
        for server in self.servers:
            server.repair()
        for server in self.servers:
            server.start()

    def end(self):
        for server in self.servers:
            server.end()
