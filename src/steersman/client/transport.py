"""How a request reaches the API server: over HTTPS with credentials, or by a call in the same process."""

from __future__ import annotations

import logging
import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote

from steersman.api.clock import Clock, RealClock
from steersman.api.errors import ServiceUnavailable
from steersman.api.http import Handler, Request, Response, User
from steersman.client.waiting import Backoff
from steersman.pki import trust
from steersman.pki.inmemory import load_chain
from steersman.pki.watched import Watched

if TYPE_CHECKING:
    # Imported where it is used: a client in the API server's own process does without, and it loads slowly.
    import aiohttp

CALL_TIMEOUT = 60.0
CONNECT_TIMEOUT = 10.0
# How long a refused connection or a server that asks to be asked again is retried before the caller hears of it.
RETRY_SECONDS = 15.0
FIRST_RETRY, LONGEST_RETRY = 0.05, 1.0
# Calls under way at once from one process; the rest wait for a free connection. Watches are not counted.
MAX_CONNECTIONS = 32
# A token in a file is replaced under us (projected service account tokens); it is read again after this time.
TOKEN_SECONDS = 60.0
# So are certificates, keys and kubeconfigs: it is looked whether they are others this often.
LOOK_SECONDS = 5.0
_SAFE_TO_REPEAT = frozenset({"GET", "HEAD", "OPTIONS"})

_log = logging.getLogger(__name__)


class Unreachable(ServiceUnavailable):
    """No answer came: the server is down, or the connection broke and the request may or may not have been carried out."""


class Transport(Protocol):
    """Carries requests to one API server as one user.

    `send` answers with whatever status the server gave; it raises Unreachable when there was no answer. With `stream` the
    response's body is an async iterator of chunks that the caller must close (`aclose`); without, it is bytes. Requests are
    independent of each other and may be sent concurrently; cancelling a `send` abandons the request.
    """

    async def send(self, request: Request, *, stream: bool = False) -> Response: ...

    async def close(self) -> None: ...


class InProcess:
    """Calls the API server's handler directly, as `user`; the last part of the user's name is the client's."""

    def __init__(self, handle: Handler, user: User) -> None:
        self._handle = handle
        self._user = user
        self._agent = user.name.rpartition(":")[2] or user.name

    async def send(self, request: Request, *, stream: bool = False) -> Response:
        request.user = self._user
        if "user-agent" not in request.headers:
            request.headers = {**request.headers, "user-agent": self._agent}
        response = await self._handle(request)
        if stream or isinstance(response.body, bytes):
            return response
        return Response(response.status, response.headers, b"".join([chunk async for chunk in response.body]))

    async def close(self) -> None:
        """Nothing is held open."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """Where an API server is and who we are to it.

    `ca`, and `certificate` with `key`, are PEM texts; an empty `ca` means the machine's own authorities.
    """

    server: str
    ca: str = ""
    certificate: str = ""
    key: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    token_file: str = ""
    insecure: bool = False

    def ssl_context(self) -> ssl.SSLContext | None:
        """The TLS configuration, or None for plain HTTP."""
        if not self.server.startswith("https:"):
            return None
        context = trust.trusting_anybody() if self.insecure else trust.trusting(self.ca)
        if self.certificate:
            load_chain(context, self.certificate, self.key)
        return context


class _Sessions:
    """The connections that are made with the same credentials; sessions for calls and for watches."""

    def __init__(self, tls: ssl.SSLContext | None) -> None:
        import aiohttp

        wanted = tls if tls is not None else False
        call = aiohttp.ClientTimeout(total=CALL_TIMEOUT, sock_connect=CONNECT_TIMEOUT)
        watch = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT)
        self._pair = (
            _session(aiohttp.TCPConnector(limit=MAX_CONNECTIONS, ssl=wanted, keepalive_timeout=75), call),
            _session(aiohttp.TCPConnector(limit=0, ssl=wanted, keepalive_timeout=5), watch),
        )
        self.used = 0
        self._retired = False

    def take(self, stream: bool) -> aiohttp.ClientSession:
        """The session for one request; `release` follows when nothing more of it is awaited."""
        self.used += 1
        return self._pair[stream]

    async def release(self) -> None:
        self.used -= 1
        if self._retired and not self.used:
            await self.close()

    async def retire(self) -> None:
        """Nothing new will be asked: the connections end with what is asked now."""
        self._retired = True
        if not self.used:
            await self.close()

    async def close(self) -> None:
        for session in self._pair:
            await session.close()


class HTTPTransport:
    """Keeps connections to an API server alive and rides out its restarts.

    A refused connection is retried whatever the method, because nothing was sent; a broken one only for reads. A 429 or 5xx
    answer with Retry-After is retried too. All of it for RETRY_SECONDS at the most.

    Credentials that are `Watched` may change at any time: requests from then on go over connections made with the new ones, and
    what was asked before is answered over the old.
    """

    def __init__(
        self, credentials: Credentials | Watched[Credentials], clock: Clock | None = None, agent: str = "steersman"
    ) -> None:
        self._watched = credentials if isinstance(credentials, Watched) else None
        self._credentials = credentials.current if isinstance(credentials, Watched) else credentials
        self._clock = clock or RealClock()
        self._agent = agent
        self._ssl = self._credentials.ssl_context()
        self._sessions: _Sessions | None = None
        self._old: set[_Sessions] = set()
        self._token = self._credentials.token
        self._token_read = float("-inf")
        self._looked = self._clock.monotonic()

    async def send(self, request: Request, *, stream: bool = False) -> Response:
        import aiohttp

        if self._watched is not None and self._clock.monotonic() - self._looked >= LOOK_SECONDS:
            await self.look()
        deadline = self._clock.monotonic() + RETRY_SECONDS
        backoff = Backoff(FIRST_RETRY, LONGEST_RETRY)
        while True:
            pause = backoff.next()
            try:
                response = await self._once(request, stream)
            except (aiohttp.ClientError, ConnectionError, TimeoutError) as e:
                if not _may_repeat(request, e) or self._clock.monotonic() + pause > deadline:
                    raise Unreachable(f"{request.method} {request.path}: {e or type(e).__name__}") from e
            else:
                wait = _retry_after(response)
                if wait is None or self._clock.monotonic() + wait > deadline:
                    return response
                await _discard(response)
                pause = wait
            await self._clock.sleep(pause)

    async def look(self) -> bool:
        """Take credentials that have changed; whether there were any."""
        self._looked = self._clock.monotonic()
        watched = self._watched
        if watched is None or not watched.look():
            return False
        try:
            tls = watched.current.ssl_context()
        except (OSError, ValueError) as error:
            _log.error("the credentials from before stay in use: %s", error)
            return False
        self._credentials, self._ssl = watched.current, tls
        self._token, self._token_read = self._credentials.token, float("-inf")
        sessions, self._sessions = self._sessions, None
        if sessions is not None:
            if sessions.used:
                self._old.add(sessions)
            await sessions.retire()
        return True

    async def close(self) -> None:
        """Close all connections; watches under way end with Unreachable."""
        sessions, self._sessions = self._sessions, None
        old, self._old = self._old, set()
        for each in (*old, *([sessions] if sessions is not None else [])):
            await each.close()

    async def _once(self, request: Request, stream: bool) -> Response:
        # Sessions are made on first use, because they belong to the running event loop.
        sessions = self._sessions = self._sessions or _Sessions(self._ssl)
        session = sessions.take(stream)
        given = False
        try:
            answer = await self._ask(session, request)
            found = {name.lower(): value for name, value in answer.headers.items()}
            if stream and answer.status < 400:
                given = True
                return Response(answer.status, found, self._chunks(answer, sessions))
            async with answer:
                return Response(answer.status, found, await answer.read())
        finally:
            if not given:
                await self._release(sessions)

    async def _ask(self, session: aiohttp.ClientSession, request: Request) -> aiohttp.ClientResponse:
        from yarl import URL

        url = URL(
            self._credentials.server.rstrip("/")
            + quote(request.path, safe="/%:@!$&'()*+,;=~")
            + (f"?{request.query}" if request.query else ""),
            encoded=True,
        )
        headers = {"User-Agent": self._agent, **request.headers, **self._authorization()}
        return await session.request(
            request.method, url, data=request.body or None, headers=headers, allow_redirects=False
        )

    async def _release(self, sessions: _Sessions) -> None:
        await sessions.release()
        if sessions is not self._sessions and not sessions.used:
            self._old.discard(sessions)

    async def _chunks(self, answer: aiohttp.ClientResponse, sessions: _Sessions) -> AsyncIterator[bytes]:
        import aiohttp

        try:
            async for chunk in answer.content.iter_any():
                yield chunk
        except (aiohttp.ClientError, ConnectionError, TimeoutError) as e:
            raise Unreachable(f"stream broke: {e or type(e).__name__}") from e
        finally:
            # Closing, not releasing: the rest of a watch will never come.
            answer.close()
            await self._release(sessions)

    def _authorization(self) -> Mapping[str, str]:
        path = self._credentials.token_file
        if path and self._clock.monotonic() - self._token_read > TOKEN_SECONDS:
            self._token_read = self._clock.monotonic()
            self._token = self._read_token(path)
        return {"Authorization": f"Bearer {self._token}"} if self._token else {}

    def _read_token(self, path: str) -> str:
        """The token in a file; what there was before, while whoever writes the file is not done."""
        try:
            found = Path(path).read_text().strip()
        except OSError:
            if not self._token:
                raise
            found = ""
        if not found and self._token:
            _log.warning("there is no token in %s; the one from before stays in use", path)
        return found or self._token


def _session(connector: aiohttp.TCPConnector, timeout: aiohttp.ClientTimeout) -> aiohttp.ClientSession:
    import aiohttp

    session = aiohttp.ClientSession(
        connector=connector,
        timeout=timeout,
        cookie_jar=aiohttp.DummyCookieJar(),
        # The server is near: compressing would cost more than it saves.
        skip_auto_headers=("Accept-Encoding",),
        read_bufsize=1 << 18,
        # Our proxies are the cluster's own; an API server is always reached directly.
        trust_env=False,
    )
    # By itself it repeats a PUT or DELETE when a kept connection breaks. The server may have carried it out: the second is
    # then refused as if nothing had been done, or deletes what somebody has made since.
    session._retry_connection = False
    return session


def _may_repeat(request: Request, error: Exception) -> bool:
    import aiohttp

    if request.body_stream is not None:
        return False
    if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientConnectorSSLError):
        return False
    return isinstance(error, aiohttp.ClientConnectorError) or request.method in _SAFE_TO_REPEAT


def _retry_after(response: Response) -> float | None:
    """The server's wish to be asked again in so many seconds."""
    if response.status != 429 and response.status < 500:
        return None
    value = response.headers.get("retry-after", "")
    return float(value) if value.isdigit() else None


async def _discard(response: Response) -> None:
    if not isinstance(response.body, bytes):
        await close_body(response.body)


async def close_body(body: AsyncIterator[bytes]) -> None:
    """Let go of a streamed body before its end."""
    close = getattr(body, "aclose", None)
    if close is not None:
        await close()
