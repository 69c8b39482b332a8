"""What one client's flood does to another client: the latency of its gets, alone and beside the flood.

python benchmarks/fairness.py [--connections N] [--seconds S]

Three processes: the server (over SQLite, plain HTTP), the flood, and the client that is measured, which asks for one
ConfigMap every ten milliseconds. The flood keeps all of its connections busy, and comes back at once when it is refused.
"Without" is the same server with priority and fairness taken out.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable

import uvloop

HOST = "127.0.0.1"
MAPS = "/api/v1/namespaces/default/configmaps"
MANY = "/api/v1/namespaces/kube-public/configmaps"
FLOODS = ("none", "get", "list", "watch", "create")
PERIOD = 0.01
LISTED, SIZE = 500, 2000


async def serve(fair: bool) -> None:
    """The server; writes its port to standard output and serves until its standard input ends."""
    from steersman.api.clock import RealClock
    from steersman.api.http import Request, User
    from steersman.apiserver.authn import Authenticator
    from steersman.apiserver.server import App
    from steersman.http.server import HTTPServer
    from steersman.store import open as open_store

    clock = RealClock()
    users = {name: User(name, ("system:authenticated", "readers")) for name in ("victim", "flood")} | {
        "admin": User("admin", ("system:masters",))
    }
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(f"sqlite://{folder}/store.db", clock)
        app = App(store, clock, authenticator=Authenticator(clock, users))
        await app.start()
        if not fair:
            app.fairness.enter = lambda *args: None  # type: ignore[method-assign]
        admin = User("admin", ("system:masters", "system:authenticated"))

        async def make(path: str, obj: object) -> None:
            answer = await app.handle(Request("POST", path, body=json.dumps(obj).encode(), user=admin))
            assert answer.status == 201, answer.body

        rules = [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}]
        group = "rbac.authorization.k8s.io"
        role = {"apiVersion": f"{group}/v1", "kind": "ClusterRole", "metadata": {"name": "all"}, "rules": rules}
        await make(f"/apis/{group}/v1/clusterroles", role)
        binding = {
            "metadata": {"name": "all"},
            "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": "all"},
            "subjects": [{"kind": "Group", "apiGroup": group, "name": "readers"}],
        }
        await make(f"/apis/{group}/v1/clusterrolebindings", binding)
        await make(MAPS, {"metadata": {"name": "one"}, "data": {"key": "value"}})
        for i in range(LISTED):
            await make(
                "/api/v1/namespaces/kube-public/configmaps",
                {"metadata": {"name": f"m{i}"}, "data": {"key": "v" * 2000}},
            )
        gc.collect()
        gc.freeze()
        server = HTTPServer(app.handle)
        port = await server.start([HOST], 0)
        print(port, flush=True)
        runner = asyncio.get_running_loop().create_task(app.run())
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
        runner.cancel()
        await app.close()
        await server.close()
        await store.close()


class Connection:
    """One HTTP connection, just good enough for this."""

    def __init__(self, port: int, token: str) -> None:
        self._port, self._token = port, token

    async def open(self) -> None:
        self._reader, self._writer = await asyncio.open_connection(HOST, self._port, limit=1 << 22)

    async def ask(self, method: str, path: str, body: bytes = b"") -> int:
        head = f"{method} {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {self._token}\r\n"
        if body:
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        self._writer.write(head.encode() + b"\r\n" + body)
        answer = await self._reader.readuntil(b"\r\n\r\n")
        lines = answer.decode().lower().split("\r\n")
        length = next(int(line.partition(":")[2]) for line in lines if line.startswith("content-length"))
        await self._reader.readexactly(length)
        return int(lines[0].split()[1])

    async def watch(self, path: str) -> int:
        """A watch that lasts a second: all objects of the beginning, and then nothing."""
        self._writer.write(f"GET {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {self._token}\r\n\r\n".encode())
        head = await self._reader.readuntil(b"\r\n\r\n")
        status = int(head.split()[1])
        if status == 200:
            await self._reader.readuntil(b"\r\n0\r\n\r\n")
        else:
            length = next(line for line in head.decode().lower().split("\r\n") if line.startswith("content-length"))
            await self._reader.readexactly(int(length.partition(":")[2]))
        return status


def _asker(kind: str, connection: Connection, number: int) -> Callable[[int], Awaitable[int]]:
    if kind == "get":
        return lambda i: connection.ask("GET", f"{MAPS}/one")
    if kind == "list":
        return lambda i: connection.ask("GET", MANY)
    if kind == "watch":
        return lambda i: connection.watch(f"{MANY}?watch=1&timeoutSeconds=1")

    def create(i: int) -> Awaitable[int]:
        body = {"metadata": {"name": f"f-{number}-{i}"}, "data": {"key": "v" * 500}}
        return connection.ask("POST", MAPS, json.dumps(body).encode())

    return create


async def flood(port: int, kind: str, connections: int, seconds: float) -> None:
    """Ask as fast as answers come; writes how many were answered and refused."""
    done = {True: 0, False: 0}
    end = time.monotonic() + seconds

    async def one(number: int) -> None:
        connection = Connection(port, "flood")
        await connection.open()
        ask, i = _asker(kind, connection, number), 0
        while time.monotonic() < end:
            done[await ask(i) < 300] += 1
            i += 1

    async with asyncio.TaskGroup() as tasks:
        for number in range(connections):
            tasks.create_task(one(number))
    print(json.dumps({"answered": done[True], "refused": done[False]}), flush=True)


async def measure(port: int, seconds: float) -> dict[str, float]:
    """Milliseconds that gets take which are sent at fixed times, so that a slow answer does not hide others."""
    loop = asyncio.get_running_loop()
    free: asyncio.LifoQueue[Connection] = asyncio.LifoQueue()
    took: list[float] = []
    failed = 0

    async def one(due: float) -> None:
        nonlocal failed
        if free.empty():
            connection = Connection(port, "victim")
            await connection.open()
        else:
            connection = free.get_nowait()
        status = await connection.ask("GET", f"{MAPS}/one")
        took.append(1000 * (loop.time() - due))
        failed += status != 200
        free.put_nowait(connection)

    begin = loop.time()
    async with asyncio.TaskGroup() as tasks:
        for i in range(int(seconds / PERIOD)):
            due = begin + i * PERIOD
            await asyncio.sleep(max(0.0, due - loop.time()))
            tasks.create_task(one(due))
    took.sort()
    return {"p50": statistics.median(took), "p99": took[int(len(took) * 0.99)], "max": took[-1], "failed": failed}


def _process(*args: str) -> subprocess.Popen[str]:
    command = [sys.executable, __file__, *args]
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)


def run(kind: str, fair: bool, connections: int, seconds: float) -> str:
    """One row of the table."""
    server = _process("--serve", "fair" if fair else "unfair")
    assert server.stdout is not None
    port = int(server.stdout.readline())
    told = {"answered": 0, "refused": 0}
    other = None
    if kind != "none":
        other = _process(
            "--flood", kind, "--port", str(port), "--connections", str(connections), "--seconds", str(seconds + 4)
        )
        time.sleep(2)
    found = uvloop.run(measure(port, seconds))
    if other is not None:
        told = json.loads(other.communicate()[0])
    server.communicate("")
    rate = told["answered"] / (seconds + 4)
    cells = (kind, "with" if fair else "without", f"{rate:,.0f}", f"{told['refused'] / (seconds + 4):,.0f}")
    times = (f"{found[n]:.1f}" for n in ("p50", "p99", "max"))
    return f"| {' | '.join((*cells, *times))} |" + (f" {found['failed']:.0f} failed" if found["failed"] else "")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--connections", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--floods", default=",".join(FLOODS))
    parser.add_argument("--serve", choices=("fair", "unfair"))
    parser.add_argument("--flood")
    parser.add_argument("--port", type=int, default=0)
    args = parser.parse_args()
    if args.serve:
        uvloop.run(serve(args.serve == "fair"))
    elif args.flood:
        uvloop.run(flood(args.port, args.flood, args.connections, args.seconds))
    else:
        print(
            f"| flood, {args.connections} connections | fairness | answered/s | refused/s | p50 ms | p99 ms | max ms |"
        )
        print("|---|---|---|---|---|---|---|")
        for kind in args.floods.split(","):
            for fair in (True, False):
                print(run(kind, fair, args.connections, args.seconds), flush=True)


if __name__ == "__main__":
    main()
