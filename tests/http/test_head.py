"""Request heads: what is read, and what is refused because somebody else might read it differently."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steersman.http.head import CHUNKED, Fields, Memory, decode_path, request_line
from steersman.http.limits import MAX_FIELD, MAX_FIELDS, Malformed


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (b"GET / HTTP/1.1", ("GET", "/", True)),
        (b"GET /a?b=%20c HTTP/1.0", ("GET", "/a?b=%20c", False)),
        (b"M-SEARCH /a HTTP/1.1", ("M-SEARCH", "/a", True)),
        (b"OPTIONS * HTTP/1.1", ("OPTIONS", "*", True)),
        (b"GET http://host:80/a?b HTTP/1.1", ("GET", "/a?b", True)),
        (b"GET http://host HTTP/1.1", ("GET", "/", True)),
        (b"GET https://host?b HTTP/1.1", ("GET", "/?b", True)),
        ("GET /ü HTTP/1.1".encode(), ("GET", "/%C3%BC", True)),
        (b"GET /\xff HTTP/1.1", ("GET", "/%FF", True)),
        (b"GET /%41\xff?a=%zz&b=\xc3\xbc;'\"<> HTTP/1.1", ("GET", "/%41%FF?a=%zz&b=%C3%BC;'\"<>", True)),
    ],
)
def test_request_line(line: bytes, found: tuple[str, str, bool]) -> None:
    assert request_line(line) == found


@pytest.mark.parametrize(
    ("line", "status"),
    [
        (b"", 400),
        (b"nonsense", 400),
        (b"GET /", 400),
        (b"GET  / HTTP/1.1", 400),
        (b"GET / HTTP/1.1 ", 400),
        (b"GET / x HTTP/1.1", 400),
        (b"GET\t/ HTTP/1.1", 400),
        (b"GET /a\x00b HTTP/1.1", 400),
        (b"GET /a\nb HTTP/1.1", 400),
        (b"GET /a\rb HTTP/1.1", 400),
        (b"G@T / HTTP/1.1", 400),
        (b"GET / http/1.1", 400),
        (b"GET / HTTP/1.11", 400),
        (b"GET a HTTP/1.1", 400),
        (b"GET * HTTP/1.1", 400),
        (b"CONNECT host:80 HTTP/1.1", 400),
        (b"GET ftp://host/ HTTP/1.1", 400),
        (b"GET / HTTP/1.2", 505),
        (b"GET / HTTP/0.9", 505),
        (b"PRI * HTTP/2.0", 505),
        (b"GET / HTTP/2", 505),
    ],
)
def test_refused_request_line(line: bytes, status: int) -> None:
    with pytest.raises(Malformed) as refused:
        request_line(line)
    assert refused.value.status == status


def test_fields() -> None:
    fields = Fields(b"Host: x\r\nAccept:  a, b \t\r\nX-Empty:\r\nX-Name: \xc3\xbc\xff\r\nContent-Length: 12\r\n")
    assert fields.headers == {
        "host": "x",
        "accept": "a, b",
        "x-empty": "",
        "x-name": "ü\udcff",
        "content-length": "12",
    }
    assert (fields.length, fields.has_host, fields.upgrade, fields.expects) == (12, True, False, False)
    assert (fields.close, fields.keep) == (False, False)


def test_no_fields() -> None:
    fields = Fields(b"")
    assert fields.headers == {}
    assert (fields.length, fields.has_host) == (0, False)


def test_repeated_fields() -> None:
    """The first counts; all of them are there."""
    headers = Fields(b"A: 1\r\nB: 2\r\na: 3\r\n").headers
    assert headers["a"] == headers.get("a") == "1"
    assert "c" not in headers
    assert list(headers) == ["a", "b"]
    assert len(headers) == 2
    assert list(headers.items()) == [("a", "1"), ("b", "2"), ("a", "3")]
    assert len(headers.items()) == 3


@pytest.mark.parametrize(
    ("block", "close", "keep", "upgrade"),
    [
        (b"Connection: close\r\n", True, False, False),
        (b"Connection: Keep-Alive\r\n", False, True, False),
        (b"Connection: x, Close\r\nConnection: y\r\n", True, False, False),
        (b"Connection: Upgrade\r\nUpgrade: SPDY/3.1\r\n", False, False, True),
    ],
)
def test_connection(block: bytes, close: bool, keep: bool, upgrade: bool) -> None:
    fields = Fields(block)
    assert (fields.close, fields.keep, fields.upgrade) == (close, keep, upgrade)


def test_chunked() -> None:
    assert Fields(b"Transfer-Encoding: Chunked\r\n").length == CHUNKED


@pytest.mark.parametrize(
    ("block", "status"),
    [
        (b"no colon\r\n", 400),
        (b": value\r\n", 400),
        (b"Space : x\r\n", 400),
        (b" Host: x\r\n", 400),
        (b"A: b\r\n folded\r\n", 400),
        (b"A: b\r\n\tfolded\r\n", 400),
        (b"A: b\nC: d\r\n", 400),
        (b"A: b\rC: d\r\n", 400),
        (b"A: b\x00\r\n", 400),
        (b"A: b\x7f\r\n", 400),
        ("Ä: b\r\n".encode(), 400),
        (b"Host: a\r\nHost: b\r\n", 400),
        (b"Content-Length: 1\r\nContent-Length: 1\r\n", 400),
        (b"Content-Length: 1\r\nContent-Length: 2\r\n", 400),
        (b"Content-Length: 1, 1\r\n", 400),
        (b"Content-Length: +1\r\n", 400),
        (b"Content-Length: -1\r\n", 400),
        (b"Content-Length: 0x1\r\n", 400),
        (b"Content-Length: 1 1\r\n", 400),
        (b"Content-Length: 1_0\r\n", 400),
        (b"Content-Length:\r\n", 400),
        ("Content-Length: ١\r\n".encode(), 400),
        (b"Content-Length: 9999999999999999999\r\n", 400),
        (b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n", 400),
        (b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", 400),
        (b"Transfer-Encoding: chunked, chunked\r\n", 501),
        (b"Transfer-Encoding: gzip, chunked\r\n", 501),
        (b"Transfer-Encoding: identity\r\n", 501),
        (b"Transfer-Encoding: \x0bchunked\r\n", 400),
        (b"Transfer-Encoding:\r\n", 501),
        (b"Expect: more\r\n", 417),
        (b"A: " + b"x" * MAX_FIELD + b"\r\n", 431),
        (b"A: b\r\n" * (MAX_FIELDS + 1), 431),
    ],
)
def test_refused_fields(block: bytes, status: int) -> None:
    with pytest.raises(Malformed) as refused:
        Fields(block)
    assert refused.value.status == status


def test_as_many_fields_as_allowed() -> None:
    assert len(Fields(b"A: b\r\n" * MAX_FIELDS).headers.items()) == MAX_FIELDS


def test_memory() -> None:
    memory = Memory()
    first = memory.fields(b"A: b\r\n")
    assert memory.fields(b"A: b\r\n") is first
    for number in range(1000):
        assert memory.fields(b"A: %d\r\n" % number).headers == {"a": str(number)}
    assert memory.fields(b"A: b\r\n").headers == first.headers
    large = b"A: " + b"x" * 5000 + b"\r\n"
    assert memory.fields(large) is not memory.fields(large)
    for _ in range(2):
        with pytest.raises(Malformed):
            memory.fields(b"A\r\n")


@given(st.binary(max_size=60))
def test_anything(data: bytes) -> None:
    """Whatever comes is read or refused; what is read is fit for a handler, and for being sent on."""
    try:
        headers = Fields(data + b"\r\n").headers
    except Malformed:
        return
    for name, value in headers.items():
        assert name == name.lower()
        assert not set("\r\n\0") & set(name + value)


@pytest.mark.parametrize(
    ("raw", "path"),
    [("/a/b", "/a/b"), ("/a%20b", "/a b"), ("/a%2Fb", "/a%2Fb"), ("/a%2fb%20/c", "/a%2Fb /c"), ("/%C3%BC", "/ü")],
)
def test_decode_path(raw: str, path: str) -> None:
    assert decode_path(raw) == path
