"""Heads of responses as bytes."""

from __future__ import annotations

import pytest

from steersman.api.http import Response
from steersman.http import reply


@pytest.mark.parametrize(
    ("value", "lines"),
    [
        ("plain", [b"plain"]),
        # As Go writes and reads it: whoever gets other bytes drops the whole warning.
        ('299 - "é😀"', ['299 - "é😀"'.encode()]),
        ("a\nb\r\nc", [b"a", b"b", b"c"]),
        ("a\u0085b\u2028c\nd", ["a\u0085b\u2028c".encode(), b"d"]),
        # What a backend has said, though it is no text.
        (b"\xff\xfe".decode("utf-8", "surrogateescape"), [b"\xff\xfe"]),
        ("\ud800", [b"?"]),
    ],
)
def test_values_of_headers(value: str, lines: list[bytes]) -> None:
    head = reply.head(Response(200, {"Warning": value}), "Content-Length: 0\r\n", "\r\n")
    assert (
        head
        == b"HTTP/1.1 200 OK\r\n" + b"".join(b"Warning: %b\r\n" % line for line in lines) + b"Content-Length: 0\r\n\r\n"
    )
