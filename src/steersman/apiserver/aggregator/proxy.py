"""Passing a request on to an aggregated server, and its answer back. Whether the user may ask has been decided before."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING
from urllib.parse import quote

from steersman.api.errors import NotFound, StatusError, Timeout, TooManyRequests
from steersman.api.http import Response
from steersman.apiserver import respond
from steersman.apiserver.aggregator.transport import Untrusted
from steersman.apiserver.audit.trail import AUDIT_ID
from steersman.apiserver.backend import Target, forwarded_headers, read_limited, upgrade_headers
from steersman.apiserver.context import Context
from steersman.apiserver.frontproxy import headers_of
from steersman.apiserver.requestinfo import RequestInfo
from steersman.apiserver.serviceendpoints import Unresolved
from steersman.apiserver.webhook.failures import reason_of

if TYPE_CHECKING:
    from steersman.apiserver.aggregator.remote import Remote
    from steersman.apiserver.aggregator.transport import Connector
    from steersman.apiserver.server import App

# Discovery must be quick, because every client waits for it.
_DISCOVERY_SECONDS = 5.0
# How long others wait for an answer to begin, but for those that may take as long as they like.
_SECONDS = 60.0
_LASTING = frozenset({"attach", "exec", "log", "portforward", "proxy"})
# The body has been unpacked, if it was packed; whose request it is is added to the others through whom it came.
_REPLACED = frozenset({"audit-id", "content-encoding", "x-forwarded-for"})
_IN_PATHS = "/%:@!$&'()*+,;=~"
_STEPS = frozenset({".", ".."})
_CORS = frozenset(
    f"access-control-allow-{what}" for what in ("credentials", "headers", "methods", "origin")
)  # What a browser may do is for this server to say.


async def forward(app: App, connector: Connector, remote: Remote, ctx: Context) -> Response:
    """The server's answer; plain text and 503 when there is none, as clients expect of an aggregated API."""
    info = ctx.info
    if _is_ambiguous(info):
        raise NotFound.path()
    if not remote.available:
        return _text(503, "service unavailable")
    try:
        target = connector.target(remote.place)
    except Unresolved:
        return _text(503, "service unavailable")
    except Untrusted as error:
        return _text(500, str(error))
    if ctx.request.hijack is not None and "upgrade" in ctx.request.headers.get("connection", "").lower():
        return await _upgrade(app, target, ctx)
    try:
        async with asyncio.timeout(_patience(ctx.info)):
            return await _send(app, target, ctx)
    except TimeoutError:
        if ctx.info.is_resource:
            why = "request did not complete within requested timeout - context deadline exceeded"
            raise Timeout(f"Timeout: {why}") from None
        return _unreachable("context deadline exceeded")
    except TooManyRequests:
        raise
    except (StatusError, ssl.SSLError, OSError) as error:
        return _unreachable(reason_of(error))


def _is_ambiguous(info: RequestInfo) -> bool:
    """Whether the path may be to the server another one than that which the user may ask for: to some, an escaped slash is
    one, and `..` takes away what is before it."""
    if any("%2F" in part for part in (info.namespace, info.resource, info.name, info.subresource)):
        return True
    return not _STEPS.isdisjoint(info.path.split("/")) or (info.is_resource and not info.resource)


def _patience(info: RequestInfo) -> float | None:
    """The seconds within which an answer must begin; None for ever."""
    if not info.is_resource:
        return _DISCOVERY_SECONDS
    return None if info.verb == "watch" or info.subresource in _LASTING else _SECONDS


async def _send(app: App, target: Target, ctx: Context) -> Response:
    request = ctx.request
    headers = [
        *((n, v) for n, v in forwarded_headers(request) if n.lower() not in _REPLACED),
        *_added(ctx),
        *((("Host", request.headers["host"]),) if "host" in request.headers else ()),
    ]
    body = request.body_stream or request.body
    answer = await app.backends.send(target, request.method, ctx.info.path, request.query, headers, body, request)
    if 300 <= answer.status < 400 and any(name.lower() == "location" for name in answer.headers):
        await read_limited(answer.body)
        return _text(502, "the backend attempted to redirect this request, which is not permitted")
    kept = {n: v for n, v in answer.headers.items() if n.lower() not in _CORS}
    return Response(answer.status, kept, answer.body)


async def _upgrade(app: App, target: Target, ctx: Context) -> Response:
    kept = ((n, v) for n, v in upgrade_headers(ctx.request) if n.lower() not in _REPLACED)
    headers = [*kept, *_added(ctx)]
    try:
        return await app.backends.upgrade(target, ctx.request, ctx.info.path, ctx.request.query, headers)
    except TooManyRequests:
        raise
    except StatusError as error:
        return _text(503, f"error dialing backend: {reason_of(error)}")


def _added(ctx: Context) -> list[tuple[str, str]]:
    """Who asks, and from where."""
    request = ctx.request
    host = request.headers.get("host", "")
    before = request.headers.get("x-forwarded-for", "")
    added = [*headers_of(ctx.user), ("X-Forwarded-Uri", quote(ctx.info.path, safe=_IN_PATHS))]
    if ctx.trail is not None:
        # One request has one id in the audits of all who have a part in it.
        added.append((AUDIT_ID, ctx.trail.id))
    if before or request.remote:
        added.append(("X-Forwarded-For", ", ".join(filter(None, (before, request.remote)))))
    if host:
        added.append(("X-Forwarded-Host", host))
    return added


def _unreachable(why: str) -> Response:
    return _text(503, f"error trying to reach service: {why}")


def _text(status: int, text: str) -> Response:
    return respond.text(status, text + "\n")
