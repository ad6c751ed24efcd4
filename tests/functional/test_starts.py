"""A start that something keeps from succeeding ends with an error and its reason, whatever runs by then."""
import os
import subprocess

import pytest

from deployment import one_node
from node import BINARY, Node, ask, wait_until

pytestmark = one_node("a start of one process")


def outcome(node, failpoints):
    """How it ended, and what it said; None: it came to serve."""
    words = [word for setting in node.settings for word in ("--set", setting)]
    process = subprocess.Popen([BINARY, "serve", *words], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
                               env=dict(os.environ, SCORIA_FAILPOINTS=failpoints))

    def decided():
        if process.poll() is not None:
            return True
        try:
            return ask("GET", node.url + "/healthcheck").status == 200
        except OSError:
            return False
    try:
        wait_until(decided, 30)
        if process.poll() is None:
            return None
        return process.returncode, process.stderr.read()
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("site", ["db.transaction.before_begin", "db.read.before"])
def test_a_database_that_is_gone_at_any_moment_of_a_start_is_an_error_and_no_crash(tmp_path, site):
    node = Node(tmp_path, f"exports.state_directory={tmp_path}/x")
    with node:
        pass  # its schema is there, and its first start is over
    ends = []
    for good in range(200):
        end = outcome(node, f"{site}=" + (f"{good}*off->" if good else "") + "return(gone)")
        if end is None:
            break
        ends.append(end)
        assert end[0] == 1 and "gone" in end[1], (good, end[0], end[1][-2000:])
    assert 2 < len(ends) < 200, "most of a start needs the database"
    with node:
        pass
