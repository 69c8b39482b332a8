"""HTTP/1.1 upgrades: what a client asks to be upgraded to, the answers to it, and our own upgrade at the runtime."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from urllib.parse import parse_qs, urlsplit

from msgspec import Struct, field

from steersman.api import websocket

SPDY = "SPDY/3.1"
PROTOCOL_HEADER = "X-Stream-Protocol-Version"
CONNECT_TIMEOUT = 10.0
HEAD_MAX = 64 << 10

Pairs = Sequence[tuple[str, str]]


class Refused(Exception):
    """The client's request cannot be served; the answer's HTTP status and text."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class Upgrade(Struct, frozen=True, kw_only=True):
    """One client request. Header names are kept as sent and compared without case."""

    method: str
    path: str
    headers: Pairs = field(default_factory=tuple)

    def values(self, name: str) -> list[str]:
        """A header's values: of repeated headers and comma-separated ones, in order."""
        found = (value for key, value in self.headers if key.lower() == name.lower())
        return [part.strip() for value in found for part in value.split(",") if part.strip()]

    def asks_for(self, protocol: str) -> bool:
        connection = {value.lower() for value in self.values("Connection")}
        upgrade = {value.lower() for value in self.values("Upgrade")}
        return "upgrade" in connection and protocol.lower() in upgrade

    def query(self, *names: str) -> list[str]:
        """The values of these query parameters."""
        found = parse_qs(urlsplit(self.path).query, keep_blank_values=True)
        return [value for name in names for value in found.get(name, ())]

    def flag(self, *names: str) -> bool:
        return any(value.lower() in ("1", "t", "true") for value in self.query(*names))


def chosen_protocol(offered: Sequence[str], known: Iterable[str]) -> str:
    """The first protocol of the client's that is known; "" when it offers none. Refused when it offers others."""
    wanted = set(known)
    for protocol in offered:
        if protocol in wanted:
            return protocol
    if offered:
        raise Refused(400, f"unable to upgrade: none of the offered protocols is supported: {', '.join(offered)}")
    return ""


def websocket_answer(request: Upgrade, protocol: str) -> bytes:
    """The 101 answer to a WebSocket request. Refused when the request is not one."""
    keys, versions = request.values("Sec-WebSocket-Key"), request.values("Sec-WebSocket-Version")
    try:
        return websocket.handshake(keys, versions, protocol)
    except ValueError as error:
        raise Refused(400, str(error)) from error


def refusal(status: int, message: str) -> bytes:
    """A whole plain-text answer that ends the connection."""
    reasons = {400: "Bad Request", 403: "Forbidden", 500: "Internal Server Error", 502: "Bad Gateway"}
    body = message.encode()
    lines = [
        f"HTTP/1.1 {status} {reasons.get(status, 'Error')}",
        "Content-Type: text/plain; charset=utf-8",
        f"Content-Length: {len(body)}",
        "Connection: close",
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


# The runtime's end.


async def connect(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection to the streaming URL's server. Refused when it does not answer."""
    parts = urlsplit(url)
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT):
            return await asyncio.open_connection(parts.hostname, parts.port or 80, limit=HEAD_MAX)
    except (OSError, TimeoutError) as error:
        raise Refused(502, f"the container runtime's streaming server does not answer: {error}") from error


def upgrade_request(url: str, headers: Pairs) -> bytes:
    """A request to the streaming URL that upgrades to SPDY, with more headers."""
    parts = urlsplit(url)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    lines = [f"POST {target} HTTP/1.1", f"Host: {parts.netloc}", "Connection: Upgrade", f"Upgrade: {SPDY}"]
    lines += [f"{name}: {value}" for name, value in headers]
    return "\r\n".join([*lines, "Content-Length: 0", "", ""]).encode()


async def upgraded(url: str, protocols: Sequence[str]) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A SPDY connection to the streaming URL that speaks one of these stream protocols; the caller closes it.

    Refused when the runtime does not upgrade.
    """
    reader, writer = await connect(url)
    try:
        writer.write(upgrade_request(url, [(PROTOCOL_HEADER, protocol) for protocol in protocols]))
        await writer.drain()
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
        writer.close()
        raise Refused(502, f"the container runtime did not answer the upgrade: {error}") from error
    if head.split(" ", 2)[1:2] != ["101"]:
        writer.close()
        raise Refused(502, f"the container runtime refused the upgrade: {head.splitlines()[0]}")
    return reader, writer
