"""What the documentation tells to paste is pasted, and works."""
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import pytest

from deployment import NODES, deployment
from node import BINARY

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def node():
    folder = tempfile.mkdtemp(prefix="scoria-doc-")  # sockets want a short path
    with deployment(folder, f"exports.state_directory={folder}/x") as running:
        yield running
    shutil.rmtree(folder)


def paste(node, script):
    """Stops at the first command that fails; the page's places are this node's."""
    programs = node.folder / "bin"
    programs.mkdir()
    (programs / "scoria").symlink_to(BINARY)
    script = "set -e\n" + script.replace("/var/lib/scoria", str(node.folder)).replace("$PWD/build/release/bin", str(programs))
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OS_")}
    done = subprocess.run(["bash", "-xc", script], env=kept, capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_first_volume(node):
    page = (ROOT / "docs/tutorial/first-volume.md").read_text()
    blocks = re.findall(r"^```sh\n(.*?)^```", page, re.M | re.S)
    assert len(blocks) > 5
    told = paste(node, "".join(blocks))
    assert f"is well: {2 * (NODES or 1)} services up, 1 pool, nothing under way." in told
    assert "Dear diary" in told and str(2 << 30) in told and re.search(r"volume.revert +succeeded", told)


def test_the_readme(node):
    steps = (ROOT / "README.md").read_text().split("## First steps", 1)[1].split("\n## ", 1)[0]
    commands = re.findall(r"^    (.*)$", steps, re.M)
    assert any("scoria attach first" in line for line in commands)
    assert "first" in paste(node, "\n".join(commands) + "\n")
