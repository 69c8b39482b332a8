"""Responses as bytes. Heads are put together as text, because header objects cost more than most requests do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from http import HTTPStatus

from steersman.api.http import Response

_STATUS_LINES = {s.value: f"HTTP/1.1 {s.value} {s.phrase}\r\n" for s in HTTPStatus}
BODILESS = frozenset({204, 304})
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def head(response: Response, framing: str, ending: str) -> bytes:
    """The head; `framing` are whole lines, `ending` are those on the connection and the empty one."""
    status = response.status
    text = _STATUS_LINES.get(status) or f"HTTP/1.1 {status} Unknown\r\n"
    for name, value in response.headers.items():
        if "\n" in value or "\r" in value:
            # Several values of one header, one a line.
            text += "".join([f"{name}: {v}\r\n" for v in value.replace("\r", "\n").split("\n") if v])
        else:
            text += f"{name}: {value}\r\n"
    text = f"{text}{framing}{ending}"
    try:
        # Bytes of others that are no text have been read in this way.
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")


def ending(keep: bool, current: bool) -> str:
    """The last lines of a head: whether the connection lasts, to a client of the current version of HTTP or of 1.0."""
    if not keep:
        return "Connection: close\r\n\r\n"
    return "\r\n" if current else "Connection: keep-alive\r\n\r\n"


def plain(status: int, reason: str) -> Response:
    """An answer to what has not become a request."""
    return Response(status, {"Content-Type": "text/plain; charset=utf-8"}, f"{reason}\n".encode())


def too_large(limit: int) -> Response:
    """The Status for a body of more than `limit` bytes."""
    message = f"Request entity too large: limit is {limit}"
    status = (
        '{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure",'
        f'"message":"{message}","reason":"RequestEntityTooLarge","code":413}}\n'
    )
    return Response(413, {"Content-Type": "application/json"}, status.encode())


async def close(body: bytes | AsyncIterator[bytes]) -> None:
    """Let go of a body that is not sent, or not to its end."""
    closer = getattr(body, "aclose", None)
    if closer is not None:
        await closer()
