"""A throw-away guest with Debian's cloud kernel, for the kernel's own initiators: emulated (no KVM needed), booted in seconds
from a kernel package and an initramfs that are made once and kept in a cache. It reaches this host's loopback as 10.0.2.2.

    guest = Guest(); print(guest.run("uname -r")); guest.close()"""
import base64
import glob
import gzip
import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import time

CACHE = pathlib.Path(os.environ.get("SCORIA_VM_CACHE", pathlib.Path.home() / ".cache" / "scoria-vm"))
PACKAGES = ["open-iscsi", "libopeniscsiusr", "libisns0", "nbd-client", "libnl-3-200", "libnl-genl-3-200", "kmod"]
MODULES = ["virtio_pci", "virtio_net", "virtio_console", "nbd", "iscsi_tcp", "sd_mod", "crc32c_generic", "ext4"]
PROGRAMS = ["/bin/busybox", "/sbin/mkfs.ext4", "/sbin/e2fsck", "/sbin/resize2fs", "/sbin/blockdev", "/sbin/fstrim"]
FROM_PACKAGES = ["sbin/iscsid", "sbin/iscsiadm", "sbin/nbd-client"]
INIT = r"""#!/bin/sh
export PATH=/bin:/sbin
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev
for m in virtio_pci virtio_net virtio_console; do modprobe $m; done
ip link set lo up; ip link set eth0 up; ip addr add 10.0.2.15/24 dev eth0; ip route add default via 10.0.2.2
stty -echo -F /dev/hvc0 2>/dev/null
exec </dev/hvc0 >/dev/hvc0 2>&1
echo READY
while read -r line; do echo "$line" | base64 -d > /tmp/script; sh /tmp/script; echo "@@$?@@"; done
poweroff -f
"""


def sh(*command, **more):
    return subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True, **more).stdout


def fetch(work):
    """Unpacks the kernel and the initiators' packages; downloads what the cache lacks."""
    kernel = re.search(r"Depends: (linux-image-\S+)", sh("apt-cache", "depends", "linux-image-cloud-amd64"))[1]
    for package in [kernel, *PACKAGES]:
        if not glob.glob(f"{CACHE}/{package}_*.deb"):
            sh("apt-get", "-q", "download", package, cwd=CACHE)
        sh("dpkg", "-x", glob.glob(f"{CACHE}/{package}_*.deb")[0], work)


def libraries(program, work):
    found = sh("ldd", program, env={"LD_LIBRARY_PATH": f"{work}/usr/lib/x86_64-linux-gnu:{work}/lib/x86_64-linux-gnu"})
    return re.findall(r"(/\S+\.so\S*)", found)


def install(source, root, target):
    path = pathlib.Path(root) / target.lstrip("/")
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        shutil.copy(os.path.realpath(source), path)


def fill(root, work):
    """The guest's file tree."""
    for folder in "proc sys dev tmp mnt etc run/lock/iscsi var/lib/iscsi var/lock".split():
        os.makedirs(f"{root}/{folder}", exist_ok=True)
    version = os.listdir(f"{work}/lib/modules")[0]
    sh("depmod", "-b", work, version, executable=f"{work}/bin/kmod")
    needed = {}
    for line in open(f"{work}/lib/modules/{version}/modules.dep"):
        name, _, others = line.partition(":")
        needed[os.path.basename(name).split(".")[0].replace("-", "_")] = [name, *others.split()]
    for module in MODULES:
        for path in needed.get(module, []):
            install(f"{work}/lib/modules/{version}/{path}", root, f"lib/modules/{version}/{path}")
    for name in ("modules.builtin", "modules.order", "modules.builtin.modinfo"):
        if os.path.exists(f"{work}/lib/modules/{version}/{name}"):
            install(f"{work}/lib/modules/{version}/{name}", root, f"lib/modules/{version}/{name}")
    sh("depmod", "-b", root, version, executable=f"{work}/bin/kmod")
    for program in [*PROGRAMS, *(f"{work}/{name}" for name in FROM_PACKAGES)]:
        install(program, root, "bin/" + os.path.basename(program))
        for library in libraries(program, work):
            place = "lib64/" + os.path.basename(library) if "ld-linux" in library else "lib/x86_64-linux-gnu/" + os.path.basename(library)
            install(library, root, place)
    for applet in sh("/bin/busybox", "--list").split():
        if not os.path.lexists(f"{root}/bin/{applet}"):
            os.symlink("busybox", f"{root}/bin/{applet}")
    os.symlink("bin", f"{root}/sbin")
    shutil.copytree(f"{work}/etc/iscsi", f"{root}/etc/iscsi")
    pathlib.Path(f"{root}/etc/passwd").write_text("root:x:0:0::/tmp:/bin/sh\n")
    pathlib.Path(f"{root}/etc/group").write_text("root:x:0:\n")
    pathlib.Path(f"{root}/init").write_text(INIT)
    os.chmod(f"{root}/init", 0o755)


def archive(root):
    """The tree as the kernel's initramfs wants it (cpio, "newc")."""
    out = bytearray()

    def entry(name, mode, data):
        fields = [0, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0]
        out.extend(b"070701" + b"".join(b"%08x" % field for field in fields) + name.encode() + b"\0")
        out.extend(b"\0" * (-len(out) % 4))
        out.extend(data)
        out.extend(b"\0" * (-len(out) % 4))

    for path in sorted(pathlib.Path(root).rglob("*")):
        name, status = str(path.relative_to(root)), path.lstat()
        if path.is_symlink():
            entry(name, 0o120777, os.readlink(path).encode())
        elif path.is_dir():
            entry(name, 0o40755, b"")
        else:
            entry(name, 0o100000 | (status.st_mode & 0o777), path.read_bytes())
    entry("TRAILER!!!", 0, b"")
    return bytes(out)


def build():
    if (CACHE / "vmlinuz").exists() and (CACHE / "initrd").exists():
        return
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work, tempfile.TemporaryDirectory() as root:
        fetch(work)
        fill(root, work)
        (CACHE / "initrd.new").write_bytes(gzip.compress(archive(root), 1))
        shutil.copy(glob.glob(work + "/boot/vmlinuz-*")[0], CACHE / "vmlinuz")
        os.rename(CACHE / "initrd.new", CACHE / "initrd")


class Guest:
    def __init__(self, memory=768):
        build()
        self.folder = tempfile.mkdtemp(prefix="scoria-guest-")
        console = f"{self.folder}/console"
        self.process = subprocess.Popen([
            "qemu-system-x86_64", "-M", "q35", "-accel", "tcg,thread=multi", "-cpu", "max", "-m", str(memory), "-smp", "2", "-nodefaults", "-no-user-config",
            "-display", "none", "-no-reboot", "-kernel", str(CACHE / "vmlinuz"), "-initrd", str(CACHE / "initrd"),
            "-append", "console=ttyS0 panic=-1 loglevel=4 mitigations=off tsc=nowatchdog", "-serial", f"file:{self.folder}/serial",
            "-chardev", f"socket,id=console,path={console},server=on,wait=off", "-device", "virtio-serial", "-device", "virtconsole,chardev=console",
            "-netdev", "user,id=net", "-device", "virtio-net-pci,netdev=net,romfile="])
        self.socket = socket.socket(socket.AF_UNIX)
        self.buffer = b""
        try:
            self.connect(console)
            self.until(rb"READY\r?\n", 180)
        except BaseException:
            self.close()
            raise

    def connect(self, console):
        """The path is there a moment before somebody listens."""
        end = time.time() + 30
        while self.socket.connect_ex(console) != 0:
            if time.time() > end or self.process.poll() is not None:
                raise RuntimeError(f"no guest listens at {console}")
            time.sleep(0.01)
        self.socket.settimeout(1)

    def until(self, pattern, timeout):
        end = time.time() + timeout
        while True:
            found = re.search(pattern, self.buffer)
            if found:
                before, self.buffer = self.buffer[:found.start()], self.buffer[found.end():]
                return before, found
            if time.time() > end:
                raise TimeoutError(self.buffer[-2000:].decode("utf-8", "replace") + pathlib.Path(self.folder, "serial").read_text(errors="replace")[-2000:])
            try:
                self.buffer += self.socket.recv(65536)
            except socket.timeout:
                pass

    def run(self, script, timeout=180, check=True):
        """Runs a shell script in the guest; gives its output, or (code, output) without check."""
        self.socket.sendall(base64.b64encode(script.encode()) + b"\n")
        before, found = self.until(rb"@@(\d+)@@\r?\n", timeout)
        output, code = before.decode("utf-8", "replace").replace("\r", ""), int(found[1])
        if not check:
            return code, output
        if code:
            raise AssertionError(f"exit code {code} of: {script}\n{output[-3000:]}")
        return output

    def close(self):
        self.process.kill()
        self.process.wait()
        self.socket.close()
        shutil.rmtree(self.folder)
