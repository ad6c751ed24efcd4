"""A short form of tests/faults/kill_nodes.py: three nodes on one PostgreSQL, three kills that hit running work."""
import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def test_three_kills_leave_nothing_stuck_doubled_or_leaked():
    done = subprocess.run([ROOT / "tests/postgres.sh", "run", "--durable", ROOT / "tests/faults/kill_nodes.py", "--kills", "3", "--seconds", "60"], cwd=ROOT,
                          env=dict(os.environ, SCORIA_BUILD=os.environ.get("SCORIA_BUILD", "build/release")), capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr
