#!/usr/bin/python3
"""Force detach fences first. Again and again: a client that writes as fast as it can is stopped (SIGSTOP), its attachment is detached by force,
the volume is attached elsewhere and written, and the old client goes on (SIGCONT). Not one byte of its may be on the volume then.

    ninja -C build/debug scoria && tests/faults/fences.py --times 1000 [--transports local,iscsi,nbd,nbd+unix] [--build build/debug]

One Scoria with its embedded defaults; everything through the API, as root (loop devices). The times are shared out between the transports."""
import argparse
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "functional"))
TRANSPORTS = ["local", "iscsi", "nbd", "nbd+unix"]
REGION = 4 << 20
OLD, NEW = 0xEE, 0x11


class Fences:
    def __init__(self, service, transport):
        from exports_rig import INITIATOR
        self.service, self.transport, self.initiator = service, transport, INITIATOR
        service.call("POST", "/volumes", {"volume": {"size": 1, "name": f"fenced over {transport}"}})
        self.volume = service.wait("volume", f"fenced over {transport}")["id"]
        self.file = next((service.directory / "volumes" / f"volume-{self.volume}").glob("*.raw"))
        self.detaches = []

    def attach(self, transport):
        from exports_rig import Attached
        connector = {"host": "there", "initiator": self.initiator, "scoria_transport": transport}
        made = self.service.call("POST", "/attachments", {"attachment": {"volume_uuid": self.volume, "connector": connector}})["attachment"]
        self.service.call("POST", f"/attachments/{made['id']}/action", {"os-complete": {}})
        connection = dict(made["connection_info"])
        connection.setdefault("type", connection.get("driver_volume_type"))
        return Attached({"name": made["id"]}, connection)

    def settled(self):
        while self.service.call("GET", f"/volumes/{self.volume}")["volume"]["status"] != "available":
            time.sleep(0.005)

    def content(self):
        with open(self.file, "rb", buffering=0) as file:
            return os.pread(file.fileno(), REGION, 0)

    def once(self, wait):
        """How many bytes of the old client are on the volume in the end."""
        old = self.attach(self.transport)
        client = old.storm(OLD, REGION)
        try:
            end = time.monotonic() + 30
            while OLD not in self.content()[:65536]:
                assert time.monotonic() < end and client.poll() is None, "the client never wrote"
                time.sleep(0.002)
            time.sleep(wait)
            client.send_signal(signal.SIGSTOP)
            assert client.poll() is None, "the client had ended before it was stopped"
            began = time.monotonic()
            self.service.call("POST", f"/volumes/{self.volume}/action", {"os-force_detach": {"attachment_id": old.name}})
            self.settled()
            self.detaches.append(time.monotonic() - began)
            new = self.attach("nbd" if self.transport == "nbd" else "nbd+unix")
            assert new.io(f"write -P {NEW} 0 {REGION}"), "the new client cannot write"
            client.send_signal(signal.SIGCONT)
            time.sleep(0.05)
        finally:
            client.kill()
            client.wait()
        self.service.detach(new.name)
        self.settled()
        return REGION - self.content().count(bytes([NEW]))


def run(times, transports, seed=1):
    """Bytes changed, and a line per transport. Starts and ends a Scoria of its own."""
    from exports_rig import free_port, kill, listener_pid
    from test_walk import Scoria
    folder = pathlib.Path(tempfile.mkdtemp(prefix="scoria-fences-", dir="/tmp"))
    first = free_port(12000)
    ports = f"exports.nbd_first_port={first}", f"exports.nbd_last_port={first + 200}", f"backend_defaults.target_port={free_port(15000)}"
    service, chance, changed, lines = Scoria(folder, *ports), random.Random(seed), 0, []
    try:
        all_fences = [Fences(service, transport) for transport in transports]
        for number in range(times):
            changed += all_fences[number % len(all_fences)].once(0.02 * chance.random())
            assert changed == 0, f"{changed} bytes changed by a client that was cut off, at {number + 1}"
            if sys.stdout.isatty():
                print(f"\r{number + 1}", end="", flush=True)
        for fences in all_fences:
            took = sorted(fences.detaches)
            lines.append(f"{fences.transport}: {len(took)} times, force detach p50 {took[len(took) // 2]:.3f} s, longest {took[-1]:.3f} s")
    except urllib.error.HTTPError as error:
        print(error.read(), (folder / 'log').read_text()[-3000:])
        raise
    finally:
        if service.node.process:
            for attachment in service.call("GET", "/attachments")["attachments"]:  # after a failure
                service.detach(attachment["id"])
            service.stop()
        if tgtd := listener_pid(folder / "x" / "iscsi" / "control.1"):  # it outlives Scoria
            kill(tgtd)
        shutil.rmtree(folder)
    return changed, lines


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=1000)
    parser.add_argument("--transports", default=",".join(TRANSPORTS))
    parser.add_argument("--build", default="build/debug")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    os.environ["SCORIA_BUILD"] = options.build
    began = time.monotonic()
    changed, lines = run(options.times, options.transports.split(","), options.seed)
    print("\n".join([""] + lines))
    print(f"{options.times} force detaches in {time.monotonic() - began:.0f} s: {changed} bytes changed by a client that was cut off")


if __name__ == "__main__":
    main()
