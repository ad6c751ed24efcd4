"""The short form of tests/faults/ghosts.py: late creates, deletes, extends and copies of nodes that were stopped and went on."""
import os
import subprocess
import sys

from deployment import one_node
from node import ROOT

pytestmark = one_node("has nodes of its own")


def test_late_work_of_ghosts_is_harmless():
    command = [ROOT / "tests/postgres.sh", "run", sys.executable, ROOT / "tests/faults/ghosts.py", "--times", "2"]
    done = subprocess.run(command, cwd=ROOT, env=dict(os.environ, SCORIA_BUILD=os.environ.get("SCORIA_BUILD", "build/release")), capture_output=True, text=True, timeout=400)
    print(done.stdout)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
