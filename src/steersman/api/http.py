"""The shapes of a request and a response, shared by the API server and its clients so that a socket between them is optional."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class User:
    """Who asks: the outcome of authentication."""

    name: str
    groups: tuple[str, ...] = ()
    uid: str = ""
    extra: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def as_it_is() -> None:
    """Nothing bounds what is under way over this connection."""


@dataclass(frozen=True, slots=True)
class Hijacked:
    """A connection taken over after its request head was read; whoever holds it writes the response and closes it.

    `widen` is called for one that brings much: more may then be under way to us, from a client that is far away.
    """

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    widen: Callable[[], None] = as_it_is


Hijack = Callable[[], Awaitable[Hijacked]]


def unbounded(size: int) -> None:
    """Nobody bounds what is kept for a request that came over no connection."""


def roomy(size: int) -> bool:
    """As `unbounded`, before it is kept."""
    return True


@dataclass(slots=True)
class Request:
    """One request. `path` is decoded except for %2F inside a segment; `query` is raw, without the question mark.

    Header names are lower case. `user` is set by a transport that already knows who asks (in process, or a verified client
    certificate); otherwise the authenticator decides. `front_proxy` is the name in a verified certificate of a front proxy.
    `body_stream` carries a body that is proxied rather than read. `keep` is told how many bytes are in memory for the request's sake,
    besides its body and its answer, instead of what it was told before; its connection may be cut for them. `room` says whether there
    is room for so many more: what is only to begin is better refused than begun and cut.
    """

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    user: User | None = None
    front_proxy: str = ""
    remote: str = ""
    body_stream: AsyncIterator[bytes] | None = None
    hijack: Hijack | None = None
    keep: Callable[[int], None] = unbounded
    room: Callable[[int], bool] = roomy


@dataclass(slots=True)
class Response:
    """One response. `body` is bytes, or an async iterator of chunks for a stream that lasts (watch, log, proxy).

    `pause` is how many seconds a connection waits after a chunk before it asks for the next: what happens meanwhile comes as
    one. `shrinks`: it may be compressed for clients that want that. A response to a hijacked request has status 0: nothing
    more is written by the server.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | AsyncIterator[bytes] = b""
    pause: float = 0.0
    shrinks: bool = False


Handler = Callable[[Request], Awaitable[Response]]
