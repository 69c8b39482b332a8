"""SPDY frames: known bytes, round trips at any cut, and damage."""

from __future__ import annotations

import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steersman.kubelet.streaming import spdy

IDS = st.integers(1, 2**31 - 1)
TEXT = st.text(max_size=30)
HEADERS = st.dictionaries(st.from_regex(r"[a-z-]{1,12}", fullmatch=True), TEXT, max_size=4)
FRAMES = st.one_of(
    st.builds(spdy.Data, stream_id=IDS, data=st.binary(max_size=300), fin=st.booleans()),
    st.builds(
        spdy.SynStream,
        stream_id=IDS,
        headers=HEADERS,
        fin=st.booleans(),
        unidirectional=st.booleans(),
        associated_id=st.integers(0, 9),
        priority=st.integers(0, 7),
    ),
    st.builds(spdy.SynReply, stream_id=IDS, headers=HEADERS, fin=st.booleans()),
    st.builds(spdy.Headers, stream_id=IDS, headers=HEADERS, fin=st.booleans()),
    st.builds(spdy.RstStream, stream_id=IDS, status=st.integers(1, 11)),
    st.builds(spdy.Settings, values=st.dictionaries(st.integers(1, 8), st.integers(0, 2**32 - 1), max_size=3)),
    st.builds(spdy.Ping, ping_id=st.integers(0, 2**32 - 1)),
    st.builds(spdy.GoAway, last_stream_id=IDS, status=st.integers(0, 2)),
    st.builds(spdy.WindowUpdate, stream_id=IDS, delta=IDS),
)


def test_dictionary_is_the_protocols() -> None:
    # Every SPDY/3 header block begins with this checksum of the dictionary.
    assert zlib.adler32(spdy.DICTIONARY) == 0xE3C6A7C2
    assert len(spdy.DICTIONARY) == 1423


@pytest.mark.parametrize(
    ("frame", "known"),
    [
        (spdy.Data(stream_id=5, data=b"hi", fin=True), "00000005 01000002 6869"),
        (spdy.Ping(ping_id=1), "80030006 00000004 00000001"),
        (spdy.RstStream(stream_id=3, status=5), "80030003 00000008 00000003 00000005"),
        (spdy.GoAway(last_stream_id=7, status=0), "80030007 00000008 00000007 00000000"),
        (spdy.WindowUpdate(stream_id=1, delta=256), "80030009 00000008 00000001 00000100"),
        (spdy.Settings(values={4: 100}), "80030004 0000000c 00000001 00000004 00000064"),
    ],
)
def test_known_bytes(frame: spdy.Frame, known: str) -> None:
    data = bytes.fromhex(known)
    assert spdy.Encoder().encode(frame) == data
    assert spdy.Decoder().feed(data) == [frame]


def test_header_block_begins_as_others_write_it() -> None:
    frame = spdy.Encoder().encode(spdy.SynStream(stream_id=1, headers={"StreamType": "error"}))
    assert frame[:4] == bytes.fromhex("80030001")
    assert frame[18:24] == bytes.fromhex("789ce3c6a7c2") or frame[18:24] == bytes.fromhex("78bbe3c6a7c2")
    (decoded,) = spdy.Decoder().feed(frame)
    assert isinstance(decoded, spdy.SynStream)
    assert decoded.headers == {"streamtype": "error"}


@given(st.lists(FRAMES, max_size=8), st.data())
def test_round_trip_at_any_cut(frames: list[spdy.Frame], data: Any) -> None:
    encoder, decoder = spdy.Encoder(), spdy.Decoder()
    wire = b"".join(encoder.encode(frame) for frame in frames)
    found, position = [], 0
    while position < len(wire):
        step = data.draw(st.integers(1, 64))
        found += decoder.feed(wire[position : position + step])
        position += step
    assert found == frames


@given(st.binary(max_size=200))
def test_noise_is_refused_or_waited_for(noise: bytes) -> None:
    decoder = spdy.Decoder()
    try:
        frames = decoder.feed(noise)
    except spdy.SpdyError:
        return
    assert isinstance(frames, list)


@pytest.mark.parametrize(
    ("damaged", "error"),
    [
        ("80020006 00000004 00000001", "version 2"),
        ("80030001 0000000c 00000001 00000000 00000000", "damaged"),
        ("80030006 00000002 0000", "cut short"),
        ("80030001 00ffffff", "too large"),
        ("80030004 00000004 00000009", "cut short"),
    ],
)
def test_damage(damaged: str, error: str) -> None:
    with pytest.raises(spdy.SpdyError, match=error):
        spdy.Decoder().feed(bytes.fromhex(damaged))


def test_block_that_lies_about_its_lengths() -> None:
    compressor = zlib.compressobj(zdict=spdy.DICTIONARY)
    block = compressor.compress(bytes.fromhex("00000001000000ff61")) + compressor.flush(zlib.Z_SYNC_FLUSH)
    frame = bytes.fromhex("80030002") + (len(block) + 4).to_bytes(4, "big") + bytes(4) + block
    with pytest.raises(spdy.SpdyError, match="cut short"):
        spdy.Decoder().feed(frame)


def test_block_that_grows_without_end() -> None:
    compressor = zlib.compressobj(zdict=spdy.DICTIONARY)
    block = compressor.compress(bytes(spdy.HEADERS_MAX + 1)) + compressor.flush(zlib.Z_SYNC_FLUSH)
    frame = bytes.fromhex("80030002") + (len(block) + 4).to_bytes(4, "big") + bytes(4) + block
    with pytest.raises(spdy.SpdyError, match="too large"):
        spdy.Decoder().feed(frame)


def test_unknown_kinds_are_skipped() -> None:
    ping = spdy.Ping(ping_id=2)
    wire = bytes.fromhex("8003000b 00000002 0000") + spdy.Encoder().encode(ping)
    assert spdy.Decoder().feed(wire) == [ping]
