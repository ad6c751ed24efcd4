"""A sample of this suite on three nodes, each request at another than the one before: run_on_nodes.py runs all of it."""
import os
import re
import subprocess

from deployment import one_node
from node import ROOT

pytestmark = one_node("runs the suite itself")
FILES = ["test_deletion_and_limits.py", "test_cli.py"]
SAMPLE = "cascade or sent_often or watched or (volume_is_created or snapshots_and or attach_prints or two_steps or types_and or quotas)"


def test_a_sample_of_the_suite_passes_with_each_request_at_another_node():
    command = [ROOT / "tests/functional/run_on_nodes.py", "--nodes", "3", "--spread", *(ROOT / "tests/functional" / name for name in FILES), "--", "-k", SAMPLE]
    done = subprocess.run(command, capture_output=True, text=True, timeout=400, env={key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")})
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert int(re.search(r"(\d+) passed", done.stdout)[1]) >= 9, done.stdout[-2000:]
    asked = {name: int(count) for name, count in re.findall(r"\b(n\d) (\d+)", done.stdout)}
    assert len(asked) == 3 and min(asked.values()) > 0.9 * max(asked.values()), asked
