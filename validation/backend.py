"""A back end whose service times its requests bring with them.

A request for /?s=0.040 occupies one of WORKERS workers for 40 ms, first come first served, and is told how long that
really was. It sleeps, so a busy machine hardly matters. /check is answered at once, past the queue. SIGUSR1 makes
its work SLOW times as long, SIGUSR2 ends that; other failures are done to the process from outside (SIGKILL,
SIGSTOP).

    python3 backend.py NAME PORT WORKERS SLOW        0 workers = as many as there are requests
"""

import asyncio
import contextlib
import signal
import socket
import sys
import time


class Backend:
    def __init__(self, name, workers, slow):
        self.name = name
        self.workers = asyncio.Semaphore(workers or 1_000_000)
        self.slow = slow
        self.factor = 1.0
        self.changed = asyncio.Event()

    def is_slow(self, factor):
        """All work goes so much slower from now on, that under way too."""
        self.factor = factor
        self.changed.set()
        self.changed = asyncio.Event()

    async def work(self, seconds):
        """Does the work, and says how much it has become: a sleep is never quite as short as was asked for."""
        async with self.workers:
            left = seconds
            while left > 0:
                began, factor = time.monotonic(), self.factor
                with contextlib.suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(self.changed.wait(), left * factor)
                left -= (time.monotonic() - began) / factor
            return seconds - left

    async def answer(self, reader, writer):
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            path = head.split(b" ", 2)[1].decode()
            took = await self.work(float(path[4:])) if path.startswith("/?s=") else 0
            writer.write(
                f"HTTP/1.1 200 OK\r\nX-Server: {self.name}\r\nX-Took: {took:.6f}\r\n"
                "Content-Length: 2\r\nConnection: close\r\n\r\nok".encode()
            )
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def serve(self, port):
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGUSR1, self.is_slow, self.slow)
        loop.add_signal_handler(signal.SIGUSR2, self.is_slow, 1.0)
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        server = await asyncio.start_server(self.answer, sock=listener, backlog=1024)
        print("ready", flush=True)
        async with server:
            await server.serve_forever()


async def main():
    name, port, workers, slow = sys.argv[1:]
    await Backend(name, int(workers), float(slow)).serve(int(port))


asyncio.run(main())
