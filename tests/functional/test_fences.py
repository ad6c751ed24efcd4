"""The short form of tests/faults/fences.py."""
import os
import pathlib
import sys

import pytest

from deployment import one_node

pytestmark = one_node("one host and its clients")

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "faults"))


@pytest.mark.skipif(not os.access("/dev/loop-control", os.W_OK), reason="needs /dev/loop-control")
def test_force_detach_cuts_off_first():
    import fences
    changed, lines = fences.run(8, fences.TRANSPORTS)
    print("\n".join(lines))
    assert changed == 0
