"""The server's side of WebSocket (RFC 6455) as a codec: messages out of bytes, bytes out of messages. No I/O."""

from __future__ import annotations

import base64
import hashlib
import struct
from collections.abc import Iterator, Sequence

from msgspec import Struct

MESSAGE_MAX = 8 << 20
CONTROL_MAX = 125

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10

NORMAL = 1000
PROTOCOL_ERROR = 1002
TOO_BIG = 1009
INTERNAL_ERROR = 1011

# Long data is unmasked in pieces of so many bytes, each of which takes several times as much meanwhile.
_PIECE = 64 << 10
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class WebSocketError(Exception):
    """What the peer did wrong; `code` belongs into the close frame."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Message(Struct, frozen=True):
    """A whole message, or a control frame: `opcode` is TEXT, BINARY, CLOSE, PING or PONG."""

    opcode: int
    data: bytes


def accept_key(key: str) -> str:
    """The Sec-WebSocket-Accept for a client's Sec-WebSocket-Key."""
    return base64.b64encode(hashlib.sha1(key.encode() + _GUID).digest()).decode()


def handshake(keys: Sequence[str], versions: Sequence[str], protocol: str) -> bytes:
    """The HTTP answer that begins a WebSocket, of the Sec-WebSocket-Key and -Version headers of a request.

    `protocol` is the one that is chosen, if any. Raises ValueError for a request that is not for one.
    """
    if list(versions) != ["13"] or len(keys) != 1:
        raise ValueError("unable to upgrade: not a WebSocket request of version 13")
    lines = [
        "HTTP/1.1 101 Switching Protocols",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Accept: {accept_key(keys[0])}",
    ]
    if protocol:
        lines.append(f"Sec-WebSocket-Protocol: {protocol}")
    return "\r\n".join([*lines, "", ""]).encode()


def encode(opcode: int, data: bytes) -> bytes:
    """One unmasked, unfragmented frame."""
    size = len(data)
    if size < 126:
        return struct.pack(">BB", 0x80 | opcode, size) + data
    if size < 1 << 16:
        return struct.pack(">BBH", 0x80 | opcode, 126, size) + data
    return struct.pack(">BBQ", 0x80 | opcode, 127, size) + data


def encode_close(code: int, reason: str = "") -> bytes:
    return encode(CLOSE, struct.pack(">H", code) + reason.encode()[: CONTROL_MAX - 2])


def masked(data: bytes, mask: bytes) -> bytes:
    """XOR with the four bytes of the mask over and over; its own inverse."""
    size = len(data)
    if size > _PIECE:
        view = memoryview(data)
        return b"".join([masked(bytes(view[start : start + _PIECE]), mask) for start in range(0, size, _PIECE)])
    # As two large integers: a loop over bytes would be a hundred times slower.
    pattern = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(data, "big") ^ int.from_bytes(pattern, "big")).to_bytes(size, "big")


class Decoder:
    """Bytes from a client to messages; fragments are put together."""

    def __init__(self, message_max: int = MESSAGE_MAX) -> None:
        self._buffer = bytearray()
        self._max = message_max
        self._opcode = 0
        self._fragments = bytearray()

    @property
    def kept(self) -> int:
        """Bytes of what is not complete yet."""
        return len(self._buffer) + len(self._fragments)

    def feed(self, data: bytes) -> list[Message]:
        """The messages that these bytes complete. WebSocketError ends the connection."""
        self._buffer += data
        return list(self._messages())

    def _messages(self) -> Iterator[Message]:
        while (frame := self._frame()) is not None:
            final, opcode, data = frame
            if opcode >= CLOSE:
                if not final or len(data) > CONTROL_MAX:
                    raise WebSocketError(PROTOCOL_ERROR, "control frame is fragmented or too long")
                yield Message(opcode, data)
                continue
            message = self._assembled(final, opcode, data)
            if message is not None:
                yield message

    def _assembled(self, final: bool, opcode: int, data: bytes) -> Message | None:
        if (opcode == CONTINUATION) != bool(self._opcode):
            raise WebSocketError(PROTOCOL_ERROR, "fragments out of order")
        if opcode and final:
            return Message(opcode, data)
        self._opcode = self._opcode or opcode
        self._fragments += data
        if len(self._fragments) > self._max:
            raise WebSocketError(TOO_BIG, "message is too big")
        if not final:
            return None
        message = Message(self._opcode, bytes(self._fragments))
        self._opcode, self._fragments = 0, bytearray()
        return message

    def _frame(self) -> tuple[bool, int, bytes] | None:
        """The next frame as (final, opcode, unmasked payload), or None while bytes are missing."""
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        opcode = buffer[0] & 0x0F
        if buffer[0] & 0x70 or opcode not in (CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG):
            raise WebSocketError(PROTOCOL_ERROR, "reserved bits or opcode")
        if not buffer[1] & 0x80:
            raise WebSocketError(PROTOCOL_ERROR, "a client's frames must be masked")
        size, position = buffer[1] & 0x7F, 2
        if size >= 126:
            form, width = (">H", 2) if size == 126 else (">Q", 8)
            if len(buffer) < 2 + width:
                return None
            size, position = struct.unpack_from(form, buffer, 2)[0], 2 + width
        if size > self._max:
            raise WebSocketError(TOO_BIG, "message is too big")
        end = position + 4 + size
        if len(buffer) < end:
            return None
        mask = bytes(buffer[position : position + 4])
        data = masked(bytes(memoryview(buffer)[position + 4 : end]), mask)
        final = bool(buffer[0] & 0x80)
        del buffer[:end]
        return final, opcode, data
