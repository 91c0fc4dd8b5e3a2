"""The real side: starts servers on loopback, drives them with a trace, does the case's failure to them, and notes what
happened. Every process is ours, known by its id, and ends with the run; every port is high and free; every file is in
the run's own temporary folder.
"""

import asyncio
import contextlib
import os
import re
import shutil
import signal
import socket
import sys
import time
from pathlib import Path

import mysql
from case import FAILS_AT, FAILS_FOR, SLOW, Observation, Row

HERE = Path(__file__).parent
# A multiple of every round of the cases' weights, so that the trace begins where a round does.
CALIBRATIONS = 16


class Missing(Exception):
    """A program this case needs is not installed."""


def program(name):
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    if not found:
        raise Missing(f"{name} is not installed")
    return found


# Below the range from which the kernel takes the near ends of connections. None is given out twice: a server that was
# killed wants its own back.
PORTS = iter(range(20_000 + os.getpid() * 97 % 6_000, 32_000))


def free_port():
    for port in PORTS:
        with socket.socket() as s, contextlib.suppress(OSError):
            s.bind(("127.0.0.1", port))
            return port
    raise OSError("no free port below 32000")


class Processes:
    """Every process started, by name. Leaving the block ends them, by process id."""

    def __init__(self):
        self.running = {}

    async def start(self, name, *command, ready=None):
        """Starts it, and waits for the line `ready` where it prints one."""
        out = asyncio.subprocess.PIPE if ready else asyncio.subprocess.DEVNULL
        process = await asyncio.create_subprocess_exec(
            *map(str, command), stdin=asyncio.subprocess.DEVNULL, stdout=out, stderr=asyncio.subprocess.DEVNULL
        )
        self.running[name] = process
        if ready and (await asyncio.wait_for(process.stdout.readline(), 30)).decode().strip() != ready:
            raise RuntimeError(f"{name} did not start")

    def signal(self, name, number):
        self.running[name].send_signal(number)

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        for process in self.running.values():
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGCONT)
                process.kill()
        for process in self.running.values():
            await process.wait()


async def until_open(port, patience=30):
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            return
        except OSError:
            await asyncio.sleep(0.005)
    raise RuntimeError(f"nothing listens on port {port} after {patience} s")


# --- configurations -------------------------------------------------------------------------------------------------


def haproxy_config(case, port, backends, log_port):
    options = f"check inter {int(case.inter * 1000)} fall {case.fall} rise {case.rise}"
    limit = f" maxconn {case.maxconn}" if case.maxconn else ""
    limit += f" maxqueue {case.maxqueue}" if case.maxqueue else ""
    lines = []
    for i, (name, at) in enumerate(backends):
        backup = " backup" if case.backup and i > 0 else ""
        lines.append(f"  server {name} 127.0.0.1:{at} {options} weight {case.weights[i]}{limit}{backup}")
    return "\n".join(
        [
            "global",
            "  nbthread 1",
            f"  log 127.0.0.1:{log_port} local0",
            "defaults",
            "  mode http",
            "  log global",
            "  option http-server-close",
            "  timeout connect 2s",
            "  timeout client 60s",
            f"  timeout server {int(case.server_timeout * 1000)}",
            f"  timeout queue {int(case.queue_timeout * 1000)}",
            f"  retries {case.retries}",
            "  option redispatch" if case.redispatch else "",
            "frontend fe",
            f"  bind 127.0.0.1:{port}",
            "  default_backend be",
            "backend be",
            f"  balance {case.algorithm}",
            "  option httpchk GET /check" if case.failure == "hang" else "",
            *lines,
            "",
        ]
    )


def nginx_config(case, port, backends, folder):
    lines = []
    for i, (name, at) in enumerate(backends):
        backup = " backup" if case.backup and i > 0 else ""
        lines.append(f"    server 127.0.0.1:{at} weight={case.weights[i]} max_fails=1 fail_timeout=2s{backup};")
    return "\n".join(
        [
            "daemon off;",
            "master_process off;",
            f"pid {folder}/nginx.pid;",
            f"error_log {folder}/error.log;",
            "events { worker_connections 4096; }",
            "http {",
            "  access_log off;",
            *(f"  {w}_temp_path {folder}/{w};" for w in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")),
            "  upstream be {",
            "    least_conn;" if case.algorithm == "least_conn" else "",
            *lines,
            "  }",
            "  server {",
            f"    listen 127.0.0.1:{port} backlog=1024;",
            "    location / {",
            "      proxy_pass http://be;",
            "      proxy_connect_timeout 2s;",
            f"      proxy_read_timeout {int(case.server_timeout * 1000)}ms;",
            "    }",
            "  }",
            "}",
            "",
        ]
    )


# --- HTTP -----------------------------------------------------------------------------------------------------------


async def get(port, service):
    """Asks for so much service. The status (`0` = closed without one), who answered, and how long the service took."""
    writer = None
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GET /?s={service:.6f} HTTP/1.1\r\nHost: kit\r\nConnection: close\r\n\r\n".encode())
        answer = (await reader.read(-1)).decode("latin-1")
    except OSError:
        return "0", "", None
    finally:
        if writer:
            writer.close()
    if not answer.startswith("HTTP/"):
        return "0", "", None
    head = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in answer.split("\r\n")[1:])}
    took = float(head["x-took"]) if "x-took" in head else None
    return answer.split(" ", 2)[1], head.get("x-server", ""), took


class HttpStack:
    """A proxy in front of two back ends."""

    def __init__(self, case, processes, folder):
        self.case, self.processes, self.folder = case, processes, folder
        self.port = free_port()
        self.backends = []
        self.log = []

    async def start(self):
        for i in range(2):
            self.backends.append((f"s{i + 1}", free_port()))
            await self.start_backend(i)
        if self.case.server == "haproxy":
            await self.start_haproxy()
        else:
            config = self.folder / "nginx.conf"
            config.write_text(nginx_config(self.case, self.port, self.backends, self.folder))
            await self.processes.start("nginx", program("nginx"), "-p", self.folder, "-c", config)
        await until_open(self.port)

    async def start_backend(self, i):
        name, port = self.backends[i]
        workers = 0 if self.case.maxconn else self.case.workers[i]
        command = [sys.executable, HERE / "backend.py", name, port, workers, SLOW]
        await self.processes.start(name, *command, ready="ready")

    async def start_haproxy(self):
        loop = asyncio.get_running_loop()
        log_port = free_port()
        await loop.create_datagram_endpoint(lambda: LogReader(self.log), local_addr=("127.0.0.1", log_port))
        config = self.folder / "haproxy.cfg"
        config.write_text(haproxy_config(self.case, self.port, self.backends, log_port))
        await self.processes.start("haproxy", program("haproxy"), "-db", "-f", config)

    async def ask(self, service):
        return await get(self.port, service)

    async def fail(self):
        number = {"kill": signal.SIGKILL, "hang": signal.SIGSTOP, "slow": signal.SIGUSR1}[self.case.failure]
        self.processes.signal("s1", number)

    async def restore(self):
        if self.case.failure == "kill":
            await self.processes.running["s1"].wait()
            await self.start_backend(0)
        else:
            self.processes.signal("s1", signal.SIGCONT if self.case.failure == "hang" else signal.SIGUSR2)


class LogReader(asyncio.DatagramProtocol):
    """Notes when HAProxy says that a server is down or up."""

    def __init__(self, log):
        self.log = log

    def datagram_received(self, data, _):
        if found := re.search(rb"Server be/(\w+) is (DOWN|UP)", data):
            self.log.append((time.monotonic(), found[1].decode(), found[2].decode().lower()))


# --- MariaDB --------------------------------------------------------------------------------------------------------


class DatabaseStack:
    """A database of its own, in the run's folder. A query's service is a sleep in the server."""

    def __init__(self, case, processes, folder):
        self.case, self.processes, self.folder = case, processes, folder
        self.port = free_port()
        self.log = []

    async def start(self):
        data = self.folder / "data"
        install = await asyncio.create_subprocess_exec(
            *[program("mariadb-install-db"), "--no-defaults", f"--datadir={data}", "--skip-test-db"],
            *["--auth-root-authentication-method=normal", f"--user={os.environ.get('USER', 'root')}"],
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        if await install.wait():
            raise RuntimeError("mariadb-install-db failed")
        (self.folder / "init.sql").write_text("CREATE USER IF NOT EXISTS 'kit'@'127.0.0.1';\n")
        await self.start_server()

    async def start_server(self):
        command = [
            *[program("mariadbd"), "--no-defaults", f"--datadir={self.folder / 'data'}", f"--port={self.port}"],
            *["--bind-address=127.0.0.1", f"--socket={self.folder / 's'}", "--user=root", "--skip-name-resolve"],
            *[f"--init-file={self.folder / 'init.sql'}", f"--max-connections={self.case.max_connections}"],
            "--innodb-buffer-pool-size=16M",
        ]
        await self.processes.start("mariadbd", *command)
        await until_open(self.port)

    async def ask(self, service):
        return await mysql.sleep(self.port, "kit", service)

    async def fail(self):
        self.processes.signal("mariadbd", signal.SIGKILL)

    async def restore(self):
        await self.processes.running["mariadbd"].wait()
        await self.start_server()


# --- a run ----------------------------------------------------------------------------------------------------------


async def calibrate(stack):
    """What the way there and back adds to the service of a lone request, in seconds."""
    extra = []
    for _ in range(CALIBRATIONS):
        began = time.monotonic()
        _, _, took = await stack.ask(0.02)
        extra.append(time.monotonic() - began - took)
    return sorted(extra)[CALIBRATIONS // 2]


async def watch_stalls(stalls):
    """Notes by how much the machine let a short sleep grow: whoever drives the load must itself not be held up."""
    while True:
        began = time.monotonic()
        await asyncio.sleep(0.005)
        stalls.append(time.monotonic() - began - 0.005)


async def drive(stack, trace, origin):
    async def one(at, service):
        await asyncio.sleep(origin + at - time.monotonic())
        began = time.monotonic()
        code, server, took = await stack.ask(service)
        return Row(began - origin, service if took is None else took, code, server, time.monotonic() - began)

    return await asyncio.gather(*(one(at, service) for at, service in trace))


async def injure(stack, case, origin):
    """Does the failure and undoes it; when each was done."""
    if case.failure == "none":
        return None
    await asyncio.sleep(origin + FAILS_AT - time.monotonic())
    await stack.fail()
    failed = time.monotonic() - origin
    await asyncio.sleep(origin + FAILS_AT + FAILS_FOR - time.monotonic())
    await stack.restore()
    return failed, time.monotonic() - origin


async def observe(case, folder):
    """One run of a case against the real programs."""
    async with Processes() as processes:
        stack = (DatabaseStack if case.server == "mariadb" else HttpStack)(case, processes, folder)
        await stack.start()
        overhead = await calibrate(stack)
        # Nginx counts `fail_timeout` in whole seconds of the clock on the wall: the trace begins with one.
        to_second = 1.0 - time.time() % 1.0
        origin = time.monotonic() + to_second
        stalls = []
        watcher = asyncio.create_task(watch_stalls(stalls))
        rows, failure = await asyncio.gather(drive(stack, case.trace(), origin), injure(stack, case, origin))
        if failure:
            await asyncio.sleep(max(0, origin + failure[1] + case.recovery()[1] + 0.3 - time.monotonic()))
        watcher.cancel()
        seen = [(at - origin, server, what) for at, server, what in stack.log if at >= origin]
        return Observation(rows, failure, seen, overhead, max(stalls))
