"""Kills the database server that writes, again and again, and starts it again: of three Galera nodes the first in the list that lives,
else the one server. Under tests/mariadb.sh run --durable. Shares no code with the server."""
import os
import pathlib
import random
import signal
import subprocess
import threading
import time

SCRIPT = pathlib.Path(__file__).resolve().parent.parent / "mariadb.sh"


class ServerKiller(threading.Thread):
    def __init__(self, kills, seed):
        super().__init__(name="servers", daemon=True)
        self.wanted, self.random, self.ended = kills, random.Random(seed), threading.Event()
        self.kills, self.slowest, self.problems = 0, 0.0, []
        self.directory = pathlib.Path(os.environ.get("SCORIA_TEST_MARIADB_DIR", "/nowhere"))
        if kills and not self.directory.is_dir():
            raise SystemExit("--servers wants tests/mariadb.sh run")
        self.nodes = sorted(int(path.stem[4:]) for path in self.directory.glob("node*.pid"))

    def synced(self, node):
        """True if the node answers and, in a cluster, is in step with it."""
        done = subprocess.run(["mariadb", "--no-defaults", "-u", "root", "-S", str(self.directory / f"node{node}.sock"), "-NB", "-e",
                               "SELECT variable_value FROM information_schema.global_status WHERE variable_name = 'wsrep_local_state_comment'"],
                              capture_output=True, text=True, timeout=30)
        return done.returncode == 0 and (len(self.nodes) == 1 or done.stdout.strip() == "Synced")

    def writer(self):
        return next((node for node in self.nodes if self.synced(node)), self.nodes[0])

    def kill(self):
        node = self.writer()
        os.kill(int((self.directory / f"node{node}.pid").read_text()), signal.SIGKILL)
        at = time.monotonic()
        self.kills += 1
        self.ended.wait(self.random.uniform(0.5, 3))
        subprocess.run([str(SCRIPT), "node", str(self.directory), str(node)], check=True, timeout=120, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        while not self.synced(node):
            if time.monotonic() - at > 120:
                raise RuntimeError(f"node {node} does not come back")
            time.sleep(0.2)
        self.slowest = max(self.slowest, time.monotonic() - at)

    def run(self):
        try:
            while self.kills < self.wanted and not self.ended.wait(self.random.uniform(3, 8)):
                self.kill()
        except (OSError, RuntimeError, subprocess.SubprocessError) as error:
            self.problems.append(f"database servers: {error}")

    def end(self, seconds):
        """Waits until all kills were done, so long at most, and the last server is back."""
        if self.kills < self.wanted and not self.problems:
            self.join(max(0.0, seconds))
        self.ended.set()
        self.join()
