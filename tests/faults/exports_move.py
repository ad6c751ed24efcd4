#!/usr/bin/python3
"""Exports move: machines are killed and stopped again and again while clients write stamped blocks over NBD and iSCSI.

    ninja -C build/release scoria && tests/faults/exports_move.py --times 200 [--seed 1] [--guest] [--build build/release]

Three machines in network namespaces share a directory and a PostgreSQL; three portal addresses move between them. Each fault hits a
machine that has a portal: its node is killed or stopped, or all that runs on it is. Required: no acknowledged write is lost and none of an old daemon
lands late (every block is the last acknowledged stamp), no image is ever open for writing twice, and I/O is back within 10 s (p99).
With --guest the kernel's own iSCSI initiator takes part, in a small guest. As root."""
import argparse
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "functional"), str(HERE.parent / "functional" / "vm")]
FAULTS = ["kill", "power", "stop", "freeze"]
# "power" with nobody left to refuse connections: how long clients take to notice is theirs, so it is asked for by --faults.
UNPLUG = "unplug"
# What an operator's fencing device does: the machine is off, all of it.
FENCE = """#!/bin/sh
case $1 in
  up) ip address replace $2/24 dev eth0;;
  down) ip address del $2/24 dev eth0;;
  fence) touch {directory}/fence.$2; for i in $(seq 100); do [ -e {directory}/fence.$2 ] || exit 0; sleep .1; done; exit 1;;
esac
"""


class Volume:
    """A volume with a client that writes one block after the other."""

    def __init__(self, cluster, number, transport, guest=None):
        from exports_rig import INITIATOR, Attached
        self.cluster, self.transport, self.guest = cluster, transport, guest
        name = f"moving {number} over {transport}"
        self.id = cluster.ask("POST", "/volumes", {"volume": {"size": 1, "name": name}})["volume"]["id"]
        while cluster.ask("GET", f"/volumes/{self.id}")["volume"]["status"] != "available":
            time.sleep(0.05)
        connector = {"host": f"client-{number}", "initiator": INITIATOR, "scoria_transport": transport.split()[0]}
        made = cluster.ask("POST", "/attachments", {"attachment": {"volume_uuid": self.id, "connector": connector}})["attachment"]
        cluster.ask("POST", f"/attachments/{made['id']}/action", {"os-complete": {}})
        connection = dict(made["connection_info"])
        connection.setdefault("type", connection.get("driver_volume_type"))
        self.attachment, self.connection = made["id"], connection
        self.portal = connection["host"] if connection["type"] == "nbd" else connection["target_portal"].split(":")[0]
        self.client, self.stamper = Attached({"name": made["id"]}, connection), None

    def write(self, seed):
        from exports_rig import Stamper
        if self.guest:
            from guest_volume import GuestStamper
            self.node, device = self.guest.login(self.connection)
            self.stamper = GuestStamper(self.guest, device)
            return
        plain = self.client.node

        def watchful(reconnect=0):
            node = plain(reconnect)
            if node["file"]["driver"] == "nbd":
                node["file"]["server"]["keep-alive"] = True
            return node
        self.client.node = watchful
        self.stamper = Stamper(self.client, blocks=256, reconnect=60, seed=seed)

    def end(self):
        """Whatever it is doing: its client goes."""
        if process := getattr(self.stamper, "process", None):
            process.kill()
            process.wait()

    def detach(self):
        if self.guest:
            self.guest.run(f"{self.node} --logout")
        self.cluster.ask("DELETE", f"/attachments/{self.attachment}")

    def lost(self):
        """Blocks that are not the last acknowledged stamp."""
        folder = self.cluster.directory / "pool" / f"volume-{self.id}"
        for _ in range(10):
            description = (folder / "object").read_text()
            format, head = next(line for line in description.splitlines() if line.startswith("layer=")).removeprefix("layer=").split(" ", 1)
            try:
                return self.stamper.lost(folder / head, format)
            except (OSError, RuntimeError, subprocess.CalledProcessError):
                # It may have been flattened meanwhile.
                if (folder / "object").read_text() == description:
                    raise
        raise AssertionError(f"{folder} is never still")


class Snapshots(threading.Thread):
    """Points in time of volumes in use, so that they move to overlays and are flattened meanwhile."""

    def __init__(self, cluster, volumes):
        super().__init__(daemon=True)
        self.cluster, self.volumes, self.stopping, self.taken, self.trouble = cluster, volumes, False, 0, None
        self.start()

    def run(self):
        try:
            while not self.stopping:
                for volume in self.volumes:
                    self.once(volume.id)
        except Exception as error:  # told by the main thread
            self.trouble = repr(error)

    def once(self, volume):
        made = self.cluster.ask("POST", "/snapshots", {"snapshot": {"volume_id": volume, "force": True}})["snapshot"]["id"]
        end = time.monotonic() + 120
        while (status := self.cluster.ask("GET", f"/snapshots/{made}")["snapshot"]["status"]) == "creating":
            assert time.monotonic() < end, f"snapshot {made} of volume {volume} is not made"
            time.sleep(0.2)
        assert status == "available", f"snapshot {made} of volume {volume}: {status}"
        self.taken += 1
        self.cluster.ask("DELETE", f"/snapshots/{made}")
        for _ in range(10):
            if not self.stopping:
                time.sleep(0.2)

    def stop(self):
        self.stopping = True
        self.join(180)
        assert not self.trouble, self.trouble


class Run:
    def __init__(self, cluster, options):
        self.cluster, self.options, self.chance = cluster, options, random.Random(options.seed)
        self.volumes = [Volume(cluster, number, transport) for number, transport in enumerate(options.transports.split(","))]
        self.guest = None
        if options.guest:
            from guest_volume import Guest
            self.guest = Guest()
            self.volumes.append(Volume(cluster, len(self.volumes), "iscsi (kernel)", self.guest))
        self.gaps, self.counts = [], {fault: 0 for fault in options.faults.split(",")}
        self.fenced = 0
        self.oracle = None

    def fault(self, kind):
        end = time.monotonic() + 60
        while not (busy := {self.cluster.holder(volume.portal) for volume in self.volumes} - {None}):
            assert time.monotonic() < end, f"no machine has a portal\n{self.logs()}"
            time.sleep(0.1)
        machine = self.chance.choice(sorted(busy, key=lambda one: one.name))
        hit = [volume for volume in self.volumes if self.cluster.holder(volume.portal) is machine]
        before = {volume: volume.stamper.count for volume in hit}
        began = time.time()
        if kind == UNPLUG:
            machine.plug("down")
        machine.signal(signal.SIGSTOP if kind in ("stop", "freeze") else signal.SIGKILL, kind in ("power", "freeze", UNPLUG))
        again = time.monotonic() + self.chance.uniform(4.5, 8)
        marker = self.cluster.directory / f"fence.{machine.name}"
        back = {}
        end = time.monotonic() + 60
        while len(back) < len(hit) or time.monotonic() < again:
            self.supervise(machine)
            if marker.exists():  # the fencing device switches it off
                machine.signal(signal.SIGKILL, True)
                machine.process.wait()
                self.fenced += 1
                marker.unlink()
            for volume in hit:
                # The first write after the longest silence since the fault.
                silent = [(gap, at) for gap, at in volume.stamper.gaps[-4000:] if at >= began]
                if volume not in back and volume.stamper.count > before[volume] + 1 and time.time() - began > 6 and silent and time.time() - silent[-1][1] < 0.5:
                    back[volume] = max(gap for gap, _ in silent)
                assert not volume.stamper.trouble, f"{volume.transport} after {kind} of {machine.name}: {volume.stamper.trouble}"
            assert time.monotonic() < end, f"no I/O after {kind} of {machine.name}: {[v.transport for v in hit if v not in back]}\n{self.logs()}"
            time.sleep(0.02)
        self.gaps += [(gap, kind, volume.transport) for volume, gap in back.items()]
        if self.options.verbose:
            print(f"{kind} of {machine.name}: " + ", ".join(f"{volume.transport} {gap:.1f} s" for volume, gap in back.items()), flush=True)
        self.counts[kind] += 1
        self.revive(machine)

    def supervise(self, struck):
        """What a service manager does: one that found itself fenced only after it answered again has ended by itself."""
        for machine in self.cluster.machines:
            if machine is not struck and not machine.alive():
                machine.process.wait()
                machine.start()

    def revive(self, machine):
        machine.plug("up")
        if machine.alive():
            machine.signal(signal.SIGCONT, True)
            time.sleep(0.5)
        end = time.monotonic() + 60
        while not machine.answers():
            assert time.monotonic() < end, f"{machine.name} does not come back\n{self.logs()}"
            # One that others have fenced meanwhile ends by itself.
            if not machine.alive():
                machine.process.wait()
                machine.start()
            time.sleep(0.05)
        end = time.monotonic() + 30
        while any(len(self.cluster.holders(portal)) > 1 for portal in self.cluster.portals):
            assert time.monotonic() < end, f"{machine.name} keeps an address that is another's\n{self.logs()}"
            time.sleep(0.1)

    def logs(self):
        return "\n".join(f"--- {machine.name}\n" + "\n".join(machine.log().splitlines()[-25:]) for machine in self.cluster.machines)

    def go(self):
        from portals import Oracle
        for number, volume in enumerate(self.volumes):
            volume.write(self.options.seed * 100 + number)
        self.oracle = Oracle(self.cluster.directory)
        snapshots = Snapshots(self.cluster, [volume for volume in self.volumes if volume.transport == "nbd"][:2])
        time.sleep(1)
        kinds = self.options.faults.split(",")
        for number in range(self.options.times):
            self.fault(kinds[number % len(kinds)])
            if sys.stdout.isatty() or (number + 1) % 10 == 0:
                print(f"{number + 1} faults, I/O back after {self.gaps[-1][0]:.1f} s", flush=True)
        snapshots.stop()
        self.oracle.stop()
        return self.verdict(snapshots)

    def close(self):
        for volume in self.volumes:
            volume.end()
        if self.guest:
            self.guest.close()

    def verdict(self, snapshots):
        lost = 0
        for volume in self.volumes:
            volume.stamper.stop()
            assert not volume.stamper.trouble, volume.stamper.trouble
            volume.detach()
        for volume in self.volumes:
            while self.cluster.ask("GET", f"/volumes/{volume.id}")["volume"]["status"] != "available":
                time.sleep(0.1)
            lost += len(volume.lost())
        gaps = sorted(gap for gap, _, _ in self.gaps)
        p99 = gaps[min(len(gaps) - 1, int(len(gaps) * 0.99))]
        writes = sum(volume.stamper.count for volume in self.volumes)
        lines = [f"{sum(self.counts.values())} faults ({', '.join(f'{count} {kind}' for kind, count in self.counts.items())}; {self.fenced} machines fenced), "
                 f"{len(gaps)} times a client waited: p50 {gaps[len(gaps) // 2]:.1f} s, p99 {p99:.1f} s, longest {gaps[-1]:.1f} s",
                 f"{writes} acknowledged writes over {', '.join(volume.transport for volume in self.volumes)}: {lost} lost or overwritten late",
                 f"{snapshots.taken} snapshots meanwhile; {self.oracle.looks} looks at open images: {len(self.oracle.doubles)} with two writers"]
        return lost, p99, self.oracle.doubles, lines


def run(times, seed=1, transports="nbd,nbd,iscsi,iscsi", faults=",".join(FAULTS), guest=False, keep=False, verbose=False):
    from portals import Cluster
    if guest:
        import guest as machine
        machine.build()  # it is downloaded, and the cluster's network has no way out
    options = argparse.Namespace(times=times, seed=seed, transports=transports, faults=faults, guest=guest, verbose=verbose)
    postgres = subprocess.run([HERE.parent / "postgres.sh", "start"], check=True, capture_output=True, text=True).stdout
    parts = dict(part.split("=", 1) for part in postgres.replace("export ", "").replace("'", "").split() if "=" in part)
    folder = parts["SCORIA_TEST_POSTGRES_DIR"]
    directory = pathlib.Path(tempfile.mkdtemp(prefix="sx", dir="/tmp"))
    command = directory / "portal"
    command.write_text(FENCE.format(directory=directory))
    command.chmod(0o755)
    cluster = made = None
    try:
        # By its unix socket: that is reached from every network namespace.
        cluster = Cluster(directory, ["m1", "m2", "m3"], f"postgresql:///scoria_test?host={folder}&user=scoria&port={parts['port']}", 3,
                          {"exports.portal_command": command})
        made = Run(cluster, options)
        return made.go()
    except BaseException:
        keep = True
        raise
    finally:
        if made:
            made.close()
        if cluster:
            cluster.end()
        subprocess.run([HERE.parent / "postgres.sh", "stop", folder], check=False)
        if keep:
            print("logs are in", directory)
        else:
            shutil.rmtree(directory)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--transports", default="nbd,nbd,iscsi,iscsi")
    parser.add_argument("--faults", default=",".join(FAULTS))
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--guest", action="store_true")
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    os.environ["SCORIA_BUILD"] = options.build
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("told to end"))  # and take everything away
    began = time.monotonic()
    lost, p99, doubles, lines = run(options.times, options.seed, options.transports, options.faults, options.guest, options.keep, options.verbose)
    print("\n".join(lines))
    print(f"{time.monotonic() - began:.0f} s, seed {options.seed}")
    sys.exit(1 if lost or doubles or p99 >= 10 else 0)


if __name__ == "__main__":
    main()
