"""GET with watch: what happens to a collection or an object, as a stream of encoded lines."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TYPE_CHECKING

from steersman.api import fields
from steersman.api.errors import BadRequest, TooManyRequests
from steersman.api.fields import FieldSelector
from steersman.api.http import Response
from steersman.api.metrics import BATCH
from steersman.apiserver import frames, negotiation, respond, table
from steersman.apiserver.context import Context, Endpoint
from steersman.apiserver.params import ListOptions, parse_revision
from steersman.apiserver.selecting import selectors
from steersman.apiserver.watchstream import Encoder, WatchStream, encode_line

if TYPE_CHECKING:
    from steersman.apiserver.server import App

_HEADERS = {"Cache-Control": "no-cache, private"}
# Clients whose watches began together must not all come back together.
_SHORTEST, _LONGEST = 1800.0, 3600.0
_LONGEST_BEGINNING = 10.0
# Seconds that a client which was too slow has to read what is on its way, before its connection is cut.
_LAST_CHANCE = 30.0
# Events that come faster than this are sent together: with many watchers, sending is what an event costs most.
_PAUSE = 0.010


async def handle(app: App, ctx: Context, endpoint: Endpoint) -> Response:
    if app.metrics.watches >= app.config.max_watches:
        raise TooManyRequests("too many watches are open, please try again later", details={"retryAfterSeconds": 1})
    accepted = ctx.accept_meta()
    content_type = negotiation.streamed(accepted)
    options = ListOptions.parse(ctx.query, watch=True)
    label, field = selectors(endpoint.kind, options)
    if ctx.info.name:
        field = _only(ctx.info.name, field)
    cache = endpoint.registry.cache
    after, initial_bookmark = await _start(endpoint, options)
    encode: Encoder = encode_line
    if accepted.kind or accepted.protobuf or not endpoint.plain:
        encode = app.encoder(endpoint, accepted, table.include_of(ctx))
    stream = cache.watch(
        ctx.info.namespace,
        label,
        field,
        after,
        bookmarks=options.bookmarks,
        initial_bookmark=initial_bookmark,
        encode=encode,
    )
    if accepted.protobuf:
        stream.describe = frames.error_event
    in_time = app.deadlines.add(options.timeout or random.uniform(_SHORTEST, _LONGEST), stream.close)
    headers = {**_HEADERS, "Content-Type": content_type}
    if ctx.warnings:
        headers["Warning"] = respond.warning_header(ctx.warnings)
    info = ctx.info
    scope = "resource" if info.name else "namespace" if info.namespace else "cluster"
    series = info.group, info.version, info.resource, scope
    return Response(200, headers, Lines(app, stream, endpoint, series, in_time), _PAUSE)


def _only(name: str, field: FieldSelector | None) -> FieldSelector:
    """A watch of one object by its path is a watch by its name."""
    if field is None:
        return FieldSelector((fields.Term("metadata.name", name),))
    if field.requires("metadata.name") != name:
        raise BadRequest("fieldSelector metadata.name doesn't match requested name")
    return field


async def _start(endpoint: Endpoint, options: ListOptions) -> tuple[int | None, bool]:
    """(revision after which to begin, or None for the present objects first; whether a bookmark ends these)."""
    cache = endpoint.registry.cache
    revision = parse_revision(options.resource_version)
    if options.send_initial_events:
        await cache.wait_for(revision)
        return None, options.bookmarks
    if revision:
        return revision, False
    if options.send_initial_events is False:
        return cache.revision, False
    return None, False


def when_begun(app: App, response: Response, call: Callable[[], None]) -> bool:
    """Calls back when a watch has begun to tell of what there was before; returns False, and does not, where nothing is to come.

    The pieces after the first have their turns instead of a seat: how long they take is up to how fast the client reads. One
    that does not read at all delays the call for a while only. The call must be idempotent.
    """
    if not isinstance(response.body, Lines) or not response.body.when_begun(call):
        return False
    app.deadlines.add(_LONGEST_BEGINNING, call)
    return True


class Lines:
    """The body of a watch. A generator would not do: one that is closed before it began never runs its last lines."""

    def __init__(
        self,
        app: App,
        stream: WatchStream,
        endpoint: Endpoint,
        series: tuple[str, str, str, str],
        ended: Callable[[], None],
    ) -> None:
        self._ended, self._series = ended, series
        self._told = False
        self._app, self._stream, self._endpoint, self._open = app, stream, endpoint, True
        self._cut: Callable[[], None] | None = None
        stream.when_overflowed(self._last_chance)
        self._sizes = app.metrics.opened(series)

    def __aiter__(self) -> Lines:
        return self

    def when_begun(self, call: Callable[[], None]) -> bool:
        return self._stream.when_begun(call)

    def cut_by(self, cut: Callable[[], None]) -> None:
        """How to end the connection of a client that does not read: the end of a body it would not read either."""
        self._cut = cut

    def _last_chance(self) -> None:
        self._app.deadlines.add(_LAST_CHANCE, self._cut_off)

    def _cut_off(self) -> None:
        if self._open and self._cut is not None:
            self._cut()

    async def __anext__(self) -> bytes:
        try:
            if self._told and self._stream.beginning:
                # The first piece is told from a seat; further ones are as much work, and nobody has let them in.
                await self._app.beginnings.wait()
            self._told = True
            batch = await anext(self._stream)
            self._sizes.pending.extend(map(len, batch))
            if len(self._sizes.pending) >= BATCH:
                self._sizes.fold()
            return b"".join(batch) if self._endpoint.plain else await self._endpoint.finish(batch)
        except StopAsyncIteration:
            await self.aclose()
            raise

    async def aclose(self) -> None:
        """End the watch. Idempotent."""
        if self._open:
            self._open, self._cut = False, None
            self._app.metrics.closed(self._series)
            self._ended()
            self._stream.close()
