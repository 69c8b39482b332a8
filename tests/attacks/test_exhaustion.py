"""Too much, too slow, too many: bodies without end, clients that dawdle, floods. Others are served meanwhile, and quickly."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
from tests.apiprocess import MEBIBYTE, TIMEOUT, ApiProcess
from tests.attacks.conftest import EVE, NAMESPACE, SLOW_SECONDS, Grants

MAPS = f"/api/v1/namespaces/{NAMESPACE}/configmaps"
HEAD = f"POST {MAPS} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
# A connection has buffers, most of them for TLS; what is sent on it must not be kept as well.
PER_CONNECTION = 160 * 1024
MANY = 150


@contextmanager
def others_are_served(server: ApiProcess, growth: int = 8 * MEBIBYTE) -> Iterator[None]:
    """Around an attack: meanwhile somebody else is answered, and afterwards nothing is left of it."""
    before = server.resident()
    yield
    began = server.worked()
    assert server.ask("GET", "/version").status == 200
    assert server.worked() - began < SLOW_SECONDS
    grown = server.resident() - before
    assert grown < growth, f"{grown / MEBIBYTE:.0f} MiB"


def pour(connection: ssl.SSLSocket, most: int, piece: bytes = b"x" * 65536) -> int:
    """Send until the server has enough, but no more than that: the bytes that it has taken."""
    sent = 0
    connection.settimeout(1.0)
    try:
        while sent < most:
            connection.sendall(piece)
            sent += len(piece)
    except (ConnectionError, ssl.SSLError, TimeoutError):
        return sent
    return sent


def answer_of(connection: ssl.SSLSocket) -> bytes:
    try:
        return connection.recv(4096)
    except (ConnectionError, ssl.SSLError, TimeoutError):
        return b""


@pytest.mark.parametrize("user", [EVE, None])
def test_a_body_that_says_it_is_huge(server: ApiProcess, user: object) -> None:
    with others_are_served(server), server.connect(EVE if user else None) as connection:
        connection.sendall(f"{HEAD}Content-Length: {10**15}\r\n\r\n".encode())
        assert b" 413 " in answer_of(connection)


def test_a_body_of_chunks_without_end(server: ApiProcess) -> None:
    with others_are_served(server, 24 * MEBIBYTE), server.connect(EVE) as connection:
        connection.sendall(f"{HEAD}Transfer-Encoding: chunked\r\n\r\n".encode())
        chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
        assert pour(connection, 64 * MEBIBYTE, chunk) < 64 * MEBIBYTE or b" 413 " in answer_of(connection)


def test_a_million_tiny_chunks(server: ApiProcess) -> None:
    with others_are_served(server, 24 * MEBIBYTE), server.connect(EVE) as connection:
        connection.sendall(f"{HEAD}Transfer-Encoding: chunked\r\n\r\n".encode())
        pour(connection, 4 * MEBIBYTE, b"1;" + b"x" * 90 + b"\r\na\r\n" * 200)


@pytest.mark.parametrize(
    "head",
    [
        b"GET /" + b"a" * 65536,
        b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 65536,
        b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 10_000,
        b"GET / HTTP/1.1\r\nHost: x\r\n" + b"".join(b"X-%d: y\r\n" % i for i in range(5_000)),
        b"\r\n" * 30_000,
        b"A" * 65536,
    ],
)
def test_a_head_without_end(server: ApiProcess, head: bytes) -> None:
    with others_are_served(server), server.connect(EVE) as connection:
        pour(connection, 16 * MEBIBYTE, head)
        answer = answer_of(connection)
        assert not answer or answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 408 ", b"HTTP/1.1 414 ", b"HTTP/1.1 431 "))


def test_heads_that_are_never_finished(server: ApiProcess) -> None:
    with ExitStack() as open_, others_are_served(server, MANY * PER_CONNECTION):
        for _ in range(MANY):
            open_.enter_context(server.connect(None)).sendall(b"GET /version HTTP/1.1\r\nHost: x\r\nX-Slow: ")


def test_bodies_that_are_never_finished(server: ApiProcess) -> None:
    with ExitStack() as open_, others_are_served(server, MANY * PER_CONNECTION):
        for _ in range(MANY):
            open_.enter_context(server.connect(EVE)).sendall(
                f"{HEAD}Content-Length: 3000000\r\n\r\n".encode() + b"{" * 100
            )


def test_handshakes_that_are_never_finished(server: ApiProcess) -> None:
    with ExitStack() as open_, others_are_served(server, MANY * PER_CONNECTION):
        for number in range(MANY):
            plain = open_.enter_context(socket.create_connection(("127.0.0.1", server.port), TIMEOUT))
            plain.sendall(
                (b"", b"\x16\x03\x01", b"\x16\x03\x01\x40\x00\x01", b"GET / HTTP/1.1\r\n\r\n", b"\x80" * 100)[
                    number % 5
                ]
            )


def test_answers_that_nobody_reads(server: ApiProcess, grant: Grants) -> None:
    """Large lists asked for again and again on connections whose clients read nothing."""
    for number in range(20):
        grant.keep(MAPS, {"metadata": {"name": f"large{number}"}, "data": {"a": "x" * 200_000}})
    asked = f"GET {MAPS} HTTP/1.1\r\nHost: x\r\nAccept: application/json\r\n\r\n".encode()
    with ExitStack() as open_, others_are_served(server, 72 * MEBIBYTE):
        for _ in range(20):
            connection = open_.enter_context(server.connect())
            connection.sendall(asked * 20)


def test_watches_that_nobody_reads(server: ApiProcess, grant: Grants) -> None:
    asked = f"GET {MAPS}?watch=1 HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    with ExitStack() as open_, others_are_served(server, 72 * MEBIBYTE):
        for _ in range(50):
            open_.enter_context(server.connect()).sendall(asked)
        made = grant.keep(MAPS, {"metadata": {"name": "watched"}, "data": {"a": "x" * 50_000}})
        for number in range(100):
            made["data"]["a"] = f"{number}" + "x" * 50_000
            made["metadata"].pop("resourceVersion", None)
            assert server.ask("PUT", f"{MAPS}/watched", made).status == 200


def test_a_flood_of_watches(server: ApiProcess) -> None:
    asked = "".join(
        f"GET /api/v1/namespaces/n{i}/pods?watch=1&timeoutSeconds=1&labelSelector=a{i}%3Db HTTP/1.1\r\nHost: x\r\n\r\n"
        for i in range(50)
    )
    with ExitStack() as open_, others_are_served(server, MANY * PER_CONNECTION):
        for _ in range(20):
            open_.enter_context(server.connect()).sendall(asked.encode())


def test_many_connections(server: ApiProcess) -> None:
    with ExitStack() as open_, others_are_served(server, 3 * MANY * PER_CONNECTION):
        for _ in range(3 * MANY):
            open_.enter_context(socket.create_connection(("127.0.0.1", server.port), TIMEOUT))


def come_and_go(server: ApiProcess, count: int) -> None:
    """Connections that end in the middle of their handshakes, every other one with a reset."""
    for number in range(count):
        with socket.create_connection(("127.0.0.1", server.port), TIMEOUT) as plain:
            if number % 2:
                plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
            plain.sendall(b"\x16\x03\x01\x02\x00\x01\x00")


def test_connections_that_come_and_go(server: ApiProcess) -> None:
    """The first ones make room for those that are there at once. Of twice as many a few dozen kilobytes each would be too much."""
    come_and_go(server, 300)
    with others_are_served(server, 16 * MEBIBYTE):
        come_and_go(server, 600)


def test_requests_of_many_names(server: ApiProcess) -> None:
    """Users, paths, verbs and headers that are never the same: nothing is remembered for ever of them."""
    with others_are_served(server, 16 * MEBIBYTE):
        lines = [
            f"GET /apis/g{number}.example.com/v1/namespaces/n{number}/things/t{number}?x={number} HTTP/1.1\r\nHost: x\r\n"
            f"User-Agent: agent-{number}-{'a' * 200}\r\nX-{number}: y\r\nAudit-ID: {number}\r\nImpersonate-User: u{number}\r\n\r\n"
            for number in range(4000)
        ]
        with server.connect() as connection:
            connection.settimeout(TIMEOUT)
            for start in range(0, len(lines), 50):
                connection.sendall("".join(lines[start : start + 50]).encode())
                seen = b""
                while seen.count(b"HTTP/1.1 ") < 50:
                    seen += connection.recv(1 << 16)


@pytest.mark.parametrize("user", [EVE, None])
def test_long_texts_are_not_remembered(server: ApiProcess, user: object) -> None:
    """Paths, selectors, methods, header fields: as long as they may be, and never the same."""
    long = "a" * 400_000
    with others_are_served(server, 40 * MEBIBYTE):
        for number in range(30):
            for path in (
                f"/{number}{long}",
                f"/api/v1/namespaces/{number}{long}/configmaps",
                f"{MAPS}?labelSelector=a{number}%20in%20({long})",
                f"{MAPS}?fieldSelector=metadata.name%3D{number}{long}",
                f"{MAPS}?continue={number}{long}",
            ):
                line = f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nUser-Agent: {number}{long[:60_000]}\r\n"
                server.raw(f"{line}Accept: a/{number}{long[:60_000]}\r\n\r\n".encode(), EVE if user else None)
        server.raw(f"{long} / HTTP/1.1\r\nHost: x\r\n\r\n".encode(), EVE if user else None)


def test_metrics_are_not_multiplied(server: ApiProcess) -> None:
    def lines_after(numbers: range) -> int:
        for number in numbers:
            server.ask("GET", f"/apis/g{number}/v1/things{number}", user=EVE)
            server.ask(f"VERB{number}", f"/path{number}", user=EVE)
        return len(server.ask("GET", "/metrics").body.splitlines())

    # The first ones may make new lines, for their kind of request; the others are of the same kind.
    before = lines_after(range(5))
    assert lines_after(range(5, 65)) < before + 20
    after = server.ask("GET", "/metrics").body
    assert b"things7" not in after
    assert b"VERB7" not in after


def test_a_deep_queue_of_pipelined_requests(server: ApiProcess) -> None:
    with others_are_served(server, 16 * MEBIBYTE), server.connect(EVE) as connection:
        pour(connection, 64 * MEBIBYTE, b"GET /version HTTP/1.1\r\nHost: x\r\n\r\n" * 1000)


def test_renegotiation_and_rubbish(server: ApiProcess) -> None:
    with others_are_served(server):
        for rubbish in (
            b"\x00" * 10_000,
            b"\xff" * 10_000,
            b"SSH-2.0-x\r\n",
            b"\x16\x03\x01\xff\xff" + b"\x00" * 65535,
        ):
            with socket.create_connection(("127.0.0.1", server.port), TIMEOUT) as plain:
                plain.sendall(rubbish)


def test_events_do_not_pile_up(server: ApiProcess) -> None:
    """What clients may send most of all has limits in its own fields."""
    about = {"kind": "Pod", "namespace": NAMESPACE, "name": "x"}
    event = {"metadata": {"name": "e"}, "involvedObject": about, "reason": "r" * 2000, "message": "m" * 2_000_000}
    answer = server.ask("POST", f"/api/v1/namespaces/{NAMESPACE}/events", event)
    assert answer.status in (201, 422)
    server.ask("DELETE", f"/api/v1/namespaces/{NAMESPACE}/events/e")


def test_creating_without_end_is_slowed_for_its_client_alone(server: ApiProcess, grant: Grants) -> None:
    grant(
        {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["create", "deletecollection"]}, namespace=NAMESPACE
    )
    body = json.dumps({"metadata": {"generateName": "flood-", "labels": {"flood": "yes"}}}).encode()
    asked = f"{HEAD}Content-Length: {len(body)}\r\n\r\n".encode() + body
    with others_are_served(server, 16 * MEBIBYTE), ExitStack() as open_:
        for _ in range(10):
            open_.enter_context(server.connect(EVE)).sendall(asked * 50)
    assert server.ask("DELETE", f"{MAPS}?labelSelector=flood%3Dyes").status == 200
