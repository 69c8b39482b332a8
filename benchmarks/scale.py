"""Fills an API server with as many objects as Kubernetes supports, and measures what they cost.

usage: python benchmarks/scale.py [--pods 150000] [--nodes 5000] [--connections 16]
Everything is created through the API over HTTPS and is durable. Prints the rate at which pods are created in each tenth of the
run (it must not fall), memory and bytes on disk of an object, lists of all pods, the latency of watch events with that store,
and the time until the server is ready again. Needs kubectl.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from loads.api import INSECURE, pod
from loads.servers import Running, Steersman

NAMESPACES = 100
EVENTS = 300
CHUNK = 1 << 20


class Connection:
    """One kept-alive connection."""

    def __init__(self, server: Running, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.server, self.reader, self.writer = server, reader, writer

    async def send(self, method: str, path: str, body: Any = None) -> int:
        """Send a request, and read the answer up to the end of its head. The number of bytes that follow, -1 if unknown."""
        data = b"" if body is None else json.dumps(body, separators=(",", ":")).encode()
        head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self.server.token}\r\n"
        if data:
            head += f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n"
        self.writer.write(f"{head}\r\n".encode() + data)
        status = await self.reader.readline()
        if int(status.split()[1]) >= 300:
            raise SystemExit(f"{method} {path}: {status.decode()}{(await self.reader.read(2000)).decode()}")
        length = -1
        while (line := await self.reader.readline()).strip():
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        return length

    async def call(self, method: str, path: str, body: Any = None) -> bytes:
        return await self.reader.readexactly(await self.send(method, path, body))

    async def measure(self, path: str) -> tuple[int, float, float]:
        """(bytes, seconds, seconds until the first of them) of a list, which comes in chunks when it is long."""
        began = time.monotonic()
        length = await self.send("GET", path)
        size, first = 0, 0.0
        while length != size:
            if length >= 0:
                piece = await self.reader.read(min(CHUNK, length - size))
                size += len(piece)
            else:
                chunk = int(await self.reader.readline(), 16)
                await self.reader.readexactly(chunk + 2)
                size += chunk
                if not chunk:
                    break
            first = first or time.monotonic() - began
        return size, time.monotonic() - began, first


@asynccontextmanager
async def connected(server: Running) -> AsyncIterator[Connection]:
    host, _, port = server.url.removeprefix("https://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port), ssl=INSECURE, limit=64 << 20)
    try:
        yield Connection(server, reader, writer)
    finally:
        writer.close()


def node(number: int) -> dict[str, Any]:
    amounts = {"cpu": "8", "memory": "32Gi", "pods": "110", "ephemeral-storage": "100Gi"}
    ready = {"type": "Ready", "status": "True", "reason": "KubeletReady"}
    labels = {"kubernetes.io/hostname": f"node-{number}", "topology.kubernetes.io/zone": f"zone-{number % 3}"}
    status = {"capacity": amounts, "allocatable": amounts, "conditions": [ready]}
    return {"metadata": {"name": f"node-{number}", "labels": labels}, "status": status}


def bound_pod(number: int, nodes: int) -> dict[str, Any]:
    made = pod(f"pod-{number}")
    made["spec"]["nodeName"] = f"node-{number % nodes}"
    return made


def requests(first: int, last: int, nodes: int) -> Iterator[tuple[str, Any]]:
    for number in range(first, last):
        yield f"/api/v1/namespaces/scale-{number % NAMESPACES}/pods", bound_pod(number, nodes)


async def create(server: Running, work: Iterator[tuple[str, Any]], connections: int) -> float:
    """Seconds in which all of it was created."""

    async def worker() -> None:
        async with connected(server) as connection:
            for path, body in work:
                await connection.call("POST", path, body)

    began = time.monotonic()
    await asyncio.gather(*(worker() for _ in range(connections)))
    return time.monotonic() - began


async def fill(server: Running, options: argparse.Namespace) -> None:
    empty = server.resident
    namespaces = [f"scale-{n}" for n in range(NAMESPACES)]
    setup = [("/api/v1/namespaces", {"metadata": {"name": n}}) for n in namespaces]
    await create(server, iter(setup), 1)
    accounts = [(f"/api/v1/namespaces/{n}/serviceaccounts", {"metadata": {"name": "default"}}) for n in namespaces]
    await create(server, iter(accounts), 1)
    took = await create(server, iter([("/api/v1/nodes", node(n)) for n in range(options.nodes)]), options.connections)
    print(f"{options.nodes} nodes: {took:.1f} s, {options.nodes / took:.0f}/s", flush=True)
    before = server.resident
    tenth = options.pods // 10
    rates, total = [], 0.0
    for part in range(10):
        took = await create(server, requests(part * tenth, (part + 1) * tenth, options.nodes), options.connections)
        rates.append(f"{tenth / took:.0f}")
        total += took
    print(f"{tenth * 10} pods: {total:.1f} s; per second, by tenth: {' '.join(rates)}", flush=True)
    memory = server.resident
    print(f"memory: {empty:.0f} MiB empty, {before:.0f} MiB with nodes, {memory:.0f} MiB with pods", flush=True)
    print(f"  {(memory - before) * 1024 / (tenth * 10):.1f} KiB a pod", flush=True)


async def read(server: Running) -> None:
    async with connected(server) as connection:
        for what, path in (
            ("all pods", "/api/v1/pods"),
            ("pods of a namespace", "/api/v1/namespaces/scale-1/pods"),
            ("pods of a node", "/api/v1/pods?fieldSelector=spec.nodeName%3Dnode-7"),
            ("pods of a node again", "/api/v1/pods?fieldSelector=spec.nodeName%3Dnode-8"),
            ("a page of 500 pods", "/api/v1/pods?limit=500"),
        ):
            size, took, first = await connection.measure(path)
            print(
                f"list, {what}: {size / 2**20:.1f} MiB in {took:.3f} s, the first bytes after {first:.3f} s", flush=True
            )


async def follow(connection: Connection, late: list[float]) -> None:
    """Note how old each change is when it arrives."""
    mark = b'"sent":"'
    while len(late) < EVENTS:
        line = await connection.reader.readline()
        start = line.find(mark)
        if start >= 0:
            start += len(mark)
            late.append(time.time() - float(line[start : line.index(b'"', start)]))


async def watch(server: Running) -> None:
    """The latency of events of pods for one who watches them all."""
    late: list[float] = []
    async with connected(server) as watcher, connected(server) as writer:
        revision = json.loads(await writer.call("GET", "/api/v1/pods?limit=1"))["metadata"]["resourceVersion"]
        await watcher.send("GET", f"/api/v1/pods?watch=1&resourceVersion={revision}")
        following = asyncio.create_task(follow(watcher, late))
        for number in range(EVENTS):
            made = pod(f"watched-{number}")
            made["metadata"]["annotations"] = {"sent": f"{time.time():.6f}"}
            await writer.call("POST", "/api/v1/namespaces/scale-1/pods", made)
            await asyncio.sleep(0.005)
        await following
    late.sort()
    print(
        f"watch: p50 {statistics.median(late) * 1e3:.1f} ms, p99 {late[int(len(late) * 0.99)] * 1e3:.1f} ms", flush=True
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pods", type=int, default=150_000)
    parser.add_argument("--nodes", type=int, default=5_000)
    parser.add_argument("--connections", type=int, default=16)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="steersman-bench-") as folder:
        made = Steersman(Path(folder))
        with made.start() as server:
            asyncio.run(fill(server, options))
            asyncio.run(read(server))
            asyncio.run(watch(server))
            print(f"memory after lists: {server.resident:.0f} MiB", flush=True)
        size = sum(p.stat().st_size for p in Path(folder).rglob("*store*") if p.is_file())
        print(f"store on disk: {size / 2**20:.0f} MiB", flush=True)
        with made.start() as server:
            print(f"ready again after {server.ready:.2f} s, {server.resident:.0f} MiB", flush=True)
            asyncio.run(read(server))


if __name__ == "__main__":
    main()
