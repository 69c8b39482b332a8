"""SPDY/3.1 frames to bytes and back, for the little of it that Kubernetes streams use. No I/O.

Each direction of a connection has one compressor for all its header blocks, so a connection needs one Encoder
and one Decoder and must encode frames in the order it sends them. There is no flow control: the peers of a
Kubernetes stream never send WINDOW_UPDATE, and rely on the connection's own back-pressure.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping

from msgspec import Struct, field

VERSION = 3
HEADERS_MAX = 1 << 20
FLAG_FIN = 1
FLAG_UNIDIRECTIONAL = 2

RST_CANCEL = 5

# In order; an underscore stands for a space.
_WORDS = """
    options head post put delete trace accept accept-charset accept-encoding accept-language
    accept-ranges age allow authorization cache-control connection content-base content-encoding
    content-language content-length content-location content-md5 content-range content-type date etag
    expect expires from host if-match if-modified-since if-none-match if-range if-unmodified-since
    last-modified location max-forwards pragma proxy-authenticate proxy-authorization range referer
    retry-after server te trailer transfer-encoding upgrade user-agent vary via warning www-authenticate
    method get status 200_OK version HTTP/1.1 url public set-cookie keep-alive origin
"""
_TAIL = (
    "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505"
    "203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized"
    "403 Forbidden404 Not Found500 Internal Server Error501 Not Implemented503 Service Unavailable"
    "Jan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMT"
    "chunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,"
    "text/javascript,publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0."
)
# The compressors of both sides start from this text, fixed by the protocol.
DICTIONARY = (
    b"".join(struct.pack(">I", len(word)) + word.replace("_", " ").encode() for word in _WORDS.split()) + _TAIL.encode()
)


class SpdyError(Exception):
    """Bytes that are no SPDY/3.1; the connection cannot go on."""


class SynStream(Struct, frozen=True, kw_only=True):
    """Opens a stream. Clients use odd ids, counting up. `fin` half-closes it at once."""

    stream_id: int
    headers: Mapping[str, str] = field(default_factory=dict)
    fin: bool = False
    unidirectional: bool = False
    associated_id: int = 0
    priority: int = 0


class SynReply(Struct, frozen=True, kw_only=True):
    stream_id: int
    headers: Mapping[str, str] = field(default_factory=dict)
    fin: bool = False


class Headers(Struct, frozen=True, kw_only=True):
    stream_id: int
    headers: Mapping[str, str] = field(default_factory=dict)
    fin: bool = False


class Data(Struct, frozen=True, kw_only=True):
    stream_id: int
    data: bytes = b""
    fin: bool = False


class RstStream(Struct, frozen=True, kw_only=True):
    stream_id: int
    status: int = RST_CANCEL


class Settings(Struct, frozen=True, kw_only=True):
    values: Mapping[int, int] = field(default_factory=dict)


class Ping(Struct, frozen=True, kw_only=True):
    """To be sent back as it is; ids of the client are odd."""

    ping_id: int


class GoAway(Struct, frozen=True, kw_only=True):
    last_stream_id: int = 0
    status: int = 0


class WindowUpdate(Struct, frozen=True, kw_only=True):
    stream_id: int
    delta: int


Frame = SynStream | SynReply | Headers | Data | RstStream | Settings | Ping | GoAway | WindowUpdate

_SYN_STREAM, _SYN_REPLY, _RST_STREAM, _SETTINGS, _PING, _GOAWAY, _HEADERS, _WINDOW_UPDATE = 1, 2, 3, 4, 6, 7, 8, 9


class Encoder:
    """Frames to bytes, for one direction of one connection."""

    def __init__(self) -> None:
        self._compressor = zlib.compressobj(zdict=DICTIONARY)

    def encode(self, frame: Frame) -> bytes:
        match frame:
            case Data(stream_id=stream_id, data=data, fin=fin):
                return struct.pack(">IBBH", stream_id, fin, len(data) >> 16, len(data) & 0xFFFF) + data
            case SynStream():
                flags = frame.fin | frame.unidirectional << 1
                head = struct.pack(">IIBB", frame.stream_id, frame.associated_id, frame.priority << 5, 0)
                return _control(_SYN_STREAM, flags, head + self._block(frame.headers))
            case SynReply() | Headers():
                kind = _SYN_REPLY if isinstance(frame, SynReply) else _HEADERS
                return _control(kind, frame.fin, _words(frame.stream_id) + self._block(frame.headers))
            case RstStream(stream_id=stream_id, status=status):
                return _control(_RST_STREAM, 0, _words(stream_id, status))
            case Settings(values=values):
                pairs = (word for pair in values.items() for word in pair)
                return _control(_SETTINGS, 0, _words(len(values), *pairs))
            case Ping(ping_id=ping_id):
                return _control(_PING, 0, _words(ping_id))
            case GoAway(last_stream_id=last, status=status):
                return _control(_GOAWAY, 0, _words(last, status))
            case WindowUpdate(stream_id=stream_id, delta=delta):
                return _control(_WINDOW_UPDATE, 0, _words(stream_id, delta))

    def _block(self, headers: Mapping[str, str]) -> bytes:
        parts = [_words(len(headers))]
        for name, value in headers.items():
            for text in (name.lower().encode(), value.encode()):
                parts += (_words(len(text)), text)
        return self._compressor.compress(b"".join(parts)) + self._compressor.flush(zlib.Z_SYNC_FLUSH)


def _words(*values: int) -> bytes:
    return struct.pack(f">{len(values)}I", *values)


def _control(kind: int, flags: int, payload: bytes) -> bytes:
    return _words(1 << 31 | VERSION << 16 | kind, flags << 24 | len(payload)) + payload


class Decoder:
    """Bytes to frames, for one direction of one connection. Frames of unknown kinds are skipped."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._decompressor = zlib.decompressobj(zdict=DICTIONARY)

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that these bytes complete. SpdyError ends the connection."""
        self._buffer += data
        return list(self._frames())

    def _frames(self) -> Iterator[Frame]:
        position = 0
        try:
            while len(self._buffer) - position >= 8:
                first, second = struct.unpack_from(">II", self._buffer, position)
                end = position + 8 + (second & 0xFFFFFF)
                if first >> 31 and end - position > HEADERS_MAX:
                    raise SpdyError("control frame is too large")
                if len(self._buffer) < end:
                    return
                payload = bytes(memoryview(self._buffer)[position + 8 : end])
                position = end
                frame = self._frame(first, second >> 24, payload)
                if frame is not None:
                    yield frame
        finally:
            del self._buffer[:position]

    def _frame(self, first: int, flags: int, payload: bytes) -> Frame | None:
        if not first >> 31:
            return Data(stream_id=first, data=payload, fin=bool(flags & FLAG_FIN))
        version, kind = first >> 16 & 0x7FFF, first & 0xFFFF
        if version != VERSION:
            raise SpdyError(f"version {version} is not spoken here")
        try:
            return self._control_frame(kind, flags, payload)
        except struct.error as error:
            raise SpdyError(f"control frame of kind {kind} is cut short") from error

    def _control_frame(self, kind: int, flags: int, payload: bytes) -> Frame | None:
        fin = bool(flags & FLAG_FIN)
        match kind:
            case 1:
                stream, associated, priority = struct.unpack_from(">IIB", payload)
                return SynStream(
                    stream_id=stream & 0x7FFFFFFF,
                    headers=self._block(payload[10:]),
                    fin=fin,
                    unidirectional=bool(flags & FLAG_UNIDIRECTIONAL),
                    associated_id=associated & 0x7FFFFFFF,
                    priority=priority >> 5,
                )
            case 2:
                return SynReply(stream_id=_word(payload), headers=self._block(payload[4:]), fin=fin)
            case 3:
                return RstStream(stream_id=_word(payload), status=_word(payload, 4))
            case 4:
                values = struct.unpack_from(f">{2 * _word(payload)}I", payload, 4)
                ids = (word & 0xFFFFFF for word in values[::2])
                return Settings(values=dict(zip(ids, values[1::2], strict=True)))
            case 6:
                return Ping(ping_id=struct.unpack_from(">I", payload)[0])
            case 7:
                return GoAway(last_stream_id=_word(payload), status=_word(payload, 4))
            case 8:
                return Headers(stream_id=_word(payload), headers=self._block(payload[4:]), fin=fin)
            case 9:
                return WindowUpdate(stream_id=_word(payload), delta=_word(payload, 4))
        return None

    def _block(self, compressed: bytes) -> dict[str, str]:
        try:
            block = self._decompressor.decompress(compressed, HEADERS_MAX)
        except zlib.error as error:
            raise SpdyError(f"header block is damaged: {error}") from error
        if self._decompressor.unconsumed_tail:
            raise SpdyError("header block is too large")
        headers, position = {}, 4
        for _ in range(_word(block)):
            name, position = _text(block, position)
            value, position = _text(block, position)
            headers[name] = value
        return headers


def _word(payload: bytes, offset: int = 0) -> int:
    return int(struct.unpack_from(">I", payload, offset)[0]) & 0x7FFFFFFF


def _text(block: bytes, position: int) -> tuple[str, int]:
    end = position + 4 + _word(block, position)
    if end > len(block):
        raise SpdyError("header block is cut short")
    return block[position + 4 : end].decode("utf-8", "replace"), end
