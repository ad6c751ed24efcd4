"""The short form of tests/faults/exports_move.py."""
import os
import pathlib
import shutil
import sys

import pytest

from deployment import one_node

pytestmark = one_node("has nodes of its own")

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "faults"))


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("ip"), reason="needs root and ip (network namespaces)")
def test_exports_move_from_machines_that_die_or_stop():
    import exports_move
    lost, p99, doubles, lines = exports_move.run(4, transports="nbd,iscsi")
    print("\n".join(lines))
    assert lost == 0 and not doubles
    assert p99 < 20, "a busy machine may be slower than the 10 s of the full run"
