"""As much of an NBD client as stamps need (newstyle handshake, simple replies)."""
import json
import pathlib
import socket
import struct
import time


class Silent(Exception):
    """A server that took the connection and gives no answer; with what could be seen of it."""


def process(pid):
    """What it is and does."""
    try:
        folder = pathlib.Path(f"/proc/{pid}")
        words = (folder / "cmdline").read_bytes().replace(b"\0", b" ")[:300].decode(errors="replace")
        tasks = [f"{(task / 'comm').read_text().strip()} {(task / 'stat').read_text().rsplit(')', 1)[1].split()[0]} {(task / 'wchan').read_text()} {(task / 'syscall').read_text().split(' ')[0].strip()}"
                 for task in (folder / "task").iterdir()]
        return f"{pid}: {words} [{'; '.join(tasks)}]"
    except OSError:
        return f"{pid}: gone"


def named_after(text):
    """Processes with that in their arguments."""
    for entry in pathlib.Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and text.encode() in (entry / "cmdline").read_bytes():
                yield entry.name
        except OSError:
            pass


def told_by(path):
    """A storage daemon's own view."""
    asked = socket.socket(socket.AF_UNIX)
    asked.settimeout(3)
    try:
        asked.connect(path)
        asked.sendall(b"".join(json.dumps({"execute": one}).encode() + b"\n" for one in ("qmp_capabilities", "query-block-exports", "query-named-block-nodes", "query-jobs")))
        said = b""
        while said.count(b'"return"') < 4:
            more = asked.recv(1 << 20)
            if not more:
                break
            said += more
        return said.decode()
    except OSError as failure:
        return f"{type(failure).__name__}: {failure}"
    finally:
        asked.close()


class Nbd:
    def __init__(self, path, export):
        self.path, self.export, self.asked = path, export, "hello"
        self.socket = None
        try:
            self.open(path, export)
        except TimeoutError as late:
            raise Silent(self.evidence()) from late

    def evidence(self):
        """Whose the connection is, what those are doing, and whether an answer comes after all."""
        listener = struct.unpack("3i", self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]
        folder = pathlib.Path(self.path).parent
        out = [f"no answer to '{self.asked}' of {self.export} at {self.path} for 20 s", f"made to listen by {process(listener)}"]
        out += [f"of its folder: {process(pid)}" for pid in named_after(str(folder))]
        out += [f"{file}: {(folder / file).read_text() if (folder / file).exists() else 'gone'}" for file in ("record", "log")]
        out.append(f"daemon: {told_by(str(folder / 'qmp'))}")
        begun = time.monotonic()
        self.socket.settimeout(60)
        try:
            out.append(f"after {time.monotonic() - begun:.1f} s more: {self.socket.recv(64)!r}")
        except OSError as failure:
            out.append(f"after {time.monotonic() - begun:.1f} s more: {failure}")
        return "\n  ".join(out)

    def open(self, path, export):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(20)
        self.socket.connect(path)
        if self._take(18)[:16] != b"NBDMAGICIHAVEOPT":
            raise OSError("not an NBD server")
        name = export.encode()
        data = struct.pack(">I", len(name)) + name + struct.pack(">H", 0)
        self.socket.sendall(struct.pack(">I", 3) + b"IHAVEOPT" + struct.pack(">II", 7, len(data)) + data)  # 7: GO
        self.size = 0
        while True:
            _, _, kind, length = struct.unpack(">QIII", self._take(20))
            text = self._take(length)
            if kind == 3 and text[:2] == b"\0\0":
                self.size = struct.unpack(">Q", text[2:10])[0]
            if kind == 1:
                return
            if kind & 0x80000000:
                raise OSError(f"export {export}: {kind:x} {text!r}")

    def _take(self, count):
        out = b""
        while len(out) < count:
            more = self.socket.recv(count - len(out))
            if not more:
                raise OSError("the NBD server hung up")
            out += more
        return out

    def _ask(self, kind, offset=0, length=0, data=b""):
        self.asked = f"command {kind} at {offset}"
        self.socket.sendall(struct.pack(">IHHQQI", 0x25609513, 0, kind, 1, offset, length) + data)
        try:
            _, error, _ = struct.unpack(">IIQ", self._take(16))
        except TimeoutError as late:
            raise Silent(self.evidence()) from late
        if error:
            raise OSError(f"NBD command {kind} at {offset}: error {error}")
        return self._take(length) if kind == 0 else b""

    def read(self, offset, length):
        return self._ask(0, offset, length)

    def write(self, offset, data):
        self._ask(1, offset, len(data), data)

    def flush(self):
        self._ask(3)

    def close(self):
        try:
            self.socket.sendall(struct.pack(">IHHQQI", 0x25609513, 0, 2, 1, 0, 0))
        finally:
            self.socket.close()
