"""WebSocket frames: the RFC's own examples, fragments, limits and broken clients."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steersman.api import websocket
from steersman.api.websocket import Decoder, Message, WebSocketError, masked

MASK = b"\x37\xfa\x21\x3d"


def frame(data: bytes, opcode: int = websocket.BINARY, final: bool = True) -> bytes:
    head = bytearray(websocket.encode(opcode, data)[: -len(data) or None])
    head[0] = final << 7 | opcode
    head[1] |= 0x80
    return bytes(head) + MASK + masked(data, MASK)


def test_accept_key() -> None:
    assert websocket.accept_key("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


def test_handshake() -> None:
    key = "dGhlIHNhbXBsZSBub25jZQ=="
    head = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    accept = b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
    assert websocket.handshake([key], ["13"], "") == head + accept + b"\r\n"
    assert websocket.handshake([key], ["13"], "v5") == head + accept + b"Sec-WebSocket-Protocol: v5\r\n\r\n"
    for keys, versions in (([], ["13"]), ([key, key], ["13"]), ([key], ["8"]), ([key], [])):
        with pytest.raises(ValueError, match="not a WebSocket request of version 13"):
            websocket.handshake(keys, versions, "")


def test_known_bytes() -> None:
    assert websocket.encode(websocket.TEXT, b"Hello") == bytes.fromhex("810548656c6c6f")
    assert websocket.encode(websocket.BINARY, bytes(256))[:4] == bytes.fromhex("827e0100")
    assert websocket.encode(websocket.BINARY, bytes(65536))[:10] == bytes.fromhex("827f0000000000010000")
    assert websocket.encode_close(1000, "bye") == bytes.fromhex("880503e8627965")
    assert Decoder().feed(bytes.fromhex("818537fa213d7f9f4d5158")) == [Message(websocket.TEXT, b"Hello")]


@given(st.binary(max_size=100), st.binary(min_size=4, max_size=4))
def test_mask_is_its_own_inverse(data: bytes, mask: bytes) -> None:
    assert masked(data, mask) == bytes(byte ^ mask[i % 4] for i, byte in enumerate(data))
    assert masked(masked(data, mask), mask) == data


@given(st.lists(st.lists(st.binary(max_size=200), min_size=1, max_size=3), max_size=4), st.data())
def test_messages_at_any_cut(messages: list[list[bytes]], data: Any) -> None:
    wire = b""
    for parts in messages:
        for i, part in enumerate(parts):
            opcode = websocket.CONTINUATION if i else websocket.BINARY
            wire += frame(part, opcode, final=i == len(parts) - 1) + frame(b"p", websocket.PING)
    decoder, found = Decoder(), []
    while wire:
        step = data.draw(st.integers(1, 90))
        found += decoder.feed(wire[:step])
        wire = wire[step:]
    whole = [message.data for message in found if message.opcode == websocket.BINARY]
    assert whole == [b"".join(parts) for parts in messages]
    assert sum(m.opcode == websocket.PING for m in found) == sum(map(len, messages))


@pytest.mark.parametrize(
    ("wire", "code"),
    [
        (bytes.fromhex("820161"), websocket.PROTOCOL_ERROR),  # not masked
        (b"\xc2" + frame(b"a")[1:], websocket.PROTOCOL_ERROR),  # reserved bit
        (frame(b"a", 3), websocket.PROTOCOL_ERROR),  # reserved opcode
        (frame(b"a", websocket.CONTINUATION), websocket.PROTOCOL_ERROR),  # nothing to continue
        (frame(b"a", final=False) + frame(b"b"), websocket.PROTOCOL_ERROR),  # a new one in the midst
        (frame(b"a", websocket.PING, final=False), websocket.PROTOCOL_ERROR),
        (frame(bytes(126), websocket.PING), websocket.PROTOCOL_ERROR),
        (bytes.fromhex("82ff00000000ffffffff"), websocket.TOO_BIG),
    ],
)
def test_broken_clients(wire: bytes, code: int) -> None:
    with pytest.raises(WebSocketError) as caught:
        Decoder().feed(wire)
    assert caught.value.code == code


def test_fragments_count_together() -> None:
    decoder = Decoder(message_max=10)
    assert decoder.feed(frame(bytes(6), final=False)) == []
    with pytest.raises(WebSocketError) as caught:
        decoder.feed(frame(bytes(6), websocket.CONTINUATION))
    assert caught.value.code == websocket.TOO_BIG
