"""A volume under the iSCSI initiator of Linux, in a small guest, with the interface of a stamping client (exports_rig.Stamper)."""
import re
import subprocess
import threading
import time

# Each block is written whole and flushed; what was acknowledged is noted with the guest's own time.
WRITER = r"""rm -f /tmp/stop /tmp/acks /tmp/errors; touch /tmp/acks /tmp/errors
(i=0; while [ ! -e /tmp/stop ]; do b=$((i * 7919 % 256)); s=$((i % 249 + 1))
 head -c 4096 /dev/zero | tr '\000' "\\$(printf %03o $s)" | dd of=DEVICE bs=4096 seek=$b conv=fsync,notrunc 2>/dev/null || { echo $b >> /tmp/errors; break; }
 read up rest < /proc/uptime; echo "$b $s $up" >> /tmp/acks; i=$((i + 1)); done) >/dev/null 2>&1 &"""


class GuestStamper(threading.Thread):
    def __init__(self, guest, device):
        super().__init__(daemon=True)
        self.guest, self.device = guest, device
        self.acknowledged, self.stopping, self.trouble, self.gaps, self.count = {}, False, None, [], 0
        self.last = None
        guest.run(WRITER.replace("DEVICE", device))
        self.start()

    def look(self):
        said = self.guest.run(f"read up rest < /proc/uptime; echo now $up; head -n 1 /tmp/errors | sed 's/^/failed /'; tail -n +{self.count + 1} /tmp/acks | sed 's/^/ack /'")
        now = re.search(r"^now ([\d.]+)$", said, re.M)
        if not now:
            return  # the console was interrupted: another look tells all of it
        offset = time.time() - float(now[1])
        if failed := re.search(r"^failed (\d+)$", said, re.M):
            self.trouble = f"the guest's write of block {failed[1]} failed"
        for block, stamp, at in re.findall(r"^ack (\d+) (\d+) ([\d.]+)$", said, re.M):
            self.acknowledged[int(block)] = int(stamp)
            self.gaps.append((float(at) + offset - (self.last or float(at) + offset), float(at) + offset))
            self.last = float(at) + offset
            self.count += 1

    def run(self):
        while not self.stopping and not self.trouble:
            self.look()
            time.sleep(0.3)

    def stop(self):
        self.stopping = True
        self.join(70)
        # The write under way at the end is acknowledged, or its block is left out.
        self.guest.run("touch /tmp/stop; for i in $(seq 300); do pidof dd >/dev/null || exit 0; sleep .1; done; exit 1")
        time.sleep(0.5)
        self.look()

    def lost(self, path, format="raw"):
        flat = str(path) + ".flat"
        subprocess.run(["qemu-img", "convert", "-f", format, "-O", "raw", path, flat], check=True)
        with open(flat, "rb") as file:
            data = file.read()
        subprocess.run(["rm", flat], check=True)
        return [block for block, stamp in self.acknowledged.items() if data[block * 4096:(block + 1) * 4096] != bytes([stamp]) * 4096]


class Guest:
    def __init__(self):
        import guest
        from exports_rig import INITIATOR
        self.inner = guest.Guest()
        self.lock = threading.Lock()
        self.run("for m in crc32c_generic sd_mod iscsi_tcp; do modprobe $m; done")
        self.run(f"echo InitiatorName={INITIATOR} > /etc/iscsi/initiatorname.iscsi; iscsid && sleep 1")

    def run(self, script):
        with self.lock:
            return self.inner.run(script)

    def login(self, made):
        node = f"iscsiadm -m node -T {made['target_iqn']} -p {made['target_portal']},1"
        settings = (("node.session.auth.authmethod", "CHAP"), ("node.session.auth.username", made["auth_username"]),
                    ("node.session.auth.password", made["auth_password"]), ("node.session.initial_login_retry_max", "60"),
                    ("node.session.timeo.replacement_timeout", "120"), ("node.conn[0].timeo.login_timeout", "2"),
                    ("node.conn[0].timeo.noop_out_interval", "1"), ("node.conn[0].timeo.noop_out_timeout", "1"), ("node.session.iscsi.DefaultTime2Wait", "0"))
        self.run(f"{node} -o new >/dev/null\n" + "\n".join(f"{node} -o update -n '{key}' -v {value}" for key, value in settings))
        self.run(f"{node} --login && for i in $(seq 100); do ls /dev/sd? 2>/dev/null && exit 0; sleep .1; done; exit 1")
        return node, self.run("ls /dev/sd?").split()[-1]

    def close(self):
        self.inner.close()
