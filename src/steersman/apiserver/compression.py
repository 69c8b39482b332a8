"""Large answers made smaller for clients that take gzip, away from the event loop."""

from __future__ import annotations

import asyncio
import struct
import zlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace

from steersman.api.http import Response

THRESHOLD = 128 * 1024
"""What is no longer than this many bytes is sent as it is."""
MOST = 8 * 1024 * 1024
"""Bytes of answers that are compressed at once."""

_LEVEL = 1
_GZIP, _RAW = 31, -15
# RFC 1952: deflate, no flags, no time, packed fast, of an unknown system; and RFC 1951's last block, empty.
_HEAD, _END = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x04\xff", b"\x03\x00"


def takes_gzip(headers: Mapping[str, str]) -> bool:
    """Whether the client of a request names gzip, without conditions, among the encodings that it takes."""
    return any(token.strip() == "gzip" for token in headers.get("accept-encoding", "").split(","))


class Packer:
    """Compresses; `most` bytes at once, or one answer that is larger. What comes meanwhile goes out as it is: where it waited, for
    a thread as for its client, it would be kept."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._under_way = 0

    async def shrunk(self, response: Response) -> Response:
        """The same answer compressed, if it is large or of unknown size."""
        body = response.body
        if not isinstance(body, bytes):
            return replace(response, headers=_marked(response.headers), body=_pieces(body))
        size = len(body)
        if size <= THRESHOLD or (self._under_way and self._under_way + size > self._most):
            return response
        self._under_way += size
        packing = asyncio.get_running_loop().run_in_executor(None, _packed, body)
        packing.add_done_callback(lambda _: self._over(size))
        # A client that goes stops no thread, and what that works on is in memory until it is done.
        packed = await asyncio.shield(packing)
        return replace(response, headers=_marked(response.headers), body=packed)

    def _over(self, size: int) -> None:
        self._under_way -= size


def _packed(body: bytes) -> bytes:
    return zlib.compress(body, _LEVEL, _GZIP)


async def _pieces(body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Each piece is packed for itself, as blocks of one stream: a packer takes 256 KiB, and the client may be slow to read."""
    checksum = size = 0
    before = _HEAD
    try:
        async for piece in body:
            size += len(piece)
            data, checksum = await asyncio.to_thread(_block, piece, checksum)
            del piece
            yield before + data
            before = b""
        yield before + _END + struct.pack("<II", checksum, size & 0xFFFFFFFF)
    finally:
        closer = getattr(body, "aclose", None)
        if closer is not None:
            await closer()


def _block(piece: bytes, checksum: int) -> tuple[bytes, int]:
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _RAW)
    return packer.compress(piece) + packer.flush(zlib.Z_FULL_FLUSH), zlib.crc32(piece, checksum)


def _marked(headers: Mapping[str, str]) -> Mapping[str, str]:
    vary = f"{headers['Vary']}, Accept-Encoding" if "Vary" in headers else "Accept-Encoding"
    return {**headers, "Content-Encoding": "gzip", "Vary": vary}
