"""Large answers made smaller for clients that take gzip, away from the event loop."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace

from steersman.api.http import Response

THRESHOLD = 128 * 1024
"""What is no longer than this many bytes is sent as it is."""

_LEVEL = 1
_GZIP = 31


def takes_gzip(headers: Mapping[str, str]) -> bool:
    """Whether the client of a request names gzip, without conditions, among the encodings that it takes."""
    return any(token.strip() == "gzip" for token in headers.get("accept-encoding", "").split(","))


async def shrunk(response: Response) -> Response:
    """The same answer compressed, if it is large or of unknown size."""
    body = response.body
    if not isinstance(body, bytes):
        return replace(response, headers=_marked(response.headers), body=_pieces(body))
    if len(body) <= THRESHOLD:
        return response
    return replace(response, headers=_marked(response.headers), body=await asyncio.to_thread(_packed, body))


def _packed(body: bytes) -> bytes:
    return zlib.compress(body, _LEVEL, _GZIP)


async def _pieces(body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
    try:
        async for piece in body:
            data = await asyncio.to_thread(packer.compress, piece)
            if data:
                yield data
        yield packer.flush()
    finally:
        closer = getattr(body, "aclose", None)
        if closer is not None:
            await closer()


def _marked(headers: Mapping[str, str]) -> Mapping[str, str]:
    vary = f"{headers['Vary']}, Accept-Encoding" if "Vary" in headers else "Accept-Encoding"
    return {**headers, "Content-Encoding": "gzip", "Vary": vary}
