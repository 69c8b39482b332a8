"""The API server on sockets: HTTP/1.1 with keep-alive, TLS, client certificates, streamed answers and upgrades.

Responses are written to the transport in one piece, because header objects cost more than most requests do.
"""

from __future__ import annotations

import asyncio
import resource
import ssl
import sys
from collections.abc import AsyncIterator, Sequence
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import unquote

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from steersman.api.http import Handler, Hijacked, Request, Response, User
from steersman.apiserver import requestinfo
from steersman.apiserver.frontproxy import Judge

MAX_BODY = 3 * 1024 * 1024
_MAX_LINE = 1024 * 1024
_MAX_FIELD = 64 * 1024
# Up to this size it is cheaper to copy a body behind its head than to write twice.
_JOINED = 64 * 1024
# A large body is encrypted and sent in pieces of this size: each copy of it on the way then fits into memory that is there.
_PIECE = 64 * 1024
_BODY_METHODS = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_STATUS_LINES = {s.value: f"HTTP/1.1 {s.value} {s.phrase}\r\n" for s in HTTPStatus}
_BODILESS = frozenset({204, 304})
_PEER_ERRORS = (ConnectionError, asyncio.IncompleteReadError)
# Seconds that a new connection has for its first request.
_FIRST_REQUEST = 32.0
# Descriptors that are left for everything else when the connections have taken theirs.
_SPARE_DESCRIPTORS = 256


class Connection(RequestHandler):
    """One client connection; remembers who its certificate names: a user, a front proxy, or both."""

    __slots__ = ("front_proxy", "idle", "user")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user: User | None = None
        self.front_proxy = ""
        self.idle: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        server = cast(_Server, self._manager)
        if len(server._connections) > server.most:
            # There is nobody to read why: what could be written would cost what is short.
            cast(asyncio.Transport, transport).abort()
            return
        self.idle = self._loop.call_later(_FIRST_REQUEST, cast(asyncio.Transport, transport).abort)
        certificate = transport.get_extra_info("peercert")
        if certificate:
            self._identify(certificate, transport.get_extra_info("ssl_object"))

    def _identify(self, certificate: dict[str, Any], connection: Any) -> None:
        named = user_of_certificate(certificate)
        judge = cast(_Server, self._manager).judge
        client, proxy = (True, False) if judge is None else judge(connection)
        if client:
            self.user = named
        if proxy and named is not None:
            self.front_proxy = named.name

    def connection_lost(self, exc: BaseException | None) -> None:
        self.asked()
        super().connection_lost(exc)

    def asked(self) -> None:
        """A request has come, so the connection is not one that only takes up room."""
        if self.idle is not None:
            self.idle.cancel()
            self.idle = None

    async def drain(self) -> None:
        await self._drain_helper()


class _Server(web.Server):
    judge: Judge | None = None
    most = sys.maxsize
    """How many connections may be open."""

    def __call__(self) -> RequestHandler:
        return Connection(self, loop=self._loop, **self._kwargs)


class _Taken(asyncio.StreamReaderProtocol):
    """The protocol of a hijacked connection; tells the HTTP connection, which no longer hears of it, when it ends."""

    def __init__(self, reader: asyncio.StreamReader, before: RequestHandler) -> None:
        super().__init__(reader)
        self._before = before

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._before.connection_lost(exc)


class _Reply:
    """Writes a Response; looks to aiohttp like a response object."""

    __slots__ = ("keep_alive", "response", "status")

    def __init__(self, response: Response, keep_alive: bool) -> None:
        self.response = response
        self.status = response.status
        self.keep_alive = keep_alive

    async def prepare(self, request: web.BaseRequest) -> None:
        if self.response.status == 0:
            self.keep_alive = False
            return
        connection = cast(Connection, request.protocol)
        transport = request.transport
        if transport is None or transport.is_closing():
            self.keep_alive = False
            if not isinstance(self.response.body, bytes):
                await _close(self.response.body)
            return
        if self.status in _BODILESS and not isinstance(self.response.body, bytes):
            # There is nothing to come, and nothing may be said of how it ends.
            await _close(self.response.body)
            self.response.body = b""
        if isinstance(self.response.body, bytes):
            rest = _write_whole(transport, request, self.response, self.keep_alive)
            await connection.drain()
            if rest:
                await self._pieces(connection, transport, rest)
        else:
            await self._stream(connection, transport, request, self.response.body)

    async def write_eof(self) -> None:
        return None

    async def _pieces(self, connection: Connection, transport: asyncio.Transport, body: bytes) -> None:
        try:
            view = memoryview(body)
            for start in range(0, len(body), _PIECE):
                transport.write(view[start : start + _PIECE])
                await connection.drain()
        except _PEER_ERRORS:
            self.keep_alive = False

    async def _stream(
        self, connection: Connection, transport: asyncio.Transport, request: web.BaseRequest, body: AsyncIterator[bytes]
    ) -> None:
        chunked, pause = request.version >= (1, 1), self.response.pause
        self.keep_alive = self.keep_alive and chunked
        transport.write(_head(self.response, self.keep_alive, "Transfer-Encoding: chunked\r\n" if chunked else ""))
        complete = False
        cut_by = getattr(body, "cut_by", None)
        if cut_by is not None:
            # Whoever makes the body may know better than we when its reader has to go.
            cut_by(transport.abort)
        try:
            if request.method != "HEAD":
                async for chunk in body:
                    if not chunk:
                        continue
                    transport.write(b"%x\r\n%b\r\n" % (len(chunk), chunk) if chunked else chunk)
                    await connection.drain()
                    if pause:
                        await asyncio.sleep(pause)
            if chunked and request.method != "HEAD":
                transport.write(b"0\r\n\r\n")
            complete = True
        except _PEER_ERRORS:
            self.keep_alive = False
        finally:
            await _close(body)
            if not complete:
                # A cut connection is the only way to say that a chunked body is not whole.
                self.keep_alive = False


async def _close(body: AsyncIterator[bytes]) -> None:
    closer = getattr(body, "aclose", None)
    if closer is not None:
        await closer()


def _head(response: Response, keep_alive: bool, framing: str) -> bytes:
    lines = [_STATUS_LINES.get(response.status) or f"HTTP/1.1 {response.status} Unknown\r\n"]
    for name, value in response.headers.items():
        if "\n" in value:
            # Several values of one header, one a line.
            lines.extend(f"{name}: {v}\r\n" for v in value.split("\n"))
        else:
            lines.append(f"{name}: {value}\r\n")
    lines.append(framing)
    lines.append("\r\n" if keep_alive else "Connection: close\r\n\r\n")
    return "".join(lines).encode("latin-1", "replace")


def _write_whole(transport: asyncio.Transport, request: web.BaseRequest, response: Response, keep_alive: bool) -> bytes:
    """Write the head, and the body if it is small; returns the body that is still to be written."""
    body = cast(bytes, response.body)
    framing = f"Content-Length: {len(body)}\r\n"
    if keep_alive and request.version < (1, 1):
        framing += "Connection: keep-alive\r\n"
    head = _head(response, keep_alive, framing)
    if request.method == "HEAD":
        transport.write(head)
    elif len(body) < _JOINED:
        transport.write(head + body)
    else:
        transport.write(head)
        return body
    return b""


def user_of_certificate(certificate: dict[str, Any]) -> User | None:
    """The user a verified client certificate names: common name and organisations; None when it names nobody."""
    name, groups = "", []
    for part in certificate.get("subject", ()):
        for key, value in part:
            if key == "commonName":
                name = value
            elif key == "organizationName":
                groups.append(value)
    return User(name, tuple(groups)) if name else None


def _is_proxied(request: Request) -> bool:
    """Whether the body is for somebody else. Looked at in full only where the path may say so: namespaces and objects
    have names like `proxy` too."""
    if "/proxy" not in request.path:
        return False
    return requestinfo.parse(request.method, request.path, requestinfo.Query("")).subresource == "proxy"


def decode_path(raw: str) -> str:
    """A path with its escapes decoded, except escaped slashes, which stay inside their segment."""
    if "%" not in raw:
        return raw
    if "%2f" not in raw.lower():
        return unquote(raw)
    return "/".join("%2F".join(unquote(p) for p in s.replace("%2f", "%2F").split("%2F")) for s in raw.split("/"))


class HTTPServer:
    """Serves a handler on any number of addresses. `start` listens, `close` refuses new requests and ends the running ones.

    Of connections beyond `max_connections` nothing is read (0: as many as the process may have descriptors, but for some).
    """

    def __init__(
        self, handler: Handler, *, max_body: int = MAX_BODY, judge: Judge | None = None, max_connections: int = 0
    ) -> None:
        self._handler = handler
        self._max_body = max_body
        self._server = _Server(
            cast(Any, self._handle),
            request_factory=cast(Any, self._request),
            handler_cancellation=True,
            access_log=None,
            max_line_size=_MAX_LINE,
            max_field_size=_MAX_FIELD,
            auto_decompress=False,
            lingering_time=1.0,
        )
        self._server.judge = judge
        self._server.most = max_connections or _room()
        self._listeners: list[asyncio.Server] = []

    async def start(
        self, hosts: Sequence[str], port: int, tls: ssl.SSLContext | None = None, *, backlog: int = 1024
    ) -> int:
        """Listen on each host; a port of 0 takes a free one, the same for all. Returns the port."""
        loop = asyncio.get_running_loop()
        for host in hosts:
            listener = await loop.create_server(self._server, host, port, ssl=tls, backlog=backlog)
            self._listeners.append(listener)
            port = port or listener.sockets[0].getsockname()[1]
        return port

    async def close(self, timeout: float = 2.0) -> None:
        for listener in self._listeners:
            listener.close()
        self._server.pre_shutdown()
        await self._server.shutdown(timeout)
        for listener in self._listeners:
            await listener.wait_closed()
        self._listeners.clear()

    def _request(self, message: Any, payload: Any, protocol: Any, writer: Any, task: Any) -> web.BaseRequest:
        return web.BaseRequest(
            message, payload, protocol, writer, task, asyncio.get_running_loop(), client_max_size=self._max_body
        )

    async def _handle(self, request: web.BaseRequest) -> _Reply:
        raw_path, _, query = request.raw_path.partition("?")
        out = Request(request.method, decode_path(raw_path), query, request.headers)
        connection = cast(Connection, request.protocol)
        if connection.idle is not None:
            connection.asked()
        out.user, out.front_proxy = connection.user, connection.front_proxy
        peer = connection.peername
        out.remote = str(peer[0]) if peer else ""
        keep_alive = request.keep_alive
        if request.method in _BODY_METHODS and request.body_exists and not await self._read_body(request, out):
            return _Reply(Response(413, {"Content-Type": "application/json"}, self._too_large()), False)
        if "upgrade" in request.headers:
            out.hijack = lambda: _hijack(request)
        return _Reply(await self._handler(out), keep_alive)

    async def _read_body(self, request: web.BaseRequest, out: Request) -> bool:
        """Read the body or hand it on as a stream; False when it is larger than the limit."""
        if _is_proxied(out):
            out.body_stream = request.content.iter_any()
            return True
        if (request.content_length or 0) > self._max_body:
            return False
        if request.headers.get("expect", "").lower() == "100-continue" and request.transport is not None:
            request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        try:
            out.body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            return False
        return True

    def _too_large(self) -> bytes:
        message = f"Request entity too large: limit is {self._max_body}"
        return (
            b'{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"%b",'
            b'"reason":"RequestEntityTooLarge","code":413}\n'
        ) % message.encode()


async def _hijack(request: web.BaseRequest) -> Hijacked:
    """Take the connection away from HTTP, with whatever has been read past the request head."""
    connection = cast(Connection, request.protocol)
    transport = request.transport
    if transport is None:
        raise ConnectionResetError("the client has gone")
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=256 * 1024, loop=loop)
    protocol = _Taken(reader, connection)
    tail = connection._message_tail
    connection._message_tail = b""
    transport.set_protocol(protocol)
    protocol.connection_made(transport)
    if tail:
        reader.feed_data(tail)
    transport.resume_reading()
    return Hijacked(reader, asyncio.StreamWriter(transport, protocol, reader, loop))


def _room() -> int:
    """How many connections the process has descriptors for."""
    descriptors = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if descriptors == resource.RLIM_INFINITY:
        return sys.maxsize
    return max(descriptors - _SPARE_DESCRIPTORS, _SPARE_DESCRIPTORS)


def server_tls(cert_file: str, key_file: str, *client_ca_files: str) -> ssl.SSLContext:
    """TLS for a server; with `client_ca_files`, client certificates are asked for, and those of these CAs are accepted."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(cert_file, key_file)
    for file in filter(None, client_ca_files):
        context.load_verify_locations(file)
        context.verify_mode = ssl.CERT_OPTIONAL
    context.set_alpn_protocols(["http/1.1"])
    return context
