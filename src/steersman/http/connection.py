"""One client connection: requests are read and answered one after the other, on the transport's own callbacks."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from functools import partial
from math import inf
from typing import TYPE_CHECKING, Any, cast

from steersman.api.http import Hijacked, Request, Response, User
from steersman.http import reply
from steersman.http.body import Chunked, Sink, Sized, Stream, Whole, discard
from steersman.http.head import CHUNKED, Fields, check_partial, check_sizes, check_version, decode_path, request_line
from steersman.http.holdings import BUFFERS, Share
from steersman.http.limits import Malformed
from steersman.http.runner import Runner
from steersman.http.taking import WINDOW, limit_window, take
from steersman.http.tls import end_of_certificate, user_of_certificate

if TYPE_CHECKING:
    from steersman.http.server import HTTPServer

log = logging.getLogger(__name__)

# Up to this size it is cheaper to copy a body behind its head than to write twice.
_JOINED = 64 * 1024
# A large body is encrypted and sent in pieces of this size: each copy of it on the way then fits into memory that is there.
_PIECE = 64 * 1024
# What is read ahead while a request is worked on.
_AHEAD = 64 * 1024
_MUCH = 8 * 1024  # Once so much has arrived at a time the buffers are in use.
_STALLED = 640 * 1024  # By a body that is handed on and not taken, with the buffers of whom it is for.
_PEER_ERRORS = (ConnectionError, asyncio.IncompleteReadError)


class Connection(asyncio.Protocol):
    """Reads a request, runs the handler, writes the answer, and reads the next.

    While a request is worked on (`busy`) what arrives is its streamed body, or read ahead. `deadline` is the time of the loop at
    which the server ends what takes too long.
    """

    __slots__ = (
        "_ahead", "_body", "_current", "_front_proxy", "_handler", "_held", "_keep",
        "_last", "_loop", "_lost", "_memory", "_request", "_rest", "_runner", "_server", "_share", "_sink", "_stranger", "_taken",
        "_transport", "_unwritable", "_user", "_waiter", "busy", "deadline", "named_until", "remote",
    )  # fmt: skip

    def __init__(self, server: HTTPServer, loop: asyncio.AbstractEventLoop) -> None:
        self._server = server
        self._loop = loop
        self._handler, self._memory, self._runner = server.handler, server.memory, Runner(loop, self._ended)
        self._transport: asyncio.Transport = cast(asyncio.Transport, None)
        self._user: User | None = None
        self._front_proxy = self.remote = ""
        self._ahead: bytes | bytearray = b""
        self._rest = b""
        """What has arrived and is not read yet; and what is not written yet of a large answer."""
        self._body: Sized | Chunked | None = None
        self._sink: Sink = discard
        self._request: Request | None = None
        """The request whose body is read before it is worked on."""
        self._current = self._keep = True
        """Of the request: whether it is of HTTP/1.1, and whether the connection lasts beyond its answer."""
        self._last = self._lost = self._taken = self._held = self._unwritable = False
        self._stranger = False
        """The client has not shown yet who it is."""
        self._waiter: asyncio.Future[None] | None = None
        self._share = Share(server.holdings)
        self.busy = False
        self.deadline = self.named_until = inf
        """Times of the event loop; from `named_until` on the client's certificate is worth nothing."""

    # The transport's callbacks.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        # With TLS event loops take far more by themselves before they say that it is enough.
        self._transport.set_write_buffer_limits(high=_PIECE)
        peer = transport.get_extra_info("peername")
        self.remote = str(peer[0]) if peer else ""
        certificate = transport.get_extra_info("peercert")
        if certificate:
            self._identify(certificate, transport.get_extra_info("ssl_object"))
        self._server.connections.add(self)
        if not self.named:
            self._stranger = True
            self._server.strangers[self] = None
        self.deadline = self._server.now() + self._server.limits.head
        if self._server.closing:
            self._transport.close()
        self._account()

    def _identify(self, certificate: dict[str, Any], connection: Any) -> None:
        named, judge = user_of_certificate(certificate, connection.getpeercert(True) or b""), self._server.judge
        client, proxy = (True, False) if judge is None else judge(connection)
        if client:
            self._user = named
        if proxy and named is not None:
            self._front_proxy = named.name
        server = self._server
        self.named_until = server.now() + end_of_certificate(certificate) - server.clock.time()
        if self.named_until <= server.now():
            self.forget_client()

    @property
    def owner(self) -> str:
        """Whose connection it is: of a user, or of whoever is at that address."""
        return self.remote if self._user is None else f"user {self._user.name}"

    def _account(self) -> None:
        """Tell how much is kept because of this connection. It may be cut for that."""
        self._share.tell(self, len(self._ahead), lost=self._lost)

    def _keep_behind(self, size: int) -> None:
        self._share.behind = size
        self._account()

    def _room(self, size: int) -> bool:
        return self._server.holdings.room(self, size)

    @property
    def named(self) -> bool:
        """Whether the client has shown a certificate that counts."""
        return self._user is not None or self._front_proxy != ""

    def forget_client(self) -> None:
        """The client's certificate has ended: from the next request on it is nobody."""
        self._user, self._front_proxy, self.named_until = None, "", inf

    @property
    def idle_since(self) -> float:
        """Since when there is nothing to do, or inf; of a connection that was never asked anything a good while earlier."""
        if self.busy or self._ahead or self._body is not None or self._last or self._taken or self._lost:
            return inf
        return self.deadline - self._server.limits.idle

    def data_received(self, data: bytes) -> None:
        if self._body is not None:
            self._feed(data)
        elif self.busy:
            self._ahead += data
            if len(self._ahead) > _AHEAD:
                self._hold(True)
        elif self._last:
            # Only read so that the client sees why the connection ends.
            return
        elif self._ahead:
            self._continue(data)
        else:
            self._begin(data)
        if len(data) > _MUCH:
            self._share.base = max(self._share.base, BUFFERS)
        if len(data) > _MUCH or self._ahead or self._share.asked:
            self._account()

    def eof_received(self) -> bool:
        # Whoever has nothing more to say is not there any more, as far as one can know.
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost = True
        self.deadline = inf
        gone = ConnectionResetError("the client has gone")
        if isinstance(self._sink, Stream):
            self._sink.end(gone)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(gone)
        self._ahead, self._body, self._sink, self._request, self._rest = b"", None, discard, None, b""
        self._account()
        if not self._runner.cancel():
            self._server.forget(self)

    def pause_writing(self) -> None:
        self._unwritable = True

    def resume_writing(self) -> None:
        self._unwritable = False
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
        elif self.busy and self._runner.done():
            self._loop.call_soon(self._proceed)

    def _hold(self, held: bool) -> None:
        """Let the client wait, or go on."""
        if held is not self._held and not self._lost and not self._taken:
            self._held = held
            if held:
                self._transport.pause_reading()
            else:
                self._transport.resume_reading()

    def _stall(self, held: bool) -> None:
        """As `_hold`, because of a body that is handed on; its end may have come meanwhile."""
        if self.busy:
            self._share.asked = _STALLED if held else 0
            self._account()
        self._hold(held)

    # Reading.

    def _continue(self, data: bytes) -> None:
        """More of a head that came in pieces."""
        ahead = self._ahead
        if isinstance(ahead, bytes):
            ahead = self._ahead = bytearray(ahead)
        searched = max(len(ahead) - 3, 0)
        ahead += data
        if ahead.find(b"\r\n\r\n", searched) >= 0:
            self._ahead = b""
            self._begin(bytes(ahead))
        else:
            self._check_partial(searched)

    def _begin(self, data: bytes) -> None:
        """Read a head, of which this is the beginning."""
        if data.startswith(b"\r\n"):
            # Some send an empty line after a body.
            data = data.lstrip(b"\r\n")
        end = data.find(b"\r\n\r\n")
        if end < 0:
            self._partial(data)
            return
        line = data.find(b"\r\n")
        try:
            check_sizes(line, end - line)
            method, target, self._current = request_line(data[:line])
            fields = self._memory.fields(data[line + 2 : end + 2])
            check_version(fields, self._current)
        except Malformed as error:
            self._refuse(error)
            return
        path, _, query = target.partition("?")
        request = Request(
            method, decode_path(path), query, fields.headers, b"", self._user, self._front_proxy, self.remote,
            keep=self._keep_behind, room=self._room,
        )  # fmt: skip
        if self._user is not None and (certified := self._server.certified) is not None:
            certified(self.named_until - self._server.now())
        self._keep = not fields.close if self._current else fields.keep
        if fields.upgrade:
            request.hijack = self._hijack
        if fields.length:
            self._begin_body(request, fields, data[end + 4 :])
        else:
            self._ahead = data[end + 4 :]
            self._run(request)

    def _partial(self, data: bytes) -> None:
        if not data:
            return
        if not self._ahead:
            self.deadline = self._server.now() + self._server.limits.head
        self._ahead = data
        self._check_partial(0)

    def _check_partial(self, searched: int) -> None:
        """Whether a head that is not complete can become one."""
        try:
            check_partial(self._ahead, searched)
        except Malformed as error:
            self._refuse(error)

    def _begin_body(self, request: Request, fields: Fields, data: bytes) -> None:
        server, length = self._server, fields.length
        self._body = Chunked() if length == CHUNKED else Sized(length)
        expects = fields.expects and self._current and not data
        if length == CHUNKED or length > _PIECE:
            limit_window(self._transport.get_extra_info("socket"), WINDOW)
        if request.hijack is None and server.streamed is not None and server.streamed(request.method, request.path):
            stream = self._sink = Stream(self._stall, self._invite if expects else None)
            request.body_stream = stream
            self._run(request)
            if data:
                self._feed(data)
            return
        if length > server.max_body:
            self._refuse_body(data)
            return
        if expects:
            self._invite()
        self._request, self._sink = request, Whole(server.max_body)
        self.deadline = server.now() + server.limits.body
        if data:
            self._feed(data)

    def _invite(self) -> None:
        """Tell a client that waits for it to send the body."""
        if self._body is not None and not self._transport.is_closing():
            self._transport.write(reply.CONTINUE)

    def _feed(self, data: bytes) -> None:
        body = self._body
        if body is None:
            return
        sink = self._sink
        try:
            rest = body.feed(data, sink)
        except Malformed as error:
            self._malformed_body(error)
            return
        if isinstance(sink, Whole):
            self._share.asked = sink.size
            if sink.exceeded:
                self._refuse_body(b"")
        if rest is not None:
            self._complete(rest)

    def _complete(self, rest: bytes) -> None:
        """The body has come to its end."""
        sink, request = self._sink, self._request
        self._body, self._sink, self._request = None, discard, None
        if isinstance(sink, Stream):
            sink.end()
        if self._last and not self.busy:
            self._transport.close()
            return
        self._ahead = rest
        if request is not None:
            request.body = cast(Whole, sink).value()
            self._run(request)
        elif not self.busy:
            self._go_on()

    def _malformed_body(self, error: Malformed) -> None:
        sink = self._sink
        self._body, self._sink, self._request = None, discard, None
        if isinstance(sink, Stream):
            # An answer may have begun already.
            self._keep = False
            self._last = True
            sink.end(ConnectionResetError(str(error)))
        elif not self._last:
            self._refuse(error)
        else:
            self._transport.close()

    def _refuse_body(self, data: bytes) -> None:
        """The body is larger than the server reads: say so, and let it pass."""
        self._request, self._sink, self._keep, self._share.asked = None, discard, False, 0
        self._write(reply.too_large(self._server.max_body), "")
        self._linger()
        if data:
            self._feed(data)

    def _refuse(self, error: Malformed) -> None:
        """There is no telling where the next request would begin."""
        self._ahead, self._keep = b"", False
        self._write(reply.plain(error.status, f"{error.status} Bad Request: {error}"), "")
        self._linger()

    def _linger(self) -> None:
        """The last answer is written: end the connection, but not before the client has had time to read it."""
        self._last = True
        self._hold(False)
        transport = self._transport
        if transport.is_closing():
            return
        if transport.can_write_eof():
            transport.write_eof()
        elif self._body is None:
            transport.close()
            return
        self.deadline = inf
        self._server.later(self)

    def cut(self) -> None:
        """End the connection, whatever goes on."""
        if not self._lost:
            # The event loop tells of it only when it has looked at all other connections, and there may be many.
            self._ahead = self._rest = b""
            self._body = self._request = None
            if isinstance(self._sink, Whole):
                self._sink = discard
            self._transport.abort()

    def expire(self) -> None:
        """The deadline has passed."""
        self.deadline = inf
        if self.busy:
            # The client does not take its answer.
            self._transport.abort()
        elif self._ahead or self._request is not None:
            self._body, self._request, self._sink, self._share.asked = None, None, discard, 0
            self._refuse(Malformed("the request takes too long", 408))
        else:
            # Nothing has been asked, or what is still sent belongs to what has been answered.
            self._transport.close()

    def retire(self) -> None:
        """Take no more requests. Ends now, unless one is worked on."""
        self._last = True
        if not self.busy:
            self._transport.close()

    def leave(self) -> None:
        """It has ended, and so has what was worked on: let go of everything."""
        self._runner.leave()

    def cancel(self) -> None:
        """End the request that is worked on."""
        self._runner.cancel()

    # Working.

    def _run(self, request: Request) -> None:
        self.busy = True
        self.deadline = inf
        self._runner.start(self._serve(request))

    async def _serve(self, request: Request) -> None:
        try:
            response = await self._handler(request)
        except Exception:
            log.exception("%s %r failed", request.method, request.path)
            self._keep = False
            response = reply.plain(500, "500 Internal Server Error")
        if self._stranger and response.status != 401 and "authorization" in request.headers:
            self._stranger = False
            self._server.strangers.pop(self, None)
        body = response.body
        if response.status == 0:
            self._keep = False
        elif self._lost or self._transport.is_closing():
            self._keep = False
            await reply.close(body)
        elif isinstance(body, bytes):
            self._keep = self._keep and not self._last
            if len(body) < _JOINED or request.method == "HEAD":
                self._write(response, request.method)
            else:
                head, self._rest = self._head(response, body), body
                # Nobody else keeps the answer: when the connection is cut it goes at once.
                del body, response
                await self._write_rest(head)
        elif response.status in reply.BODILESS or request.method == "HEAD":
            await self._write_empty(response, body)
        else:
            await self._stream(response, body)

    def _write(self, response: Response, method: str) -> None:
        body = cast(bytes, response.body)
        bare = method == "HEAD" or response.status in reply.BODILESS
        self._transport.write(self._head(response, body) + (b"" if bare else body))

    def _head(self, response: Response, body: bytes) -> bytes:
        framing = "" if response.status in reply.BODILESS else f"Content-Length: {len(body)}\r\n"
        return reply.head(response, framing, reply.ending(self._keep, self._current))

    async def _write_rest(self, head: bytes) -> None:
        """Write a large answer, as the client takes it."""
        self._transport.write(head)
        size = len(self._rest)
        try:
            for start in range(0, size, _PIECE):
                # A copy: a view of it in the transport would keep all of it.
                self._transport.write(self._rest[start : start + _PIECE])
                if self._unwritable:
                    self.deadline = self._server.now() + self._server.limits.answer
                    await self._taken_of(size)
            self._rest, self.deadline = b"", inf
        except _PEER_ERRORS:
            self._keep = False

    async def _write_empty(self, response: Response, body: AsyncIterator[bytes]) -> None:
        """There is nothing to come, and nothing may be said of how it ends."""
        self._keep = self._keep and not self._last
        framing = "" if response.status in reply.BODILESS else "Transfer-Encoding: chunked\r\n"
        self._transport.write(reply.head(response, framing, reply.ending(self._keep, self._current)))
        await reply.close(body)

    async def _stream(self, response: Response, body: AsyncIterator[bytes]) -> None:
        chunked, pause, transport = self._current, response.pause, self._transport
        self._keep = self._keep and chunked and not self._last
        framing = "Transfer-Encoding: chunked\r\n" if chunked else ""
        transport.write(reply.head(response, framing, reply.ending(self._keep, chunked)))
        cut_by = getattr(body, "cut_by", None)
        if cut_by is not None:
            # Whoever makes the body may know better than we when its reader has to go.
            cut_by(transport.abort)
        try:
            async for piece in body:
                if not piece:
                    continue
                if len(piece) > _JOINED:
                    await self._write_piece(piece, chunked)
                else:
                    transport.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
                if self._unwritable or self._lost:
                    await self._taken_of(len(piece))
                del piece  # It would stay until the next comes.
                if pause:
                    await asyncio.sleep(pause)
            if chunked:
                transport.write(b"0\r\n\r\n")
        except _PEER_ERRORS:
            # A cut connection is the only way to say that a body is not whole.
            self._keep = False
        finally:
            await reply.close(body)

    async def _write_piece(self, piece: bytes, chunked: bool) -> None:
        """Write a large piece as it is taken: it may be shared with others, but what is written is in memory for each of them."""
        transport, view = self._transport, memoryview(piece)
        if chunked:
            transport.write(b"%x\r\n" % len(piece))
        for start in range(0, len(piece), _PIECE):
            transport.write(view[start : start + _PIECE])
            if self._unwritable or self._lost:
                await self._taken_of(len(piece))
        if chunked:
            transport.write(b"\r\n")

    async def _taken_of(self, size: int) -> None:
        """As `_drain`, where so many bytes are in memory until then."""
        self._share.unread = size + BUFFERS
        self._account()
        try:
            await self._drain()
        finally:
            self._share.unread = 0
            self._account()

    async def _drain(self) -> None:
        """Wait until the client has taken some of what was written."""
        while self._unwritable and not self._lost:
            self._waiter = self._loop.create_future()
            await self._waiter
        if self._lost:
            raise ConnectionResetError("the client has gone")

    def _ended(self, error: BaseException | None) -> None:
        """The request has been worked on."""
        self.busy = False
        if self._share.asked or self._share.behind:
            self._share.asked = self._share.behind = 0
            self._account()
        if self._lost:
            self._server.forget(self)
            return
        if self._server.closing:
            self._server.look()
        if error is not None:
            self._keep = False
            if not isinstance(error, asyncio.CancelledError):
                log.error("a request failed", exc_info=error)
        if self._keep and not self._last:
            if self._body is None:
                self._go_on()
            else:
                # The rest of a body that nobody has read.
                self._sink = discard
                self._hold(False)
                self.deadline = self._server.now() + self._server.limits.linger
        elif self._body is not None and error is None and not self._taken:
            self._sink = discard
            self._linger()
        else:
            self._transport.close()

    def _go_on(self) -> None:
        """Read the next request: once others have had their turn, and the client has taken the answers to those before."""
        if self._unwritable:
            self.busy = True
            self.deadline = self._server.now() + self._server.limits.answer
        elif self._ahead:
            self.busy = True
            self._loop.call_soon(self._proceed)
        else:
            self.deadline = self._server.now() + self._server.limits.idle

    def _proceed(self) -> None:
        if self._lost or self._transport.is_closing():
            return
        self.busy = False
        if self._last:
            self._transport.close()
            return
        ahead, self._ahead = bytes(self._ahead), b""
        self.deadline = self._server.now() + self._server.limits.idle
        if ahead:
            self._begin(ahead)
        if not self.busy or self._body is not None or len(self._ahead) <= _AHEAD:
            # Not before what has arrived is worked off: small requests make room for less than comes meanwhile.
            self._hold(False)

    # Hijacking.

    async def _hijack(self) -> Hijacked:
        """Take the connection away from HTTP, with whatever has been read past the request."""
        transport = self._transport
        if self._lost or transport.is_closing():
            raise ConnectionResetError("the client has gone")
        ahead, self._ahead = bytes(self._ahead), b""
        self._hold(False)
        self._taken, self._keep = True, False
        window = partial(self._share.window, self)
        return take(transport, self.connection_lost, ahead, window, unwritable=self._unwritable)
