"""Databases under the nodes, as layouts: how nodes reach them, how a checker reads them, and what can be done to them."""
import glob
import os
import pathlib
import shutil
import signal
import subprocess
import time

from cluster import Postgres, Sqlite
from net import SmallDisk


class Embedded:
    """SQLite in the one node's directory."""

    nodes = 1
    can_restart = can_disconnect = False

    def __init__(self, directory, network):
        self.disk = SmallDisk(directory / "n1", 256)
        self.host, self.url, self.path = None, "", directory / "n1/scoria.sqlite"

    def reader(self):
        return Sqlite(self.path)

    def recover(self):
        self.disk.empty()

    def end(self):
        self.disk.end()


class OnePostgres:
    """One PostgreSQL on a machine and a small disk of its own."""

    nodes = 3
    can_restart = can_disconnect = True

    def __init__(self, directory, network):
        self.host, self.disk = network.host("db"), SmallDisk(directory / "db", 700)
        self.directory, self.process = self.disk.directory, None
        self.bin = pathlib.Path(sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1])
        self.as_server = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"] if os.geteuid() == 0 else []
        shutil.chown(self.directory, "postgres", "postgres")
        os.chmod(directory, 0o755)  # the server's user must come through
        self._tool("initdb", "-D", "data", "-U", "scoria", "-A", "trust", "--locale=C", "--encoding=UTF8")
        with open(self.directory / "data/postgresql.conf", "a") as conf:
            conf.write(f"listen_addresses = '{self.host.address}'\nunix_socket_directories = '{self.directory}'\nmax_connections = 150\n"
                       "shared_buffers = 64MB\nmax_wal_size = 200MB\nmin_wal_size = 80MB\nlog_min_messages = fatal\n"
                       "synchronous_standby_names = 'nobody'\nsynchronous_commit = local\n")
        with open(self.directory / "data/pg_hba.conf", "a") as hba:
            hba.write(f"host all all {network.prefix}.0/24 trust\n")
        self.start()
        self._tool("createuser", "-h", self.directory, "-U", "scoria", "nodes")
        self._tool("createdb", "-h", self.directory, "-U", "scoria", "-O", "nodes", "chaos")
        self.url = f"postgresql://nodes@{self.host.address}/chaos"

    def _tool(self, name, *words):
        subprocess.run([*self.as_server, str(self.bin / name), *map(str, words)], cwd=self.directory, check=True, stdout=subprocess.DEVNULL)

    def launch(self):
        with open(self.directory / "server.log", "ab") as log:
            self.process = subprocess.Popen(self.host.words(*self.as_server, self.bin / "postgres", "-D", self.directory / "data"), stdout=log, stderr=log,
                                            stdin=subprocess.DEVNULL, cwd=self.directory)

    def start(self):
        self.launch()
        end = time.monotonic() + 60
        while subprocess.run([str(self.bin / "pg_isready"), "-q", "-h", str(self.directory)]).returncode != 0:
            if time.monotonic() > end:
                raise RuntimeError(f"PostgreSQL does not start: {(self.directory / 'server.log').read_text()[-1000:]}")
            time.sleep(0.1)
            if self.process.poll() is not None:  # the children of a killed one are not gone yet
                self.launch()

    def signal(self, number):
        """To the postmaster: INT ends it fast, QUIT at once, KILL kills."""
        self.process.send_signal(number)
        self.process.wait(timeout=60)

    def recover(self):
        """Whatever was done to it: it serves again."""
        self.disk.empty()
        if self.process.poll() is not None:
            self.start()

    def sql(self, *statements):
        words = [word for statement in statements for word in ("-c", statement)]
        subprocess.run(["psql", "-qX", "-h", str(self.directory), "-U", "scoria", "chaos", *words], check=True, capture_output=True, timeout=30)

    def reader(self):
        return Postgres(f"postgresql:///chaos?host={self.directory}&user=scoria")

    def end(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.disk.end()


# Further layouts (a standby that is promoted, MariaDB, Galera) go here by name: nodes, host, url, reader(), recover(), end().
LAYOUTS = {"sqlite": Embedded, "postgres": OnePostgres}
