"""One volume under several iSCSI initiators, attached through the API while the first writes.

    ninja -C build/release scoria && SCORIA_BUILD=build/release /usr/bin/python3 -m pytest -q -s tests/functional/test_shared_iscsi.py

SCORIA_TIMES=20 repeats it that often (2 by default)."""
import os
import pathlib
import shutil
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
BUILD = pathlib.Path(os.environ.get("SCORIA_BUILD", "build/release")).resolve()
os.environ.setdefault("SCORIA_BINARY", str(BUILD / "bin" / "scoria"))
from deployment import one_node  # noqa: E402
from exports_rig import INITIATOR, Attached, Stamper, free_port, kill, listener_pid  # noqa: E402
from node import Node, ask, wait_until  # noqa: E402

pytestmark = one_node("one host and its initiators")

TIMES = int(os.environ.get("SCORIA_TIMES", "2"))
PROJECT = "0123456789abcdef0123456789abcdef"
OTHERS = 3


class Api:
    def __init__(self, node):
        self.node = node

    def __call__(self, method, path, body=None):
        answer = ask(method, f"{self.node.url}/v3/{PROJECT}{path}", body, X_Auth_Token=f"admin:{PROJECT}", OpenStack_API_Version="volume 3.71")
        assert answer.status < 300, f"{method} {path}: {answer.status} {answer.body[:400]}"
        return answer.json() if answer.body else None

    def attach(self, volume, number):
        connector = {"host": f"client-{number}", "initiator": INITIATOR, "scoria_transport": "iscsi"}
        made = self("POST", "/attachments", {"attachment": {"volume_uuid": volume, "connector": connector}})["attachment"]
        self("POST", f"/attachments/{made['id']}/action", {"os-complete": {}})
        connection = dict(made["connection_info"])
        connection.setdefault("type", connection.get("driver_volume_type"))
        return Attached({"name": made["id"]}, connection)


def once(api, kind):
    """How long each further initiator waited for its connection."""
    volume = api("POST", "/volumes", {"volume": {"size": 1, "volume_type": kind}})["volume"]["id"]
    status = lambda: api("GET", f"/volumes/{volume}")["volume"]["status"]  # noqa: E731
    wait_until(lambda: status() == "available")
    attached, waited = [api.attach(volume, 0)], []
    stamper = Stamper(attached[0], blocks=256)
    for number in range(1, OTHERS + 1):
        began = time.monotonic()
        attached.append(api.attach(volume, number))
        waited.append(time.monotonic() - began)
        assert attached[-1].io(f"write -P {number} {number * 2}M 64k")
    assert all(attached[0].io(f"read -P {number} {number * 2}M 64k") for number in range(1, OTHERS + 1)), "one volume, the same bytes"
    stamper.stop()
    assert not stamper.trouble, stamper.trouble
    for one in attached:
        api("DELETE", f"/attachments/{one.name}")
    wait_until(lambda: status() == "available")
    api("DELETE", f"/volumes/{volume}")
    return waited


def test_further_initiators_of_a_volume_are_let_in_at_once(tmp_path):
    first = free_port(12000)
    state = pathlib.Path(f"/tmp/sxi{os.getpid()}")
    waited = []
    try:
        with Node(tmp_path, "DEFAULT.auth_strategy=noauth", f"exports.state_directory={state}", f"exports.nbd_first_port={first}", f"exports.nbd_last_port={first + 200}",
                  f"backend_defaults.target_port={free_port(15000)}", "DEFAULT.quota_volumes=-1", "DEFAULT.quota_gigabytes=-1") as node:
            api = Api(node)
            kind = api("POST", "/types", {"volume_type": {"name": "shared", "extra_specs": {"multiattach": "<is> True"}}})["volume_type"]["id"]
            for _ in range(TIMES):
                waited += once(api, kind)
    finally:
        if tgtd := listener_pid(state / "iscsi" / "control.1"):  # it outlives Scoria
            kill(tgtd)
        shutil.rmtree(state, ignore_errors=True)
    waited.sort()
    print(f"{len(waited)} further initiators: p50 {waited[len(waited) // 2]:.2f} s, longest {waited[-1]:.2f} s")
    assert waited[-1] < 20
