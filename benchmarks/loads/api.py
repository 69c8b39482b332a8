"""Loads one Kubernetes API server over HTTPS and prints what it did per second, one JSON line per operation.

usage: python benchmarks/loads/api.py URL TOKEN [--seconds 5] [--connections 16] [--pods 500] [--only create,get,…]
Needs wrk. The load is the same for every server, so that ratios between servers mean something. Operations: creation of pods
and of ConfigMaps, get of a pod, list of 500 pods, merge patch of a pod's label, update of a ConfigMap, and 100 watchers that
are each told of 300 new ConfigMaps.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import ssl
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

OPERATIONS = ("create", "create_cm", "get", "list500", "patch", "update", "watch")
WATCHERS, CHANGES = 100, 300
UPDATED = 100
DELIVERY_SECONDS = 30.0
INSECURE = ssl._create_unverified_context()


def pod(name: str) -> dict[str, Any]:
    """A pod of some 2 KB that no scheduler takes."""
    variables = [{"name": f"SETTING_{n}", "value": "y" * 20} for n in range(8)]

    def container(name: str) -> dict[str, Any]:
        return {
            "name": name,
            "image": "registry.example/app:v1",
            "env": variables,
            "ports": [{"containerPort": 80}],
            "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"memory": "128Mi"}},
            "readinessProbe": {"httpGet": {"path": "/", "port": 80}},
        }

    labels = {"app": "bench", "tier": "web", "pod": name}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": labels, "annotations": {"note": "n" * 100}},
        "spec": {
            "schedulerName": "nobody",
            "containers": [container("web"), container("sidecar")],
            "tolerations": [{"key": "a", "operator": "Exists"}],
        },
    }


def config_map(name: str, value: str = "z" * 200) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"k": value}}


class Server:
    """The server under load, and a namespace of its own for it."""

    def __init__(self, url: str, token: str, seconds: int, connections: int, pods: int) -> None:
        self.url, self.token, self.seconds, self.connections, self.pods = url, token, seconds, connections, pods
        self.namespace = f"bench-{uuid.uuid4().hex[:6]}"
        self.path = f"/api/v1/namespaces/{self.namespace}"

    def call(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        with urlopen(Request(self.url + path, data, headers, method=method), context=INSECURE) as answer:
            return json.loads(answer.read())

    def prepare(self) -> None:
        self.call("POST", "/api/v1/namespaces", {"metadata": {"name": self.namespace}})
        # Without controllers nobody else makes the account that pods run as.
        accounts = f"{self.path}/serviceaccounts"
        if not any(a["metadata"]["name"] == "default" for a in self.call("GET", accounts)["items"]):
            self.call("POST", accounts, {"metadata": {"name": "default"}})
        for number in range(self.pods):
            self.call("POST", f"{self.path}/pods", pod(f"p{number}"))

    def wrk(self, request: str, media: str = "application/json") -> dict[str, Any]:
        """Run a Lua request function, which may count with `n` and knows its thread as `tid`."""
        script = f"""
wrk.headers["Authorization"] = "Bearer {self.token}"
wrk.headers["Accept"] = "application/json"
wrk.headers["Content-Type"] = "{media}"
local threads, n = 0, 0
function setup(thread) thread:set("tid", threads); threads = threads + 1 end
function request() n = n + 1; {request} end
"""
        with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
            file.write(script)
            file.flush()
            command = [
                "wrk",
                "-t2",
                f"-c{self.connections}",
                f"-d{self.seconds}s",
                "--latency",
                "-s",
                file.name,
                self.url,
            ]
            text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        failed = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
        return {
            "per_second": float(found(r"Requests/sec:\s+([\d.]+)", text)),
            "p50": found(r"50%\s+(\S+)", text),
            "p99": found(r"99%\s+(\S+)", text),
            "failed": int(failed.group(1)) if failed else 0,
        }


def found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    if match is None:
        raise SystemExit(f"wrk said:\n{text}")
    return match.group(1)


def lua(value: Any) -> str:
    """A Lua string of the JSON, in which NAME stands for what a request is about."""
    return "[==[" + json.dumps(value).replace("%", "%%") + "]==]"


def create(server: Server) -> dict[str, Any]:
    body = f'string.gsub({lua(pod("NAME"))}, "NAME", "c-" .. tid .. "-" .. n)'
    return server.wrk(f'return wrk.format("POST", "{server.path}/pods", nil, ({body}))')


def create_cm(server: Server) -> dict[str, Any]:
    body = f'string.gsub({lua(config_map("NAME"))}, "NAME", "m-" .. tid .. "-" .. n)'
    return server.wrk(f'return wrk.format("POST", "{server.path}/configmaps", nil, ({body}))')


def get(server: Server) -> dict[str, Any]:
    return server.wrk(f'return wrk.format("GET", "{server.path}/pods/p" .. math.random(0, {server.pods - 1}))')


def list500(server: Server) -> dict[str, Any]:
    return server.wrk(f'return wrk.format("GET", "{server.path}/pods?limit=500")')


def patch(server: Server) -> dict[str, Any]:
    body = """'{"metadata":{"labels":{"n":"' .. tid .. "-" .. n .. '"}}}'"""
    target = f'"{server.path}/pods/p" .. math.random(0, {server.pods - 1})'
    return server.wrk(f'return wrk.format("PATCH", {target}, nil, {body})', "application/merge-patch+json")


def update(server: Server) -> dict[str, Any]:
    for number in range(UPDATED):
        server.call("POST", f"{server.path}/configmaps", config_map(f"u{number}"))
    body = f'string.gsub(string.gsub({lua(config_map("NAME"))}, "NAME", name), "zzzz", tid .. "." .. n .. ".", 1)'
    return server.wrk(
        f'local name = "u" .. math.random(0, {UPDATED - 1}); '
        f'return wrk.format("PUT", "{server.path}/configmaps/" .. name, nil, ({body}))'
    )


def watch(server: Server) -> dict[str, Any]:
    return asyncio.run(Fanout(server).run())


class Fanout:
    """Watchers that are all told of the same changes; what is measured is how many of these arrive in a second, and when."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.late: list[float] = []
        self.all_arrived = asyncio.Event()

    async def run(self) -> dict[str, Any]:
        server = self.server
        revision = server.call("GET", f"{server.path}/configmaps")["metadata"]["resourceVersion"]
        watchers = [asyncio.create_task(self.follow(revision)) for _ in range(WATCHERS)]
        await asyncio.sleep(1)
        began = time.time()
        await self.change()
        done, _ = await asyncio.wait([asyncio.create_task(self.all_arrived.wait())], timeout=DELIVERY_SECONDS)
        took = time.time() - began
        for watcher in watchers:
            watcher.cancel()
        await asyncio.gather(*watchers, return_exceptions=True)
        self.late.sort()
        missing = 0 if done else WATCHERS * CHANGES - len(self.late)
        at = self._late
        return {"per_second": len(self.late) / took, "p50": at(0.5), "p99": at(0.99), "failed": missing}

    def _late(self, share: float) -> str:
        return f"{self.late[int(len(self.late) * share)] * 1e3:.1f}ms" if self.late else ""

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        address = urlsplit(self.server.url)
        return await asyncio.open_connection(address.hostname, address.port, ssl=INSECURE, limit=1 << 20)

    def head(self, method: str, query: str, rest: str = "") -> bytes:
        path = f"{self.server.path}/configmaps{query}"
        return (
            f"{method} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self.server.token}\r\n{rest}\r\n".encode()
        )

    async def follow(self, revision: str) -> None:
        reader, writer = await self.connect()
        writer.write(self.head("GET", f"?watch=1&resourceVersion={revision}"))
        mark = b'"sent":"'
        while line := await reader.readline():
            start = line.find(mark)
            if start < 0:
                continue
            start += len(mark)
            self.late.append(time.time() - float(line[start : line.index(b'"', start)]))
            if len(self.late) == WATCHERS * CHANGES:
                self.all_arrived.set()

    async def change(self) -> None:
        """One new object after another, each with the time at which it was sent."""
        reader, writer = await self.connect()
        for number in range(CHANGES):
            made = config_map(f"w{number}", "x" * 500)
            made["data"]["sent"] = f"{time.time():.6f}"
            body = json.dumps(made, separators=(",", ":")).encode()
            rest = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
            writer.write(self.head("POST", "", rest) + body)
            length = 0
            while (line := await reader.readline()) not in (b"\r\n", b""):
                name, _, value = line.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
            await reader.readexactly(length)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("url")
    parser.add_argument("token")
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--pods", type=int, default=500)
    parser.add_argument("--only", default=",".join(OPERATIONS))
    options = parser.parse_args()
    server = Server(options.url.rstrip("/"), options.token, options.seconds, options.connections, options.pods)
    server.prepare()
    known: dict[str, Callable[[Server], dict[str, Any]]] = {
        "create": create, "create_cm": create_cm, "get": get, "list500": list500, "patch": patch, "update": update,
        "watch": watch,
    }  # fmt: skip
    for name in options.only.split(","):
        print(json.dumps({"operation": name, **known[name](server)}), flush=True)


if __name__ == "__main__":
    main()
