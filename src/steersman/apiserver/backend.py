"""Connections from the API server to kubelets, pods and services: streamed answers, and upgraded connections copied blindly."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote

from steersman.api.errors import InternalError, ServiceUnavailable, TooManyRequests
from steersman.api.http import Hijacked, Request, Response, as_it_is, unbounded
from steersman.apiserver import refusal
from steersman.apiserver.frontproxy import is_identity
from steersman.http.taking import end, slim

if TYPE_CHECKING:
    # Imported where it is used: a server without kubelets does without, and it loads slowly.
    import aiohttp
    from yarl import URL

_CONNECT_SECONDS = 10.0
# How long a backend may take to agree to an upgrade, or to refuse it. Afterwards it may be silent for ever.
_UPGRADE_SECONDS = 30.0
# How long what was sent before the end may take to arrive, at a backend and at a client.
_FAREWELL_SECONDS, _DELIVERY_SECONDS = 1.0, 30.0
_HEAD_LIMIT = 64 * 1024
_REFUSAL_LIMIT = 64 * 1024
_CHUNK = 64 * 1024
# Whoever has sent so much has more to send. Backends are near.
_LONG = 1024 * 1024
# Larger bodies are sent piece by piece: whoever does not take them makes us keep one copy, and not one more for each layer.
_WHOLE = 256 * 1024
# Bytes of memory that a connection to a backend takes; more of them once so much has come together; and still more, for each
# direction of an upgraded connection, while what was sent there is not taken.
_CONNECTED, _BUSY, _MUCH, _STALLED = 64 * 1024, 256 * 1024, 8 * 1024, 320 * 1024
# Headers that belong to one connection, and credentials that are for us alone.
_HOP_BY_HOP = frozenset({
    "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer", "transfer-encoding", "upgrade",
    "content-length",
})  # fmt: skip
# What nobody has said is not said to a backend either: it would take bodies for something else, or pack its answer.
_NOT_ADDED = frozenset({"Accept", "Accept-Encoding", "Content-Type", "User-Agent"})
_PRIVATE = frozenset({"authorization", "host", "cookie2"})


@dataclass(frozen=True, slots=True)
class Target:
    """Where a backend listens. `tls` is None for plain HTTP; `name` is what its certificate must say, if not its host.
    `proxy` is the URL of a proxy on the way, if there is one: for requests, not for upgrades."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None
    name: str = ""
    proxy: str = ""

    @property
    def authority(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    def url(self, path: str, query: str) -> URL:
        from yarl import URL

        scheme = "https" if self.tls else "http"
        # An escaped slash is still one; any other percent sign was the client's own, and must not be taken for an escape.
        encoded = "%2F".join(quote(piece, safe="/:@!$&'()*+,;=~") for piece in path.split("%2F"))
        return URL(f"{scheme}://{self.authority}{encoded}{'?' + query if query else ''}", encoded=True)


@dataclass(frozen=True, slots=True)
class Answer:
    """A backend's answer; `body` must be iterated to its end or closed."""

    status: int
    headers: Mapping[str, str]
    body: AsyncIterator[bytes]


def _connector() -> aiohttp.TCPConnector:
    """Connections that end when nobody waits for an answer any more: a backend that takes nothing could keep what it was sent."""
    import aiohttp
    from aiohttp.client_proto import ResponseHandler

    class Protocol(ResponseHandler):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            super().connection_made(transport)
            slim(cast(asyncio.WriteTransport, transport))

        def close(self) -> None:
            self.abort()

    made = aiohttp.TCPConnector(limit=0, keepalive_timeout=30)
    kind: type[ResponseHandler] = Protocol
    made._factory = partial(kind, loop=asyncio.get_running_loop())
    return made


async def _pieces(body: bytes) -> AsyncIterator[bytes]:
    view = memoryview(body)
    for start in range(0, len(body), _CHUNK):
        yield bytes(view[start : start + _CHUNK])


class Backends:
    """Dials backends; `close` ends what is under way. `patience` is in seconds: how long an answer to an upgrade may take."""

    def __init__(self, patience: float = _UPGRADE_SECONDS) -> None:
        self._patience = patience
        self._session: aiohttp.ClientSession | None = None
        self.pages = asyncio.Semaphore(2)
        """For pages of backends that are rewritten at a time."""

    async def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _client(self) -> aiohttp.ClientSession:
        import aiohttp

        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS),
                connector=_connector(),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
            )
        return self._session

    async def send(
        self,
        target: Target,
        method: str,
        path: str,
        query: str = "",
        headers: Iterable[tuple[str, str]] = (),
        body: bytes | AsyncIterator[bytes] | None = None,
        asked: Request | None = None,
    ) -> Answer:
        """One request, because of one that was `asked` of us. Raises InternalError when the backend cannot be reached, and
        TooManyRequests when there is no room for one more."""
        import aiohttp

        if asked is not None:
            _begin(asked)
        headers = list(headers)
        if isinstance(body, bytes) and len(body) > _WHOLE:
            headers.append(("Content-Length", str(len(body))))
            body = _pieces(body)
        try:
            answer = await self._client().request(
                method,
                target.url(path, query),
                headers=headers,
                data=body or None,
                ssl=target.tls or False,
                server_hostname=target.name or None,
                proxy=target.proxy or None,
                allow_redirects=False,
                skip_auto_headers=_NOT_ADDED,
            )
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise dial_error(target, error) from error
        found: dict[str, str] = {}
        for name, value in answer.headers.items():
            if name.lower() not in _HOP_BY_HOP:
                found[name] = f"{found[name]}\n{value}" if name in found else value
        return Answer(answer.status, found, _Chunks(answer, unbounded if asked is None else asked.keep))

    async def upgrade(
        self,
        target: Target,
        request: Request,
        path: str,
        query: str,
        headers: Iterable[tuple[str, str]] | None = None,
    ) -> Response:
        """Pass an upgrade on and copy bytes both ways until one side ends; a refusal is answered as it came.

        Without `headers`, the request's own are passed on, but for those that are not for the backend. Raises InternalError
        when the backend cannot be reached, or does not answer in time; TooManyRequests when there is no room for one more.
        """
        if request.hijack is None:
            raise ServiceUnavailable("this connection cannot be upgraded")
        _begin(request)
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                reader, writer = await asyncio.open_connection(
                    target.host,
                    target.port,
                    ssl=target.tls,
                    server_hostname=(target.name or None) if target.tls else None,
                    limit=_HEAD_LIMIT,
                )
        except (OSError, TimeoutError) as error:
            raise dial_error(target, error) from error
        slim(writer.transport)
        kept = False
        try:
            sent = upgrade_headers(request) if headers is None else headers
            asked = _upgrade_head(target, request.method, target.url(path, query).raw_path_qs, sent)
            head, refused = await self._ask(asked, request.method, reader, writer)
            if refused is not None:
                # The rest of a long one is still to come.
                kept = not isinstance(refused.body, bytes)
                return refused
            request.keep(_CONNECTED)
            client = await request.hijack()
            client.writer.write(head)
            try:
                await _copy_both(client, reader, writer, request.keep)
            except asyncio.CancelledError:
                client.writer.transport.abort()
                raise
            finally:
                await end(client.writer, _DELIVERY_SECONDS)
        except asyncio.CancelledError:
            # There is nobody any more to be graceful for.
            writer.transport.abort()
            raise
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError) as error:
            raise InternalError.occurred(f"error dialing backend: {error}") from error
        finally:
            if not kept:
                await end(writer, _FAREWELL_SECONDS)
        return Response(0)

    async def _ask(
        self, asked: bytes, method: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> tuple[bytes, Response | None]:
        """Send a request's head: the head of the answer, and all of it if the backend refuses."""
        try:
            async with asyncio.timeout(self._patience):
                writer.write(asked)
                await writer.drain()
                head = await reader.readuntil(b"\r\n\r\n")
                if refusal.status_of(head) == 101:
                    return head, None
                answer, body = refusal.parse(head, method, reader)
                first = await refusal.begun(body)
        except TimeoutError as error:
            raise InternalError.occurred("error dialing backend: timeout awaiting response headers") from error
        answer.headers = {n: v for n, v in answer.headers.items() if n not in _HOP_BY_HOP}
        answer.body = first if body.over else refusal.Rest(first, body, lambda: writer.transport.abort())
        return head, answer


def dial_error(target: Target, error: BaseException) -> InternalError:
    # aiohttp wraps what the system said in words that name its own objects.
    cause = getattr(error, "os_error", error)
    if isinstance(cause, TimeoutError):
        why = "i/o timeout"
    elif "Connect call failed" in str(cause):
        why = "connect: connection refused"
    elif isinstance(cause, OSError) and cause.errno and not isinstance(cause, ssl.SSLError):
        why = f"connect: {os.strerror(cause.errno).lower()}"
    else:
        why = str(cause) or type(cause).__name__
    return InternalError.occurred(f"error dialing backend: dial tcp {target.authority}: {why}")


def _begin(request: Request) -> None:
    """A connection to a backend for this request: as if much came, until it is known."""
    if not request.room(_BUSY):
        raise TooManyRequests("too many streams are open, please try again later", details={"retryAfterSeconds": 1})
    request.keep(_BUSY)


class _Chunks:
    """The body of an answer. A generator would not do: one that is closed before it began lets go of nothing."""

    def __init__(self, answer: aiohttp.ClientResponse, keep: Callable[[int], None]) -> None:
        self._answer, self._keep = answer, keep
        self._much = False
        # It may be long until something comes.
        keep(_CONNECTED)

    def __aiter__(self) -> _Chunks:
        return self

    async def __anext__(self) -> bytes:
        import aiohttp

        try:
            chunk = await self._answer.content.readany()
        except aiohttp.ClientError as error:
            self._answer.close()
            raise ConnectionResetError(str(error)) from error
        if not chunk:
            self._answer.release()
            raise StopAsyncIteration
        if len(chunk) > _MUCH and not self._much:
            self._much = True
            self._keep(_BUSY)
        return chunk

    async def aclose(self) -> None:
        """Let go of the connection: it is used again if the body was read to its end. Idempotent."""
        self._answer.close()


async def read_limited(
    body: AsyncIterator[Any], limit: int = _REFUSAL_LIMIT, large: asyncio.Lock | None = None
) -> bytes:
    """The body, cut at `limit` bytes. Whatever happens, its connection is not held any longer.

    Of all bodies with the same lock only one at a time becomes `large`; the others wait.
    """
    found = bytearray()
    async with AsyncExitStack() as held:
        close = getattr(body, "aclose", None)
        if close is not None:
            held.push_async_callback(close)
        async for chunk in body:
            found += chunk
            if len(found) >= limit:
                break
            if large is not None and len(found) > _WHOLE:
                await held.enter_async_context(large)
                large = None
    return bytes(memoryview(found)[:limit])


def forwarded_headers(request: Request) -> list[tuple[str, str]]:
    """What a proxied request keeps of the client's headers."""
    return [(n, v) for n, v in request.headers.items() if n.lower() not in _HOP_BY_HOP and not _is_private(n.lower())]


def _is_private(name: str) -> bool:
    # Who somebody asked to be taken for has been decided here; a backend must not hear of it.
    return name in _PRIVATE or name.replace("_", "-").startswith("impersonate-") or is_identity(name)


def upgrade_headers(request: Request) -> list[tuple[str, str]]:
    """What an upgrade that is passed on keeps of the client's headers: also those that ask for the upgrade."""
    # Repeated headers (offered stream protocols) come out of a multi-dict one by one and must stay so.
    return [(n, v) for n, v in request.headers.items() if not _is_private(n.lower())]


def _upgrade_head(target: Target, method: str, path: str, headers: Iterable[tuple[str, str]]) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", f"Host: {target.authority}", *(f"{n}: {v}" for n, v in headers)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "surrogateescape")


async def _copy_both(
    client: Hijacked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, keep: Callable[[int], None]
) -> None:
    """Copy until either direction ends. What the backend sent before it closed is delivered."""
    base, stalled = _CONNECTED, 0

    async def drain(to: asyncio.StreamWriter, size: int) -> None:
        nonlocal base, stalled
        if size > _MUCH:
            base = _BUSY
        stalled += 1
        keep(base + stalled * _STALLED)
        try:
            await to.drain()
        finally:
            stalled -= 1
            keep(base + stalled * _STALLED)

    async def copy(source: asyncio.StreamReader, to: asyncio.StreamWriter, widen: Callable[[], None]) -> None:
        moved = 0
        # Either peer may go at any time; that is how these sessions end.
        try:
            while (data := await source.read(_CHUNK)) and not to.is_closing():
                to.write(data)
                moved += len(data)
                if moved - len(data) <= _LONG < moved:
                    widen()
                await drain(to, len(data))
        except OSError as error:
            # The streams keep it, and it would keep them.
            error.__traceback__ = None

    async with asyncio.TaskGroup() as group:
        up = group.create_task(copy(client.reader, writer, client.widen))
        down = group.create_task(copy(reader, client.writer, as_it_is))
        await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)
        up.cancel()
        down.cancel()
