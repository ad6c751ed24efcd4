"""The suite on several nodes: deployment.py. Which tests failed, for run.py."""
import collections
import os
import pathlib

import pytest

from deployment import NODES, SPREAD, Cluster, Front

left_out = collections.Counter()  # reason -> tests
failed = []  # ids


def pytest_configure(config):
    config.addinivalue_line("markers", "one_node(reason): a test of one process; it is left out when the suite runs on several nodes")
    config.addinivalue_line("markers", "quiet: a test that holds the product to seconds; run.py runs it when nothing else runs")


def pytest_runtest_logreport(report):
    if report.failed and report.nodeid not in failed:
        failed.append(report.nodeid)


def pytest_sessionfinish(session):
    if (path := os.environ.get("SCORIA_TEST_FAILURES")) and not hasattr(session.config, "workerinput"):  # the session of all workers
        pathlib.Path(path).write_text("".join(f"{one}\n" for one in failed))


def pytest_collection_modifyitems(items):
    for item in items if NODES else ():
        if mark := item.get_closest_marker("one_node"):
            item.add_marker(pytest.mark.skip(reason=f"one node: {mark.args[0]}"))
            left_out[mark.args[0]] += 1


def pytest_runtest_call(item):
    item.ran = True  # its fixtures were there


@pytest.fixture
def tmp_path(tmp_path_factory):
    """Its own directory, without the test's name: sockets and the exports' directory stand in paths of limited length."""
    return tmp_path_factory.mktemp("t")


@pytest.fixture(autouse=True)
def on_nodes(request):
    """A test that runs on several nodes really met some."""
    before = Cluster.started
    yield
    assert not NODES or not hasattr(request.node, "ran") or Cluster.running or Cluster.started > before, f"{request.node.name} met no cluster and does not say why (one_node)"


def pytest_terminal_summary(terminalreporter):
    if not NODES:
        return
    terminalreporter.section(f"{NODES} nodes" + (", each request at another" if SPREAD else ""))
    terminalreporter.write_line(f"{Cluster.started} clusters; requests: " + (", ".join(f"{name} {count}" for name, count in sorted(Front.asked.items())) or "at the first node"))
    terminalreporter.write_line(f"{sum(left_out.values())} tests of one process left out:")
    for reason, count in sorted(left_out.items(), key=lambda row: -row[1]):
        terminalreporter.write_line(f"  {count:3} {reason}")
