#!/usr/bin/python3
"""The exports with stock clients: QEMU's tools over nbd:// and iscsi://, libnbd's, libiscsi's, the kernel's loop devices.

    ninja -C build/debug exports_driver && /usr/bin/python3 -m pytest -q tests/functional/test_exports.py

Needs root (loop devices). SCORIA_FENCES=1000 repeats the fencing tests that often (20 by default)."""
import hashlib
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from exports_rig import Refused, Rig, Stamper, kill, run  # noqa: E402
from deployment import one_node  # noqa: E402
from node import wait_until  # noqa: E402

pytestmark = one_node("the exports without a service")

FENCES = int(os.environ.get("SCORIA_FENCES", "20"))
TRANSPORTS = ["nbd+unix", "nbd", "iscsi", "local"]
needs_loop = pytest.mark.skipif(not os.access("/dev/loop-control", os.W_OK), reason="needs /dev/loop-control")


@pytest.fixture
def rig():
    made = Rig()
    yield made
    made.close()


def sha(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


@pytest.mark.parametrize("transport", ["nbd+unix", "nbd"])
@pytest.mark.parametrize("format", ["raw", "qcow2"])
def test_libnbd_tools_copy_in_and_out(rig, transport, format):
    place = rig.raw("v") if format == "raw" else rig.qcow2("v")
    uri = rig.attach(rig.spec(place, transport)).connection["uri"]
    assert run("nbdinfo", "--size", uri).stdout.strip() == str(16 << 20)
    source, back = rig.folder / "source", rig.folder / "back"
    source.write_bytes(os.urandom(4 << 20) + bytes(4 << 20) + os.urandom(8 << 20))
    run("nbdcopy", "--flush", source, uri)
    run("nbdcopy", uri, back)
    assert sha(source) == sha(back)


def test_iscsi_tools_see_the_volume(rig):
    spec = rig.spec(rig.raw("v"), "iscsi")
    made = rig.attach(spec).connection
    portal, iqn = made["target_portal"], made["target_iqn"]
    uri = f"iscsi://{made['auth_username']}%{made['auth_password']}@{portal}/{iqn}/{made['target_lun']}"
    assert iqn in run("iscsi-ls", "-i", "iqn.2024-01.test:client", f"iscsi://{portal}", check=False).stdout
    said = run("iscsi-readcapacity16", "-i", "iqn.2024-01.test:client", uri).stdout
    assert str(16 << 20) in said, said
    other = run("iscsi-readcapacity16", "-i", "iqn.2024-01.test:stranger", uri, check=False)
    assert other.returncode != 0 and str(16 << 20) not in other.stdout


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_read_only_is_refused_writes(rig, transport):
    place = rig.raw("v")
    attached = rig.attach(rig.spec(place, transport, read_only=True))
    assert attached.io("read -P 0 0 64k", read_only=True)
    assert not attached.io("write -P 1 0 64k")
    assert pathlib.Path(place["path"]).read_bytes() == bytes(16 << 20)


def certificates(folder):
    """A small authority with one server and one client, in QEMU's file names."""
    folder.mkdir()
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test authority", "-keyout", folder / "ca-key.pem", "-out",
        folder / "ca-cert.pem")
    for who, use in (("server", "serverAuth"), ("client", "clientAuth")):
        (folder / f"{who}.ext").write_text(f"subjectAltName=IP:127.0.0.1\nextendedKeyUsage={use}\n")
        run("openssl", "req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={who}", "-keyout", folder / f"{who}-key.pem", "-out", folder / f"{who}.csr")
        run("openssl", "x509", "-req", "-in", folder / f"{who}.csr", "-CA", folder / "ca-cert.pem", "-CAkey", folder / "ca-key.pem", "-CAcreateserial",
            "-days", "2", "-extfile", folder / f"{who}.ext", "-out", folder / f"{who}-cert.pem")
    return folder


@pytest.mark.parametrize("kind", ["psk", "x509"])
def test_tls_lets_in_who_has_the_key_only(tmp_path, kind):
    keys = tmp_path / "keys"
    if kind == "psk":
        keys.mkdir()
        (keys / "keys.psk").write_text("client:" + os.urandom(32).hex() + "\n")
        with_key = lambda uri: uri.replace("nbds://", "nbds://client@") + f"?tls-psk-file={keys}/keys.psk"  # noqa: E731
    else:
        certificates(keys)
        with_key = lambda uri: uri + f"?tls-certificates={keys}"  # noqa: E731
    rig = Rig(nbd_tls_directory=str(keys))
    try:
        uri = rig.attach(rig.spec(rig.raw("v"), "nbd")).connection["uri"]
        assert uri.startswith("nbds://")
        assert run("nbdinfo", "--size", with_key(uri)).stdout.strip() == str(16 << 20)
        source = tmp_path / "source"
        source.write_bytes(os.urandom(1 << 20))
        run("nbdcopy", "--flush", source, with_key(uri))
        assert run("nbdinfo", "--size", uri.replace("nbds://", "nbd://"), check=False).returncode != 0
        assert run("nbdinfo", "--size", uri, check=False).returncode != 0
    finally:
        rig.close()


def rate(uri, count, size):
    said = run("qemu-img", "bench", "-w", "-f", "raw", "-t", "none", "-d", "16", "-c", count, "-s", size, uri).stdout
    return count / float(re.search(r"in ([\d.]+)", said)[1])


def share(limit, measure):
    """Of the limit; a busy machine may be too slow to reach it, and gets some more chances."""
    shares = []
    while len(shares) < 5 and (not shares or shares[-1] < 0.9):
        shares.append(measure() / limit)
        assert shares[-1] <= 1.1, shares
    return max(shares)


def test_limits_are_kept_within_ten_percent_and_change_live(rig):
    attached = rig.attach(rig.spec(rig.raw("v"), "nbd+unix", throttle={"total_iops": 300}))
    uri = attached.connection["uri"]
    rate(uri, 40, 4096)  # the burst that an idle limit allows (a tenth of a second)
    measured = {"300 IOPS": share(300, lambda: rate(uri, 900, 4096))}
    rig.ask("throttle", protocol="nbd", name=attached.name, throttle={"total_iops": 600})
    measured["600 IOPS"] = share(600, lambda: rate(uri, 1800, 4096))
    rig.ask("throttle", protocol="nbd", name=attached.name, throttle={"write_bytes": 20 << 20})
    measured["20 MiB/s"] = share(20 << 20, lambda: rate(uri, 960, 65536) * 65536)
    print(measured)
    for what, ratio in measured.items():
        assert 0.9 <= ratio <= 1.1, measured
    # Another attachment of the volume has limits of its own.
    free = rig.attach(rig.spec(attached.spec["location"], "nbd+unix"))
    assert rate(free.connection["uri"], 2000, 4096) > 1000


@pytest.mark.parametrize("format,transport", [("raw", "nbd+unix"), ("qcow2", "nbd+unix"), ("raw", "nbd"), ("raw", "iscsi")])
def test_a_killed_child_is_back_within_a_second_and_nothing_acknowledged_is_lost(rig, format, transport):
    place = rig.raw("v") if format == "raw" else rig.qcow2("v")
    attached = rig.attach(rig.spec(place, transport))
    stamper = Stamper(attached)
    gaps = []
    for _ in range(6):
        time.sleep(0.4)
        before = stamper.count
        killed = time.time()
        kill(rig.tgtd() if transport == "iscsi" else rig.daemons()[0])
        while stamper.count <= before + 1 and not stamper.trouble and time.time() < killed + 60:
            time.sleep(0.005)
        gaps.append(time.time() - killed)
    stamper.stop()
    assert not stamper.trouble, stamper.trouble
    rig.detach(attached.name)
    print(f"{transport} {format}: {stamper.count} acknowledged, gaps {['%.3f' % gap for gap in gaps]}")
    assert stamper.lost(place["path"], format) == []
    # QEMU's iSCSI client waits a second or more between its attempts by itself.
    limit = 1.0 if transport != "iscsi" else 5.0
    assert sorted(gaps)[len(gaps) // 2] < limit, gaps


@pytest.mark.parametrize("transport", ["nbd+unix", "nbd", "iscsi"])
def test_a_killed_service_is_not_missed_and_its_successor_takes_over(rig, transport):
    place = rig.raw("v")
    spec = rig.spec(place, transport)
    attached = rig.attach(spec)
    serving = rig.tgtd if transport == "iscsi" else lambda: rig.daemons()[0]
    daemon = serving()
    stamper = Stamper(attached)
    wait_until(lambda: stamper.count > 0)
    rig.kill_service()
    before = stamper.count
    wait_until(lambda: stamper.count > before + 1)
    assert not stamper.trouble
    rig.start()
    assert rig.ask("list")["names"] == [attached.name]
    time.sleep(1.2)  # it looks every second
    assert serving() == daemon
    before = stamper.count
    kill(daemon)
    end = time.time() + 30
    while stamper.count <= before + 1 and time.time() < end:
        time.sleep(0.01)
    assert stamper.count > before + 1, "not restarted by the successor"
    assert rig.attach(spec).connection == attached.connection
    stamper.stop()
    assert not stamper.trouble
    rig.detach(attached.name)
    assert stamper.lost(place["path"]) == []


def cpu_seconds(pid):
    words = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def test_a_target_whose_file_is_gone_does_not_keep_the_daemon_busy_with_all_others(rig):
    """Each look at one target makes the daemon describe all of them: only the one that is not served is looked at again and again."""
    places = [rig.raw(f"v{number}", 1 << 20) for number in range(8)]
    attached = [rig.attach(rig.spec(place, "iscsi")) for place in places for _ in range(1 if place is places[0] else 11)]
    missing = pathlib.Path(places[0]["path"])
    missing.rename(rig.folder / "away")
    kill(rig.tgtd())
    end = time.time() + 60
    while time.time() < end and not (rig.tgtd() and all(attached[number].io("read 0 4k") for number in (1, 45, 77))):
        time.sleep(0.2)
    assert attached[77].io("write -P 1 0 4k")
    daemon = rig.tgtd()
    end = time.time() + 60  # the other targets may still be being made again
    while True:
        before = cpu_seconds(daemon)
        time.sleep(4)
        used = cpu_seconds(daemon) - before
        if used < 0.6 or time.time() > end:
            break
    (rig.folder / "away").rename(missing)
    end = time.time() + 30
    while time.time() < end and not attached[0].io("read 0 4k"):
        time.sleep(0.2)
    assert attached[0].io("read 0 4k"), "served once its file is there again"
    print(f"78 targets, one of them without its file: {used:.2f} s of CPU in 4 s")
    assert used < 0.6


@pytest.mark.parametrize("transport,program", [("nbd+unix", "qemu-storage-daemon"), ("iscsi", "tgtd")])
def test_a_daemon_that_starts_slowly_is_waited_for(tmp_path, monkeypatch, transport, program):
    """As on a machine that is overloaded: it is not killed for being late, which would make the load worse."""
    real = run("sh", "-c", f"PATH=$PATH:/usr/sbin command -v {program}").stdout.strip()
    (tmp_path / program).write_text(f"#!/bin/sh\necho started >> {tmp_path}/starts\nsleep 12\nexec -a {program} {real} \"$@\"\n".replace("/bin/sh", "/bin/bash"))
    (tmp_path / program).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    rig = Rig()
    try:
        assert rig.attach(rig.spec(rig.raw("v"), transport)).io("write -P 1 0 64k")
        assert (tmp_path / "starts").read_text() == "started\n"
    finally:
        rig.close()


def test_a_hundred_exports_are_taken_over_quickly(rig):
    """Their daemons serve on; the successor answers and watches all of them at once."""
    specs = [rig.spec(rig.raw(f"v{number}", 1 << 20), "nbd+unix") for number in range(100)]
    attached = [rig.attach(spec) for spec in specs]
    daemons = set(rig.daemons())
    assert len(daemons) == 100
    rig.kill_service()
    began = time.time()
    rig.start()
    assert len(rig.ask("list")["names"]) == 100
    answered = time.time() - began
    for spec, made in zip(specs, attached):
        assert rig.attach(spec).connection == made.connection
    repaired = time.time() - began
    assert set(rig.daemons()) == daemons, "a daemon was started again"
    kill(next(iter(daemons)))
    back = time.time() + 10
    while len(rig.daemons()) < 100 and time.time() < back:
        time.sleep(0.05)
    assert len(rig.daemons()) == 100
    print(f"100 exports: answers after {answered:.2f} s, all made sure of after {repaired:.2f} s")
    assert answered < 5 and repaired < 30, "far more than a busy machine needs"


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_one_of_two_attachments_goes_and_the_other_does_not_notice(rig, transport):
    place = rig.raw("v")
    one, two = rig.attach(rig.spec(place, transport)), rig.attach(rig.spec(place, transport))
    assert one.connection != two.connection
    stamper = Stamper(two, reconnect=0)
    time.sleep(0.3)
    rig.detach(one.name)
    assert not one.io("write -P 1 0 4k")
    time.sleep(0.3)
    stamper.stop()
    assert not stamper.trouble
    rig.detach(two.name)
    assert stamper.lost(place["path"]) == []


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_stopped_client_that_was_cut_off_changes_nothing_when_it_wakes(rig, transport):
    place = rig.raw("v", 4 << 20)
    changed = 0
    for _ in range(FENCES):
        old = rig.attach(rig.spec(place, transport))
        client = old.storm(0xEE, 4 << 20)
        with open(place["path"], "rb", buffering=0) as file:
            end = time.time() + 30
            while os.pread(file.fileno(), 1, 0) != b"\xee":
                assert time.time() < end, "the client never wrote"
                time.sleep(0.002)
        time.sleep(0.02 * os.urandom(1)[0] / 256)
        client.send_signal(signal.SIGSTOP)
        rig.detach(old.name)
        new = rig.attach(rig.spec(place, "nbd+unix" if transport != "nbd" else "nbd"))
        assert new.io("write -P 1 0 4M")
        client.send_signal(signal.SIGCONT)
        time.sleep(0.05)
        rig.detach(new.name)
        client.kill()
        client.wait()
        changed += pathlib.Path(place["path"]).read_bytes().count(b"\xee")
        assert changed == 0
    print(f"{transport}: {FENCES} times, {changed} bytes changed")


@pytest.mark.parametrize("transport", ["nbd+unix", "iscsi"])
def test_a_daemon_that_does_not_answer_keeps_nobody_in(rig, transport):
    place = rig.raw("v")
    gone, stays = rig.attach(rig.spec(place, transport)), rig.attach(rig.spec(place, transport))
    assert gone.io("write -P 1 0 64k")
    os.kill(rig.tgtd() if transport == "iscsi" else rig.daemons()[0], signal.SIGSTOP)
    began = time.time()
    rig.detach(gone.name)
    print(f"{transport}: cut off after {time.time() - began:.1f} s")
    assert not gone.io("write -P 2 0 64k")
    end = time.time() + 10
    while not stays.io("read -P 1 0 64k") and time.time() < end:
        time.sleep(0.1)
    assert stays.io("read -P 1 0 64k")


@pytest.mark.parametrize("transport,seen", [("local", True), ("nbd+unix", False), ("iscsi", False)])
def test_growing_under_a_busy_client(rig, transport, seen):
    place = rig.raw("v")
    attached = rig.attach(rig.spec(place, transport))
    stamper = Stamper(attached)
    for step in range(1, 6):
        time.sleep(0.2)
        rig.raw("v", (16 + step) << 20)
        protocol = attached.connection["type"]
        assert rig.ask("grow", protocol=protocol, **dict(attached.spec, size=(16 + step) << 20))["result"] is seen
    before = stamper.count
    end = time.time() + 20
    while stamper.count < before + 20 and time.time() < end and not stamper.trouble:
        time.sleep(0.01)
    stamper.stop()
    assert not stamper.trouble, stamper.trouble
    assert stamper.count >= before + 20
    assert attached.io("write -P 9 20M 64k", "read -P 9 20M 64k")
    rig.detach(attached.name)
    assert stamper.lost(place["path"]) == []


def merged(rig, place, overlay):
    """Puts the bytes of `place` into one raw file with an empty overlay, which takes the place's name, as the file driver does."""
    flat, wrapper = rig.folder / (overlay["path"] + ".below"), overlay["path"] + ".wrapper"
    run("qemu-img", "convert", "-U", "-f", place["format"], "-O", "raw", place["path"], flat)
    run("qemu-img", "create", "-q", "-f", "qcow2", "-b", flat, "-F", "raw", wrapper)
    os.rename(wrapper, place["path"])
    assert rig.ask("rebase", location=overlay, to=place)["ok"]


def test_a_volume_moves_to_overlays_and_gets_another_base_under_a_busy_client(rig):
    base = rig.raw("v", write_through=True)
    attached = rig.attach(rig.spec(base, "nbd+unix"))
    stamper = Stamper(attached)
    frozen, place = [], base
    for step in range(6):
        time.sleep(0.2)
        overlay = rig.qcow2(f"v.{step}", base=place)
        assert rig.ask("redirect", location=place, to=overlay)["result"] is True
        frozen.append((place, sha(place["path"])))
        if step % 2:
            assert sha(frozen[-1][0]["path"]) == frozen[-1][1], "a base was written to"
            merged(rig, frozen.pop()[0], overlay)
        if step in (2, 5):
            kill(rig.daemons()[0])
            time.sleep(0.3)
        place = overlay
    before = stamper.count
    end = time.time() + 20
    while stamper.count < before + 50 and time.time() < end and not stamper.trouble:
        time.sleep(0.01)
    stamper.stop()
    assert not stamper.trouble, stamper.trouble
    for at, digest in frozen:
        assert sha(at["path"]) == digest, "a base was written to"
    rig.detach(attached.name)
    print(f"{stamper.count} acknowledged, longest gap {stamper.longest_gap():.3f} s")
    assert stamper.lost(place["path"], "qcow2") == []


@pytest.mark.parametrize("site", ["exports.nbd.redirecting", "exports.nbd.switched"])
def test_a_move_whose_starter_is_killed_is_finished_by_its_successor(rig, site):
    base = rig.raw("v", write_through=True)
    attached = rig.attach(rig.spec(base, "nbd+unix"))
    assert attached.io("write -P 7 0 64k", "flush")
    rig.kill_service()
    rig.options["failpoints"] = f"{site}=kill"
    rig.start()
    overlay = rig.qcow2("v.0", base=base)
    with pytest.raises(ValueError):  # no answer: it died there
        rig.ask("redirect", location=base, to=overlay)
    rig.kill_service()
    rig.options["failpoints"] = ""
    rig.start()
    assert rig.ask("redirect", location=base, to=overlay)["result"] is True
    before = sha(base["path"])
    assert attached.io("read -P 7 0 64k", "write -P 9 64k 64k", "flush")
    assert sha(base["path"]) == before, "the base was written to"
    rig.detach(attached.name)
    run("qemu-io", "-f", "qcow2", "-c", "read -P 7 0 64k", "-c", "read -P 9 64k 64k", overlay["path"])


def test_many_writes_at_once_are_all_there_after_moves(rig):
    """Each block is written once, 16 at a time, while the volume moves to an overlay and its base is replaced again and again: what is missed shows."""
    place = rig.raw("v", 256 << 20, write_through=True)
    attached, other = rig.attach(rig.spec(place, "nbd+unix")), rig.attach(rig.spec(place, "nbd+unix"))
    client = subprocess.Popen(["qemu-img", "bench", "-w", "-f", "raw", "-t", "none", "-d", "16", "-c", str(256 << 4), "-s", "65536", "--pattern", "65",
                               attached.connection["uri"]], stdout=subprocess.DEVNULL)
    moves = 0
    while client.poll() is None:
        overlay = rig.qcow2(f"v.{moves}", base=place)
        assert rig.ask("redirect", location=place, to=overlay)["result"] is True
        if moves % 2:
            merged(rig, place, overlay)
        place, moves = overlay, moves + 1
    assert client.returncode == 0
    assert other.io("read -P 65 255M 1M")
    rig.detach(other.name)
    rig.detach(attached.name)
    flat = rig.folder / "flat"
    run("qemu-img", "convert", "-f", "qcow2", "-O", "raw", place["path"], flat)
    data = flat.read_bytes()
    lost = [i for i in range(256 << 4) if data[i << 16:(i + 1) << 16] != b"A" * 65536]
    print(f"{256 << 4} writes, {moves} moves, {len(lost)} lost")
    assert moves > 2 and not lost


@needs_loop
def test_a_file_system_on_a_local_device(rig):
    place = rig.raw("v", 64 << 20)
    device = rig.attach(rig.spec(place, "local")).connection["device_path"]
    mount = rig.folder / "mount"
    mount.mkdir()
    run("mkfs.ext4", "-q", device)
    run("mount", device, mount)
    try:
        (mount / "file").write_bytes(b"x" * 5000000)
        rig.raw("v", 128 << 20)
        assert rig.ask("grow", protocol="local", name=rig.ask("list")["names"][0], volume="v", location=place, size=128 << 20)["result"] is True
        assert run("blockdev", "--getsize64", device).stdout.strip() == str(128 << 20)
    finally:
        run("umount", mount)
    assert run("e2fsck", "-fp", device, check=False).returncode == 0
    run("resize2fs", device)
    run("mount", device, mount)
    assert (mount / "file").read_bytes() == b"x" * 5000000
    assert os.statvfs(mount).f_blocks * os.statvfs(mount).f_frsize > 100 << 20
    run("umount", mount)


def test_what_cannot_be_is_refused_with_the_way_out(rig):
    qcow2 = rig.qcow2("q")
    for transport in ("local", "iscsi"):
        with pytest.raises(Refused, match="nbd"):
            rig.attach(rig.spec(qcow2, transport))
    spec = rig.spec(rig.raw("v"), "nbd+unix")
    rig.attach(spec)
    rig.detach(spec["name"])
    with pytest.raises(Refused, match="not used again"):
        rig.attach(spec)


if __name__ == "__main__":
    sys.exit(subprocess.call([sys.executable, "-m", "pytest", "-q", __file__, *sys.argv[1:]]))
