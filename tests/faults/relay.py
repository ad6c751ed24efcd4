#!/usr/bin/python3
"""A TCP relay that can be slow: relay.py LISTEN-ADDRESS TARGET-ADDRESS:PORT… Prints a port for each target. Lines on standard input: `delay
MILLISECONDS` (each way, with as much jitter again), `stall` (nothing passes), `go`, `reset` (ends all connections)."""
import asyncio
import functools
import random
import socket
import sys

# As the nodes' own connections: a machine that has gone without a word is noticed.
NOTICES = [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1), (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 5), (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 2),
           (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3), (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 10000)]


class Relay:
    def __init__(self):
        self.delay, self.open, self.ends = 0.0, asyncio.Event(), set()
        self.open.set()

    async def pump(self, reader, writer):
        try:
            while data := await reader.read(1 << 16):
                if self.delay:
                    await asyncio.sleep(self.delay * random.uniform(1, 2))
                await self.open.wait()
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

    async def serve(self, target, reader, writer):
        try:
            far_reader, far_writer = await asyncio.open_connection(*target.split(":"))
        except OSError:
            writer.close()
            return
        for option in NOTICES:
            far_writer.get_extra_info("socket").setsockopt(*option)
        pair = {writer, far_writer}
        self.ends |= pair
        await asyncio.gather(self.pump(reader, far_writer), self.pump(far_reader, writer))
        self.ends -= pair

    def obey(self, words):
        if words[0] == "delay":
            self.delay = float(words[1]) / 1000
        elif words[0] == "stall":
            self.open.clear()
        elif words[0] == "go":
            self.open.set()
        elif words[0] == "reset":
            for end in self.ends:
                end.transport.abort()


async def main():
    relay = Relay()
    servers = [await asyncio.start_server(functools.partial(relay.serve, target), sys.argv[1], 0) for target in sys.argv[2:]]
    print(*(server.sockets[0].getsockname()[1] for server in servers), flush=True)
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := await lines.readline():
        relay.obey(line.decode().split())


asyncio.run(main())
