"""PostgreSQL under the nodes: one server, or a primary with a synchronous standby."""
import glob
import pathlib
import signal
import subprocess
import time

from cluster import Postgres
from database_servers import Server, Servers

BIN = pathlib.Path(sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1])
SETTINGS = """
max_connections = 150
shared_buffers = 64MB
max_wal_size = 200MB
min_wal_size = 80MB
log_min_messages = fatal
"""


class PostgresServer(Server):
    user = "postgres"

    def __init__(self, directory, network, name):
        super().__init__(directory, network, name)
        self.command = [BIN / "postgres", "-D", "data", "-h", self.host.address, "-k", self.directory]

    def create(self, network, settings):
        self.tool(BIN / "initdb", "-D", "data", "-U", "scoria", "-A", "trust", "--locale=C", "--encoding=UTF8")
        with open(self.directory / "data/postgresql.conf", "a") as conf:
            conf.write(SETTINGS + settings)
        with open(self.directory / "data/pg_hba.conf", "a") as hba:
            hba.write("".join(f"host {name} all {network.prefix}.0/24 trust\n" for name in ("all", "replication")))
        self.start()
        self.tool(BIN / "createuser", "-h", self.directory, "-U", "scoria", "nodes")
        self.tool(BIN / "createdb", "-h", self.directory, "-U", "scoria", "-O", "nodes", "chaos")

    def ready(self):
        return subprocess.run([str(BIN / "pg_isready"), "-q", "-h", str(self.directory)]).returncode == 0

    def sql(self, *statements):
        words = [word for statement in statements for word in ("-c", statement)]
        return subprocess.run(["psql", "-qAtX", "-h", str(self.directory), "-U", "scoria", "chaos", *words], check=True, capture_output=True, text=True, timeout=30).stdout.strip()

    def set(self, name, value):
        change = f"SET {name} = {value}" if value else f"RESET {name}"
        self.sql("SET default_transaction_read_only = off", f"ALTER SYSTEM {change}", "SELECT pg_reload_conf()")


class OnePostgres(Servers):
    kind, names, port, signals = PostgresServer, ["db"], 5432, (signal.SIGINT, signal.SIGQUIT)
    settings = "synchronous_standby_names = 'nobody'\nsynchronous_commit = local\n"

    def create(self, network):
        self.servers[0].create(network, self.settings)

    def url(self, places):
        return f"postgresql://nodes@{','.join(places)}/chaos?target_session_attrs=primary&connect_timeout=2"

    def reader(self):
        return Postgres(f"postgresql:///chaos?host={','.join(str(server.directory) for server in self.servers)}&user=scoria&target_session_attrs=primary")

    def read_only(self, on):
        self.writer().set("default_transaction_read_only", "on" if on else None)

    def limit_connections(self, limit):
        self.writer().sql(f"ALTER ROLE nodes CONNECTION LIMIT {limit or -1}")


class Pair(OnePostgres):
    """A primary whose commits wait for its standby. What tests/postgres_ha.sh does on loopback."""

    names = ["db1", "db2"]
    settings = "wal_log_hints = on\nwal_keep_size = 160MB\nwal_receiver_timeout = 5s\nwal_sender_timeout = 5s\nwal_retrieve_retry_interval = 1s\n"

    def create(self, network):
        super().create(network)
        self.copy()
        self.servers[1].start()
        self.recover()

    def source(self):
        """The primary: it is first in the list."""
        return f"host={self.servers[0].host.address} user=scoria dbname=postgres"

    def copy(self):
        standby = self.servers[1]
        standby.tool("rm", "-rf", "data")
        standby.tool(BIN / "pg_basebackup", "-d", self.source(), "-D", "data", "-X", "stream", "-c", "fast", "-R")

    def promote(self):
        """The standby. Nobody confirms now: it goes on alone."""
        self.servers.reverse()
        self.writer().tool(BIN / "pg_ctl", "promote", "-D", "data", "-w", "-t", "60")
        self.writer().set("synchronous_standby_names", "''")

    def rejoin(self):
        """An old primary that has died becomes the standby."""
        primary, standby = self.servers
        primary.sql("CHECKPOINT")  # pg_rewind reads the new timeline from the control file
        standby.tool("rm", "-f", "data/postmaster.pid")
        try:
            standby.tool(BIN / "pg_rewind", "-D", "data", f"--source-server={self.source()}", "-R")
        except RuntimeError as wrong:
            print(f"  {wrong}; copied afresh", flush=True)
            self.copy()

    def recover(self):
        """As everywhere; and commits wait for the standby again."""
        primary, standby = self.servers
        for server in self.servers:
            server.repair()
        primary.start()
        if standby.down():
            self.rejoin()
        standby.start()
        primary.set("synchronous_standby_names", "'*'")
        end = time.monotonic() + 60
        while primary.sql("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync' AND state = 'streaming'") != "1":
            if time.monotonic() > end:
                raise RuntimeError("no standby has become synchronous")
            time.sleep(0.1)
