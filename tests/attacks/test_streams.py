"""Streams through the API server whose ends do not read, send without end, or only hold: its memory stays under twice what it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.apiprocess import ADMIN, MEBIBYTE, ApiProcess, api_process
from tests.attacks.conftest import MOST_GROWTH, NAMESPACE, warm_up
from tests.attacks.peers import PIECE, SWITCHED, Peer, Talk, pour, server_tls

POD = f"/api/v1/namespaces/{NAMESPACE}/pods/p"
NODE = "/api/v1/nodes/n/proxy/"
WEBSOCKET = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
PING = b"\x89\xfd\0\0\0\0" + b"x" * 125
CHUNK = b"%x\r\n%b\r\n" % (len(PIECE), PIECE)
LONG = 900_000


def silent(talk: Talk) -> None:
    talk.send(SWITCHED)
    talk.hang()


def gush(talk: Talk) -> None:
    talk.send(SWITCHED)
    talk.gush()


def refuse(talk: Talk) -> None:
    talk.send(b"HTTP/1.1 403 Forbidden\r\nContent-Length: %d\r\n\r\n" % (LONG + 1) + b"x" * LONG)
    talk.hang()


def page(talk: Talk) -> None:
    talk.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n" % (LONG + 1) + b"x" * LONG)
    talk.hang()


def endless(talk: Talk) -> None:
    talk.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n")
    talk.gush(CHUNK)


def hang(talk: Talk) -> None:
    talk.hang()


BEHAVIOURS = {"silent": silent, "gush": gush, "refuse": refuse, "page": page, "endless": endless, "hang": hang}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ApiProcess]:
    """A server and a kubelet that is no better than its clients. After the test the server answers, and has stayed small."""
    directory = tmp_path
    mine = {
        "kubeletClientCertFile": "apiserver.crt",
        "kubeletClientKeyFile": "apiserver.key",
        "kubeletCaFile": "ca.crt",
    }
    with api_process(directory, **{name: str(directory / file) for name, file in mine.items()}) as running:
        running.make("/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
        running.make(f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts", {"metadata": {"name": "default"}})
        warm_up(running)
        with Peer(BEHAVIOURS, server_tls(directory / "apiserver.crt", directory / "apiserver.key")) as peer:
            make_pod(running, peer.port)
            # What proxies need is loaded with the first of them.
            with running.connect() as connection:
                connection.sendall(get(f"{NODE}endless"))
                assert connection.recv(100).startswith(b"HTTP/1.1 200")
            idle = running.resident()
            running.forget_peak()
            yield running
            assert running.ask("GET", f"/api/v1/namespaces/{NAMESPACE}").status == 200
            peak = running.peak()
            assert peak < MOST_GROWTH * idle, f"from {idle / MEBIBYTE:.0f} to {peak / MEBIBYTE:.0f} MiB"


def make_pod(running: ApiProcess, port: int) -> None:
    running.make("/api/v1/nodes", {"metadata": {"name": "n"}})
    status = {
        "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": port}},
    }
    merge = {"Content-Type": "application/merge-patch+json"}
    assert running.ask("PATCH", "/api/v1/nodes/n/status", {"status": status}, merge).status == 200
    containers = [{"name": name, "image": "x"} for name in BEHAVIOURS]
    spec = {"nodeName": "n", "automountServiceAccountToken": False, "containers": containers}
    running.make(f"/api/v1/namespaces/{NAMESPACE}/pods", {"metadata": {"name": "p"}, "spec": spec})


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()


def upgrade(path: str, headers: str = "Upgrade: SPDY/3.1\r\n") -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n{headers}\r\n".encode()


def executing(what: str) -> bytes:
    return upgrade(f"{POD}/exec?stdin=1&stdout=1&container={what}&command={what}")


def websocket(path: str) -> bytes:
    return upgrade(path, "Upgrade: websocket\r\n" + WEBSOCKET)


def flood(server: ApiProcess, count: int, asked: bytes, then: bytes = b"", times: int = 0) -> None:
    """So many connections that ask this, send that as long as it is taken, and never read."""
    with ExitStack() as open_:
        connections = [open_.enter_context(server.connect(ADMIN)) for _ in range(count)]
        for connection in connections:
            pour(connection, asked)
        for connection in connections:
            pour(connection, then, times=times, seconds=0.02)
        assert server.ask("GET", "/version").status == 200


ATTACKS: dict[str, Callable[[ApiProcess], None]] = {
    "the backend does not read": lambda s: flood(s, 50, executing("silent"), PIECE, 30),
    "the client does not read": lambda s: flood(s, 50, executing("gush")),
    "nobody reads": lambda s: flood(s, 40, executing("gush"), PIECE, 30),
    "port-forward": lambda s: flood(s, 40, upgrade(f"{POD}/portforward?ports=80&x=gush"), PIECE, 10),
    "no answer to an upgrade, and data ahead": lambda s: flood(s, 60, executing("hang") + PIECE, PIECE, 4),
    "refusals that do not end": lambda s: flood(s, 100, executing("refuse")),
    "streams that only stand": lambda s: flood(s, 200, executing("silent")),
    "logs that nobody reads": lambda s: flood(s, 40, get(f"{POD}/log?follow=true&container=endless")),
    "logs over WebSockets": lambda s: flood(s, 40, websocket(f"{POD}/log?follow=true&container=endless")),
    "pings that are answered": lambda s: flood(s, 8, websocket("/api/v1/pods?watch=1"), PING * 1000, 100),
    "fragments without end": lambda s: flood(
        s, 20, websocket("/api/v1/pods?watch=1"), b"\x01\xfe\x40\0\0\0\0\0" + b"x" * 16384, 20
    ),
    "pages without end": lambda s: flood(s, 60, get(f"{NODE}page")),
    "answers that nobody reads": lambda s: flood(s, 40, get(f"{NODE}endless")),
    "bodies that nobody takes": lambda s: flood(
        s, 40, f"POST {NODE}hang HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode(), CHUNK, 30
    ),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_streams(server: ApiProcess, attack: str) -> None:
    ATTACKS[attack](server)
