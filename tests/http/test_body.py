"""Request bodies: chunks however they are cut, what is no chunk, and streams that are taken slowly."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steersman.http.body import Chunked, Sized, Stream, Whole
from steersman.http.limits import Malformed


def fed(body: Sized | Chunked, pieces: list[bytes]) -> tuple[bytes, bytes | None]:
    """The content, and what follows the body."""
    found: list[bytes] = []
    for number, piece in enumerate(pieces):
        rest = body.feed(piece, found.append)
        if rest is not None:
            return b"".join(found), rest + b"".join(pieces[number + 1 :])
    return b"".join(found), None


def cut(data: bytes, places: list[int]) -> list[bytes]:
    ends = sorted({0, len(data), *(p % (len(data) + 1) for p in places)})
    return [data[a:b] for a, b in pairwise(ends)]


@given(st.binary(max_size=50), st.binary(max_size=10), st.lists(st.integers(0, 1000), max_size=6))
def test_sized(content: bytes, after: bytes, places: list[int]) -> None:
    if content:
        assert fed(Sized(len(content)), cut(content + after, places)) == (content, after)


@given(
    st.lists(st.binary(min_size=1, max_size=20), max_size=5),
    st.sampled_from([b"", b";x", b"; name=value", b';n="v"']),
    st.sampled_from([b"", b"X-Sum: 1\r\n", b"A: b\r\nC: d\r\n"]),
    st.binary(max_size=10),
    st.lists(st.integers(0, 1000), max_size=12),
)
def test_chunked(chunks: list[bytes], extension: bytes, trailers: bytes, after: bytes, places: list[int]) -> None:
    data = b"".join(b"%x%b\r\n%b\r\n" % (len(c), extension, c) for c in chunks) + b"0\r\n" + trailers + b"\r\n"
    assert fed(Chunked(), cut(data + after, places)) == (b"".join(chunks), after)


def test_chunked_byte_by_byte() -> None:
    data = b"5\r\nhello\r\n0a;x=y\r\n, chunked!\r\n000\r\nA: b\r\n\r\nGET"
    assert fed(Chunked(), [bytes([b]) for b in data]) == (b"hello, chunked!", b"GET")


@pytest.mark.parametrize(
    "data",
    [
        b"\r\n",
        b"x\r\n",
        b"+1\r\na\r\n",
        b"-1\r\na\r\n",
        b"0x1\r\na\r\n",
        b"1_0\r\n",
        b" 1\r\na\r\n",
        b"1 \r\na\r\n",
        b"1\t;x\r\na\r\n",
        b"1 ;x\r\na\r\n",
        b"1\na\n",
        b"1;x\ny\r\na\r\n",
        b"1;x\ry\r\na\r\n",
        b"1;\x00\r\na\r\n",
        b"1\r\nab\r\n",
        b"1\r\na\n\r\n",
        b"1\r\na\rb",
        b"1\r\na0\r\n\r\n",
        b"1111111111111111\r\n",
        b"1;" + b"x" * 300,
        b"1;" + b"x" * 300 + b"\r\n",
        b"0\r\nno colon\r\n\r\n",
        b"0\r\n : x\r\n\r\n",
        b"0\r\nA: b\n\r\n",
        b"0\r\nA: " + b"x" * 20_000,
        b"0\r\n" + b"A: 1234567890\r\n" * 2_000,
    ],
)
def test_no_chunks(data: bytes) -> None:
    with pytest.raises(Malformed):
        Chunked().feed(data, lambda _: None)
    with pytest.raises(Malformed):
        fed(Chunked(), [bytes([b]) for b in data])


def test_whole() -> None:
    whole = Whole(5)
    whole(b"abc")
    whole(b"de")
    assert (whole.exceeded, whole.value()) == (False, b"abcde")
    whole(b"f")
    assert whole.exceeded


async def test_a_stream_is_taken_as_it_comes() -> None:
    asked: list[str] = []
    stream = Stream(lambda held: asked.append(f"hold {held}"), lambda: asked.append("wanted"))
    first = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0)
    assert asked == ["wanted"]
    stream(b"a")
    assert await first == b"a"
    stream(b"")
    stream(b"b")
    stream.end()
    stream.end(ConnectionResetError())
    assert [piece async for piece in stream] == [b"b"]
    assert asked == ["wanted"]


async def test_a_stream_holds_who_is_too_fast() -> None:
    asked: list[bool] = []
    stream = Stream(asked.append, lambda: None)
    for _ in range(5):
        stream(b"x" * 100_000)
    assert asked == [True]
    for _ in range(5):
        await anext(stream)
    assert asked == [True, False]


async def test_a_stream_that_is_cut() -> None:
    stream = Stream(lambda held: None, lambda: None)
    stream(b"a")
    stream.end(ConnectionResetError())
    assert await anext(stream) == b"a"
    with pytest.raises(ConnectionResetError):
        await anext(stream)
