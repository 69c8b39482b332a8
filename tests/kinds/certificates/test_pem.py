"""PEM blocks, whatever is around them."""

from __future__ import annotations

import base64
import binascii
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.oddcertificates import CERTIFICATE, REQUESTS

from steersman.kinds.certificates import pem

DEFINITION = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----\r?\n(.*?)-----END \1-----", re.DOTALL)


def block(kind: str = "A", body: str = "YWJj", end: str = "") -> str:
    return f"-----BEGIN {kind}-----\n{body}\n-----END {end or kind}-----\n"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        ("words\n" + block() + "more\n" + block("B C", "ZGVm"), [("A", b"abc"), ("B C", b"def")]),
        (block(body="YW\nJj\n"), [("A", b"abc")]),
        (block().replace("\n", "\r\n"), [("A", b"abc")]),
        (block(end="B") + block("B", "ZGVm"), [("B", b"def")]),
        (block(body="!") + block(), [("A", b"abc")]),
        ("-----BEGIN A-----\n" + block("B"), [("B", b"abc")]),
        (block(body=block("B").strip()), []),
        ("-----END A-----\n" + block(), [("A", b"abc")]),
    ],
)
def test_blocks(text: str, found: list[tuple[str, bytes]]) -> None:
    assert [(b.type, b.data) for b in pem.blocks(text.encode())] == found


def test_headers() -> None:
    (found,) = pem.blocks(block(body="Proc-Type: 4,ENCRYPTED\n\nYWJj").encode())
    assert (found.has_headers, found.data) == (True, b"abc")


PIECES = ["-----BEGIN A-----\n", "-----BEGIN B-----\n", "-----END A-----", "-----END B-----", "YWJj", "\n", "-"]


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_the_first_end_of_the_same_kind(text: str) -> None:
    wanted = []
    for match in DEFINITION.finditer(text.encode()):
        try:
            wanted.append((match[1].decode(), base64.b64decode(b"".join(match[2].split()), validate=True)))
        except binascii.Error:
            continue
    assert [(b.type, b.data) for b in pem.blocks(text.encode())] == wanted


@pytest.mark.parametrize(
    "text",
    [
        "-----BEGIN A-----\n",
        "-----BEGIN A-----\n-----END B-----",
        "-----BEGIN ",
        "-----BEGIN " + "A" * 999,
        "-----END A-----",
    ],
)
def test_any_number_of_them(text: str) -> None:
    """Seconds, where anything but a single pass is made."""
    assert pem.blocks((text * 100_000).encode()) == []


@given(st.lists(st.binary(min_size=1, max_size=100), max_size=3))
def test_encode(data: list[bytes]) -> None:
    text = pem.encode(data)
    assert [b.data for b in pem.blocks(text)] == data
    assert all(len(line) <= 64 for line in text.splitlines())


def test_what_no_library_reads() -> None:
    with pytest.raises(pem.X509Error, match="malformed certificate"):
        pem.certificate(CERTIFICATE)
    with pytest.raises(pem.X509Error, match="malformed certificate request"):
        pem.unverified(REQUESTS["a version that there is not"])
    for why in ("an extension twice", "a name of a kind that nobody uses"):
        assert pem.is_signed(pem.unverified(REQUESTS[why]))
