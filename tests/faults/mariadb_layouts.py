"""MariaDB under the nodes: one server, or three of a Galera cluster, of which the first in order is written."""
import re
import shutil
import signal
import subprocess

from cluster import Mariadb
from database_servers import Server, Servers

PROVIDER = "/usr/lib/galera/libgalera_smm.so"
USERS = """CREATE DATABASE chaos; CREATE USER nodes@'%' IDENTIFIED BY 'scoria'; GRANT ALL ON chaos.* TO nodes@'%';
CREATE USER reader@'%' IDENTIFIED BY 'scoria'; GRANT SELECT ON chaos.* TO reader@'%'"""


class MariadbServer(Server):
    def __init__(self, directory, network, name):
        super().__init__(directory, network, name)
        self.command = ["mariadbd", f"--defaults-file={self.directory}/server.cnf"]

    def settings(self, **more):
        lines = {"datadir": self.directory / "data", "tmpdir": self.directory, "bind_address": self.host.address, "socket": self.directory / "sock",
                 "pid_file": self.directory / "pid", "skip_name_resolve": "on", "max_connections": 150, "innodb_buffer_pool_size": "64M",
                 "innodb_log_file_size": "48M", "innodb_flush_log_at_trx_commit": 1, "performance_schema": "off", **more}
        (self.directory / "server.cnf").write_text("[mariadbd]\n" + "".join(f"{name} = {value}\n" for name, value in lines.items()))

    def install(self):
        self.tool("mariadb-install-db", "--no-defaults", f"--datadir={self.directory}/data", "--auth-root-authentication-method=normal", "--skip-test-db", "--innodb-log-file-size=16M")

    def ask(self, sql, seconds=30):
        return subprocess.run(["mariadb", "--no-defaults", "-u", "root", "-S", str(self.directory / "sock"), "-NB", "-e", sql], capture_output=True, text=True, timeout=seconds)

    def sql(self, sql):
        done = self.ask(sql)
        if done.returncode != 0:
            raise RuntimeError(f"{self.host.name}: {done.stderr.strip()}")
        return done.stdout.strip()

    def ready(self):
        return self.ask("SELECT 1").returncode == 0


class OneMariadb(Servers):
    kind, names, port, signals = MariadbServer, ["db"], 3306, (signal.SIGTERM,)

    def create(self, network):
        server = self.servers[0]
        server.settings()
        server.install()
        server.start()
        server.sql(USERS)

    def url(self, places):
        return f"mariadb://nodes:scoria@{','.join(places)}/chaos"

    def reader(self):
        return Mariadb([(host.address, self.port) for host in self.hosts], "reader", "scoria", "chaos")

    def read_only(self, on):
        self.writer().sql(f"SET GLOBAL read_only = {int(on)}")

    def limit_connections(self, limit):
        self.writer().sql(f"ALTER USER nodes@'%' WITH MAX_USER_CONNECTIONS {limit or 0}; FLUSH USER_RESOURCES")


class GaleraServer(MariadbServer):
    def settings(self, hosts):
        super().settings(binlog_format="ROW", default_storage_engine="InnoDB", innodb_autoinc_lock_mode=2, wsrep_on="on", wsrep_provider=PROVIDER, wsrep_cluster_name="chaos",
                         wsrep_cluster_address="gcomm://" + ",".join(host.address for host in hosts), wsrep_node_name=self.host.name,
                         wsrep_node_address=self.host.address, wsrep_slave_threads=2,
                         wsrep_provider_options='"gcache.size=64M;evs.suspect_timeout=PT2S;evs.inactive_timeout=PT4S;evs.keepalive_period=PT0.5S;evs.inactive_check_period=PT0.5S;pc.recovery=true"')

    def ready(self):
        """In step with its cluster."""
        return self.ask("SELECT variable_value FROM information_schema.global_status WHERE variable_name = 'wsrep_local_state_comment'").stdout.strip() == "Synced"

    def launch(self, *more):
        """From where it stood when it died: it gets what it lacks from another's cache."""
        super().launch(*(more or self.position()))

    def position(self):
        log = self.directory / "recover.log"
        log.unlink(missing_ok=True)
        self.tool(*self.command, f"--log-error={log}", "--wsrep-recover")
        found = re.findall(r"Recovered position: *(\S+)", log.read_text())
        return [f"--wsrep_start_position={found[-1]}"] if found else []

    def commits(self, seconds):
        """Whether a write is answered within that time."""
        try:
            return self.ask("INSERT INTO alone.probe VALUES (NULL)", seconds).returncode == 0
        except subprocess.TimeoutExpired:
            return False


class Galera(OneMariadb):
    """Any of them may be written; nodes write the first that is in step."""

    kind, names = GaleraServer, ["db1", "db2", "db3"]

    def create(self, network):
        if not shutil.which("wsrep_sst_rsync"):
            raise RuntimeError("Galera needs the scripts of Debian's mariadb-server")
        first, *others = self.servers
        for server in self.servers:
            server.settings(self.hosts)
        first.install()
        first.start("--wsrep-new-cluster")
        first.sql(f"{USERS}; CREATE DATABASE alone; CREATE TABLE alone.probe (id INT AUTO_INCREMENT PRIMARY KEY)")
        first.signal(signal.SIGTERM)
        for server in others:  # copies of one that was in the cluster: nobody needs to be sent all data
            server.tool("cp", "-r", first.directory / "data", "data")
            server.tool("rm", "-f", "data/galera.cache", "data/gvwstate.dat")
        first.start("--wsrep-new-cluster")
        for server in others:
            server.start()

    def writer(self):
        return next((server for server in self.servers if server.ready()), self.servers[0])

    def minority(self):
        """(a server that is cut off from the others, though its clients are not; the others)"""
        alone = self.writer()
        others = [server for server in self.servers if server is not alone]
        alone.host.cut(*(server.host for server in others))
        return alone, others
