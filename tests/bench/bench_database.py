"""The databases of the benchmark, and how they are filled."""
import os
import pathlib
import re
import shlex
import shutil
import sqlite3
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent

# A volume as a finished create leaves it, its object in the ledger, and the sums that quota and pool hold. The operations that
# made them are not there: those of the past are purged.
FILL = """
INSERT INTO volume (id, project_id, user_id, name, size_gib, status, attach_status, volume_type_id, availability_zone, backend, pool, provider_name,
                    object_bytes, metadata, image_metadata, charged_project, charged_type, charged_gib, rev, created_at, updated_at, launched_at)
SELECT u.id, '{project}', '{user}', 'volume-' || u.i, 1, 'available', 'detached', t.id, b.zone, p.backend, p.name, 'volume-' || u.id || '.1',
       1073741824, '{{"purpose":"benchmark"}}', '{{}}', '{project}', t.id, 1, 2, {now} - 3600000000 + u.i * 1000, {now} - 3600000000 + u.i * 1000, {now} - 3600000000 + u.i * 1000
FROM ({ids}) u, volume_type t, pool p JOIN backend b ON b.name = p.backend WHERE t.name = '__DEFAULT__';
INSERT INTO backend_object (backend, name, pool, owner_type, owner_id, op, epoch, state, size_bytes, created_at, changed_at)
SELECT v.backend, v.provider_name, v.pool, 'volume', v.id, 'bench', 1, 'published', v.object_bytes, v.created_at, v.created_at
FROM volume v WHERE NOT EXISTS (SELECT 1 FROM backend_object o WHERE o.owner_id = v.id);
UPDATE quota_usage SET volumes = volumes + {count}, gigabytes = gigabytes + {count}
WHERE project_id = '{project}';
UPDATE pool SET volumes = volumes + {count}, allocated_bytes = allocated_bytes + {bytes};
"""


def cpu_seconds(root):
    """Of a process, its children, and the children of its that have ended."""
    total = 0
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            if int(entry.name) == root:
                total += sum(map(int, words[11:15]))
            elif int(words[1]) == root:
                total += sum(map(int, words[11:13]))
    return total / os.sysconf("SC_CLK_TCK")


def proportional_mib(root):
    """Memory of a process and its children, shared pages counted once."""
    parents, total = {}, 0
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except OSError:
                pass
    for pid, parent in parents.items():
        if root in (pid, parent):
            try:
                total += int(re.search(r"^Pss:\s+(\d+)", pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(), re.M).group(1))
            except OSError:
                pass
    return total / 1024


class Sqlite:
    key, name = "sqlite", "SQLite"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def connection(self, folder):
        return f"sqlite:///{folder}/scoria.sqlite"

    def folder(self, folder):
        return folder

    def pids(self):
        return []

    def settings(self):
        return "in the process of Scoria, WAL, synchronous=FULL"

    def floor(self, _):
        return []

    def fill(self, folder, project, user, count):
        begun = time.monotonic()
        ids = f"""WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})
SELECT i, lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-8' || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6))) AS id FROM n"""
        with sqlite3.connect(folder / "scoria.sqlite") as file:
            file.execute("PRAGMA cache_size=-200000")
            file.executescript("BEGIN;" + FILL.format(project=project, user=user, count=count, bytes=count << 30, now=int(time.time() * 1e6), ids=ids) + "COMMIT;")
            file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        file.close()
        return time.monotonic() - begun

    def copy(self, folder, to):
        """Of what stands in `folder`, with Scoria stopped; the connection to it."""
        shutil.copytree(folder, to)
        return self.connection(to)

    def some_volumes(self, folder, project):
        with sqlite3.connect(folder / "scoria.sqlite") as file:
            rows = file.execute("SELECT id FROM volume WHERE project_id = ? ORDER BY substr(id, 5) LIMIT 2000", (project,)).fetchall()
        file.close()
        return [row[0] for row in rows]


class Postgres:
    """A private server with the settings of a real one: tests/postgres.sh makes it flush."""
    key, name = "postgres", "PostgreSQL"

    def __enter__(self):
        lines = subprocess.run([ROOT / "tests" / "postgres.sh", "start", "--durable"], check=True, capture_output=True, text=True).stdout
        words = dict(word.split("=", 1) for word in shlex.split(lines) if "=" in word)
        self.conninfo, self.directory = words["SCORIA_TEST_POSTGRES"], words["SCORIA_TEST_POSTGRES_DIR"]
        self.sql("ALTER SYSTEM SET synchronous_standby_names = ''")
        self.sql("ALTER SYSTEM SET synchronous_commit = on")
        self.sql("SELECT pg_reload_conf()")
        return self

    def __exit__(self, *_):
        subprocess.run([ROOT / "tests" / "postgres.sh", "stop", self.directory], check=True)

    def sql(self, text, conninfo=None):
        done = subprocess.run(["psql", conninfo or self.conninfo, "-qAtX", "-v", "ON_ERROR_STOP=1", "-c", text], capture_output=True, text=True, timeout=300)
        if done.returncode != 0:
            raise RuntimeError(done.stderr)
        return done.stdout.split("\n")[:-1]

    def connection(self, _):
        pairs = dict(re.findall(r"(\w+)=(\S+)", self.conninfo))
        return f"postgresql:///{pairs['dbname']}?host={self.directory}&port={pairs['port']}&user={pairs['user']}"

    def folder(self, _):
        return pathlib.Path(self.directory)

    def pids(self):
        return [int((pathlib.Path(self.directory) / "data" / "postmaster.pid").read_text().split("\n")[0])]

    def settings(self):
        names = ["server_version", "fsync", "full_page_writes", "synchronous_commit", "shared_buffers"]
        return ", ".join(f"{name}={self.sql('SHOW ' + name)[0]}" for name in names)

    def floor(self, seconds):
        """(what, per second, microseconds of CPU of the server) of the plainest transactions of its own load generator, 16 clients as in our loads."""
        tools = subprocess.run(["pg_config", "--bindir"], capture_output=True, text=True).stdout.strip() or "/usr/lib/postgresql/15/bin"
        pairs = dict(re.findall(r"(\w+)=(\S+)", self.conninfo))
        command = [f"{tools}/pgbench", "-h", self.directory, "-p", pairs["port"], "-U", pairs["user"]]
        self.sql("CREATE DATABASE floor")
        subprocess.run([*command, "-q", "-i", "-s", "10", "floor"], check=True, capture_output=True)
        out = []
        for what, words in (("one row looked up", ["-S"]), ("one row changed, one read, one added", ["-b", "simple-update"])):
            words = [*command, "-n", "-M", "prepared", "-c", "16", "-T", str(max(3, round(seconds))), *words, "floor"]
            before = cpu_seconds(self.pids()[0])
            said = subprocess.run(words, check=True, capture_output=True, text=True).stdout
            count = int(re.search(r"actually processed: (\d+)", said).group(1))
            out.append((what, float(re.search(r"^tps = ([\d.]+)", said, re.M).group(1)), (cpu_seconds(self.pids()[0]) - before) * 1e6 / count))
        self.sql("DROP DATABASE floor")
        return out

    def fill(self, _, project, user, count):
        begun = time.monotonic()
        ids = f"SELECT i, gen_random_uuid()::text AS id FROM generate_series(1, {count}) i"
        self.sql(FILL.format(project=project, user=user, count=count, bytes=count << 30, now=int(time.time() * 1e6), ids=ids))
        self.sql("VACUUM ANALYZE")  # as autovacuum would in time
        self.sql("CHECKPOINT")
        return time.monotonic() - begun

    def copy(self, folder, to):
        shutil.copytree(folder, to)
        self.sql("CREATE DATABASE small TEMPLATE scoria_test")
        self.sql("VACUUM ANALYZE", self.conninfo.replace("dbname=scoria_test", "dbname=small"))
        return self.connection(to).replace("/scoria_test?", "/small?")

    def some_volumes(self, _, project):
        return self.sql(f"SELECT id FROM volume WHERE project_id = '{project}' ORDER BY substr(id, 5) LIMIT 2000")


