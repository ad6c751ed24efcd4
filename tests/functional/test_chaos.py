"""Short storms of tests/faults/chaos.py: nodes, a database and a storage array in network name spaces, mixed nemeses."""
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/faults"))

import net  # noqa: E402
from deployment import one_node  # noqa: E402

pytestmark = one_node("has nodes of its own")
JOINS = pytest.mark.skipif(not shutil.which("wsrep_sst_rsync"), reason="needs the scripts by which a Galera server joins (Debian: mariadb-server, rsync)")


@pytest.mark.skipif(not net.possible(), reason="needs root, ip and nft")
@pytest.mark.parametrize("layout, seed, more", [
    ("postgres", 8, ["--seconds", "45"]), ("sqlite", 5, ["--seconds", "45"]),
    ("pair", 3, ["--seconds", "15", "--nemeses", "failover,kill"]),
    pytest.param("galera", 4, ["--seconds", "15", "--nemeses", "database-kill,minority"], marks=JOINS)])
def test_a_short_storm_leaves_everything_as_the_clients_saw_it(layout, seed, more):
    done = subprocess.run([sys.executable, str(ROOT / "tests/faults/chaos.py"), "--layout", layout, "--seed", str(seed), "--longest", "6", "--rate", "8", *more], cwd=ROOT,
                          env=dict(os.environ, SCORIA_BUILD=os.environ.get("SCORIA_BUILD", "build/release")), capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
