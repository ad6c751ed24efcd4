"""Short forms of tests/faults/kill_nodes.py: three nodes on one PostgreSQL, and the embedded default, killed while clients work."""
import os
import pathlib
import subprocess

from deployment import one_node

pytestmark = one_node("has nodes of its own")

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
CHAOS = ROOT / "tests/faults/kill_nodes.py"


def run(*command):
    done = subprocess.run([str(word) for word in command], cwd=ROOT, env=dict(os.environ, SCORIA_BUILD=os.environ.get("SCORIA_BUILD", "build/release")),
                          capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


def test_killed_nodes_leave_nothing_stuck_doubled_or_leaked():
    run(ROOT / "tests/postgres.sh", "run", "--durable", CHAOS, "--kills", 4, "--seconds", 40, "--workers", 6)


def test_the_killed_embedded_process_leaves_nothing_stuck_doubled_or_leaked():
    run(CHAOS, "--embedded", "--kills", 3, "--seconds", 40, "--workers", 6)
