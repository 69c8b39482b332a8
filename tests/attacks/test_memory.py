"""Clients that do not read, and requests that do not end, by the dozen: at no moment does the server have twice its idle memory."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from tests.apiprocess import ADMIN, MEBIBYTE, ApiProcess, api_process
from tests.attacks.conftest import EVE, MOST_GROWTH, NAMESPACE, warm_up

from steersman.pki.certs import Request

MAPS = f"/api/v1/namespaces/{NAMESPACE}/configmaps"
POST = f"POST {MAPS} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
LARGE, MANY = 200_000, 15

Asked = Callable[[int], bytes]
"""What the n-th connection sends."""


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ApiProcess, int]]:
    """A server with some large objects, and how much memory it has when nobody does it any harm."""
    with api_process(tmp_path_factory.mktemp("memory")) as running:
        running.make("/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
        warm_up(running)
        idle = running.resident()
        for number in range(MANY):
            running.make(MAPS, {"metadata": {"name": f"large{number}"}, "data": {"a": "x" * LARGE}})
        yield running, idle


@pytest.fixture
def server(small: tuple[ApiProcess, int]) -> Iterator[ApiProcess]:
    """At the end of each test it is looked how much memory the server had meanwhile, and whether it still answers."""
    running, idle = small
    running.forget_peak()
    yield running
    assert running.ask("GET", f"/api/v1/namespaces/{NAMESPACE}").status == 200
    peak = running.peak()
    assert peak < MOST_GROWTH * idle, f"from {idle / MEBIBYTE:.0f} to {peak / MEBIBYTE:.0f} MiB"


def flood(server: ApiProcess, open_: ExitStack, count: int, asked: Asked, user: Request | None = ADMIN) -> None:
    """Connections that send, as long as the server takes it, and never read."""
    for number in range(count):
        connection = open_.enter_context(server.connect(user))
        connection.settimeout(0.2)
        try:
            connection.sendall(asked(number))
        except (ConnectionError, ssl.SSLError, TimeoutError):
            continue
    assert server.ask("GET", "/version").status == 200


def get(path: str, **headers: str) -> bytes:
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"GET {path} HTTP/1.1\r\nHost: x\r\n{lines}\r\n".encode()


@pytest.mark.parametrize(
    "accept",
    ["application/json", "application/vnd.kubernetes.protobuf", "application/json;as=Table;g=meta.k8s.io;v=v1"],
)
@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_lists_that_are_never_the_same_and_never_read(server: ApiProcess, accept: str, encoding: str) -> None:
    with ExitStack() as open_:
        flood(
            server,
            open_,
            20,
            lambda n: get(f"{MAPS}?fieldSelector=metadata.name%21%3D{n}", Accept=accept, Accept_Encoding=encoding) * 5,
        )


def test_beginnings_of_watches_that_nobody_reads(server: ApiProcess) -> None:
    with ExitStack() as open_:
        flood(server, open_, 40, lambda n: get(f"{MAPS}?watch=1"))


def test_watches_of_one_form_each_that_nobody_reads(server: ApiProcess) -> None:
    """Different selections and forms share no lines."""
    forms = [
        "application/json",
        "application/json;as=Table;g=meta.k8s.io;v=v1",
        "application/vnd.kubernetes.protobuf;stream=watch",
    ]
    with ExitStack() as open_:
        flood(
            server,
            open_,
            24,
            lambda n: get(
                f"{MAPS}?watch=1&resourceVersion=0&sendInitialEvents=false&includeObject=Object&"
                f"resourceVersionMatch=NotOlderThan&fieldSelector=metadata.name%21%3D{n}",
                Accept=forms[n % 3],
            ),
        )
        merge = {"Content-Type": "application/merge-patch+json"}
        for number in range(30):
            changed = {"data": {"a": f"{number}" + "x" * 800_000}}
            assert server.ask("PATCH", f"{MAPS}/large0", changed, merge).status == 200
    server.ask("PATCH", f"{MAPS}/large0", {"data": {"a": "x"}}, merge)


@pytest.mark.parametrize("user", [EVE, None])
def test_large_bodies_that_do_not_end(server: ApiProcess, user: Request | None) -> None:
    body = f"{POST}Content-Length: 3000000\r\n\r\n".encode() + b"{" * 2_900_000
    with ExitStack() as open_:
        flood(server, open_, 30, lambda n: body, user)


@pytest.mark.parametrize("user", [EVE, None])
def test_large_heads_that_do_not_end(server: ApiProcess, user: Request | None) -> None:
    head = b"GET /version HTTP/1.1\r\nHost: x\r\n" + (b"X: " + b"a" * 60_000 + b"\r\n") * 12
    with ExitStack() as open_:
        flood(server, open_, 100, lambda n: head, user)


def test_requests_behind_one_that_does_not_end(server: ApiProcess) -> None:
    ahead = get("/version") * 8000
    with ExitStack() as open_:
        flood(server, open_, 60, lambda n: get(f"{MAPS}?watch=1") + ahead)


@pytest.mark.parametrize(
    "body",
    [
        b'{"metadata":{"name":"x","finalizers":[' + b'"a",' * 700_000 + b'"b"]}}',
        b'{"metadata":{"name":"x","finalizers":[' + b'"a",' * 60_000 + b'"b"]}}',
        b'{"metadata":{"name":"x","ownerReferences":[' + b"{}," * 900_000 + b"{}]}}",
        b'{"metadata":{"name":"x"},"data":{' + b",".join(b'"%x":""' % i for i in range(250_000)) + b"}}",
        b'{"metadata":{"name":"x"},"x":[' + b"{}," * 900_000 + b"{}]}",
    ],
)
def test_objects_of_too_many_values(server: ApiProcess, body: bytes) -> None:
    answer = server.ask("POST", MAPS, body)
    assert answer.status in (413, 422), answer.body[:300]
    assert len(answer.body) < MEBIBYTE


def test_a_slow_reader_gets_the_whole_list(server: ApiProcess) -> None:
    """Honest clients have nothing to fear of the bound on what others do not read."""
    with server.connect() as connection, ExitStack() as open_:
        connection.sendall(get(MAPS, Accept="application/json", Connection="close"))
        flood(server, open_, 20, lambda n: get(MAPS, Accept="application/json") * 5, EVE)
        found = b""
        while piece := connection.recv(50_000):
            found += piece
    assert found.count(b'"kind":"ConfigMap"') == MANY
    assert found.endswith((b"0\r\n\r\n", b"]}"))
