"""As much of an NBD client as stamps need (newstyle handshake, simple replies)."""
import socket
import struct


class Nbd:
    def __init__(self, path, export):
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
        self.socket.sendall(struct.pack(">IHHQQI", 0x25609513, 0, kind, 1, offset, length) + data)
        _, error, _ = struct.unpack(">IIQ", self._take(16))
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
