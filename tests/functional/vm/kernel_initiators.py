#!/usr/bin/python3
"""The exports with Linux's own initiators (iSCSI with CHAP, NBD) in a small guest, with an ext4 on each. Slow (minutes), so
it is no part of the test command:

    ninja -C build/debug exports_driver && /usr/bin/python3 -m pytest -q -s tests/functional/vm/kernel_initiators.py

The first run downloads a kernel package and some others (about 30 MB) into ~/.cache/scoria-vm (or $SCORIA_VM_CACHE)."""
import os
import pathlib
import sys
import time

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from exports_rig import INITIATOR, Rig, kill, run  # noqa: E402
from guest import Guest  # noqa: E402

SIZE = 256 << 20
# A client that counts what is safely on the volume, until a write fails or it is told to stop.
BUSY = """(i=0; while [ ! -e /tmp/stop ]; do echo $i > /mnt/n$((i % 200)) && sync -f /mnt || { echo x >> /tmp/errors; break; }
echo $i > /tmp/last; i=$((i+1)); done) >/dev/null 2>&1 &"""


@pytest.fixture(scope="module")
def guest():
    made = Guest()
    made.run("mkdir -p /mnt; for m in crc32c_generic ext4 sd_mod nbd iscsi_tcp; do modprobe $m; done; [ -e /dev/nbd0 ]")
    made.run(f"echo InitiatorName={INITIATOR} > /etc/iscsi/initiatorname.iscsi; iscsid && sleep 1")
    yield made
    made.close()


@pytest.fixture
def rig():
    made = Rig()
    yield made
    made.close()


def last(guest):
    return int(guest.run("cat /tmp/last 2>/dev/null || echo -1").split()[-1])


class Disk:
    """An attachment as a block device of the guest."""

    def __init__(self, guest, attached):
        self.guest, self.connection = guest, attached.connection
        self.login()

    def login(self, secret=None):
        made = self.connection
        if made["type"] == "nbd":
            self.device = "/dev/nbd0"
            self.guest.run(f"nbd-client 10.0.2.2 {made['port']} /dev/nbd0 -N {made['export']} -C 1")
            return
        self.node = f"iscsiadm -m node -T {made['target_iqn']} -p 10.0.2.2:{made['target_portal'].split(':')[1]},1"
        self.guest.run(f"{self.node} -o new >/dev/null\n" + "\n".join(
            f"{self.node} -o update -n {key} -v {value}" for key, value in (
                ("node.session.auth.authmethod", "CHAP"), ("node.session.auth.username", made["auth_username"]),
                ("node.session.auth.password", secret or made["auth_password"]), ("node.session.initial_login_retry_max", "1"))))
        self.guest.run(f"{self.node} --login && for i in $(seq 100); do ls /dev/sd? 2>/dev/null && exit 0; sleep .1; done; exit 1")
        self.device = self.guest.run("ls /dev/sd?").split()[-1]

    def logout(self):
        if self.connection["type"] == "nbd":
            self.guest.run("nbd-client -d /dev/nbd0")
        else:
            self.guest.run(f"{self.node} --logout && {self.node} -o delete")

    def format(self):
        self.guest.run(f"mkfs.ext4 -q -F {self.device} && mount {self.device} /mnt")

    def check(self):
        self.guest.run(f"touch /tmp/stop; sleep 1; rm -f /tmp/stop; umount /mnt && e2fsck -fn {self.device}")


@pytest.mark.parametrize("transport", ["iscsi", "nbd"])
def test_a_file_system_keeps_its_bytes(guest, rig, transport):
    place = rig.raw("v", SIZE)
    attached = rig.attach(rig.spec(place, transport))
    disk = Disk(guest, attached)
    disk.format()
    guest.run("dd if=/dev/urandom of=/mnt/f bs=1M count=48 2>/dev/null; sha256sum /mnt/f > /tmp/sum; umount /mnt; echo 3 > /proc/sys/vm/drop_caches")
    guest.run(f"mount {disk.device} /mnt && sha256sum -c /tmp/sum")
    full = os.stat(place["path"]).st_blocks * 512
    guest.run("rm /mnt/f; sync; fstrim /mnt")
    disk.check()
    disk.logout()
    freed = full - os.stat(place["path"]).st_blocks * 512
    print(f"{transport}: fstrim gave {freed >> 20} MiB back")
    assert freed > 40 << 20
    rig.detach(attached.name)
    assert run("e2fsck", "-fn", place["path"], check=False).returncode == 0


def test_a_wrong_secret_or_another_name_is_not_let_in(guest, rig):
    attached = rig.attach(rig.spec(rig.raw("v", SIZE), "iscsi"))
    disk = Disk.__new__(Disk)
    disk.guest, disk.connection = guest, attached.connection
    with pytest.raises(AssertionError):
        disk.login(secret="wrongpassword99")
    guest.run(f"{disk.node} -o delete")
    other = rig.attach(rig.spec(rig.raw("w", SIZE), "iscsi", initiator="iqn.2024-01.test:somebody"))
    disk.connection = other.connection
    with pytest.raises(AssertionError):
        disk.login()
    guest.run(f"{disk.node} -o delete")


@pytest.mark.parametrize("transport", ["iscsi", "nbd"])
def test_read_only_holds_against_the_kernel(guest, rig, transport):
    place = rig.raw("v", SIZE)
    run("mkfs.ext4", "-q", "-F", place["path"])
    before = pathlib.Path(place["path"]).read_bytes()
    disk = Disk(guest, rig.attach(rig.spec(place, transport, read_only=True)))
    guest.run(f"mount -o ro,noload {disk.device} /mnt && ls /mnt && umount /mnt")
    code, _ = guest.run(f"dd if=/dev/zero of={disk.device} bs=4k count=1 conv=fsync", check=False)
    assert code != 0
    disk.logout()
    assert pathlib.Path(place["path"]).read_bytes() == before


def test_a_killed_iscsi_daemon_is_not_noticed_by_a_mounted_file_system(guest, rig):
    disk = Disk(guest, rig.attach(rig.spec(rig.raw("v", SIZE), "iscsi")))
    disk.format()
    guest.run("rm -f /tmp/errors /tmp/last; " + BUSY)
    for _ in range(3):
        time.sleep(2)
        before, killed = last(guest), time.time()
        kill(rig.tgtd())
        while last(guest) <= before + 1 and time.time() < killed + 60:
            time.sleep(0.1)
        print(f"writes go on {time.time() - killed:.1f} s after the kill")
        assert last(guest) > before + 1
    disk.check()
    assert guest.run("cat /tmp/errors 2>/dev/null | wc -l").split()[-1] == "0"
    disk.logout()


def test_a_mounted_file_system_grows_over_iscsi(guest, rig):
    place = rig.raw("v", SIZE)
    attached = rig.attach(rig.spec(place, "iscsi"))
    disk = Disk(guest, attached)
    disk.format()
    guest.run("rm -f /tmp/errors /tmp/last; " + BUSY)
    time.sleep(2)
    before = last(guest)
    rig.raw("v", 2 * SIZE)
    assert rig.ask("grow", protocol="iscsi", **dict(attached.spec, size=2 * SIZE))["result"] is False
    end = time.time() + 60
    while last(guest) <= before + 5 and time.time() < end:
        time.sleep(0.2)
    assert last(guest) > before + 5
    guest.run("iscsiadm -m session --rescan >/dev/null; for i in $(seq 50); do "
              f"[ $(blockdev --getsize64 {disk.device}) = {2 * SIZE} ] && exit 0; sleep .1; done; exit 1")
    guest.run(f"resize2fs {disk.device} && [ $(df -k /mnt | tail -1 | awk '{{print $2}}') -gt 400000 ]")
    disk.check()
    assert guest.run("cat /tmp/errors 2>/dev/null | wc -l").split()[-1] == "0"
    disk.logout()


@pytest.mark.parametrize("transport", ["iscsi", "nbd"])
def test_a_mounted_file_system_that_is_cut_off_writes_no_more(guest, rig, transport):
    place = rig.raw("v", SIZE)
    attached = rig.attach(rig.spec(place, transport))
    disk = Disk(guest, attached)
    disk.format()
    guest.run("rm -f /tmp/errors /tmp/last; " + BUSY)
    time.sleep(2)
    rig.detach(attached.name)
    after = pathlib.Path(place["path"]).read_bytes()
    time.sleep(3)
    assert pathlib.Path(place["path"]).read_bytes() == after
    guest.run("touch /tmp/stop", check=False)
    if transport == "iscsi":
        guest.run(f"{disk.node} -o delete 2>/dev/null; iscsiadm -m session -o delete 2>/dev/null; iscsiadm -m node --logoutall=all; umount -l /mnt; rm -f /tmp/stop",
                  check=False, timeout=300)
    else:
        guest.run("nbd-client -d /dev/nbd0; umount -l /mnt; rm -f /tmp/stop", check=False, timeout=300)


if __name__ == "__main__":
    sys.exit(pytest.main(["-q", "-s", __file__, *sys.argv[1:]]))
