"""Short form of tests/faults/failover.py: the primary of a PostgreSQL pair is lost while clients work on three nodes."""
import os
import pathlib
import subprocess

from deployment import one_node

pytestmark = one_node("has nodes of its own")

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def test_a_lost_primary_leaves_nothing_lost_stuck_or_doubled():
    done = subprocess.run([str(ROOT / "tests/postgres_ha.sh"), "run", str(ROOT / "tests/faults/failover.py"), "--failovers", "2", "--workers", "4", "--every", "4"],
                          cwd=ROOT, env=dict(os.environ, SCORIA_BUILD=os.environ.get("SCORIA_BUILD", "build/release")), capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
