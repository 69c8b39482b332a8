"""GET of a collection: stored bytes joined, in pages of one moment when a limit is asked for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import TYPE_CHECKING

from steersman.api.errors import BadRequest, Expired
from steersman.api.http import Response
from steersman.apiserver import answer, continuation, encoding, frames, respond, table
from steersman.apiserver.cached import Cached, join_bodies
from steersman.apiserver.context import Context, Endpoint
from steersman.apiserver.frames import STREAMED
from steersman.apiserver.negotiation import Accepted
from steersman.apiserver.params import ListOptions, parse_revision
from steersman.apiserver.selecting import selectors
from steersman.apiserver.watchcache import Page

if TYPE_CHECKING:
    from steersman.apiserver.server import App


_PIECE, _PIECE_BYTES = 32, 64 * 1024
# A list of so many bytes is not put together: whoever is slow to take it would keep it in memory.
_LARGE = 3 * 1024 * 1024


async def handle(app: App, ctx: Context, endpoint: Endpoint) -> Response:
    accepted = ctx.accept_meta()
    answer.check_list(endpoint, accepted)
    options = ListOptions.parse(ctx.query)
    page = await read(endpoint, ctx.info.namespace, options)
    return await answered(app, ctx, endpoint, accepted, page)


async def answered(app: App, ctx: Context, endpoint: Endpoint, accepted: Accepted, page: Page) -> Response:
    """The objects as the client asked for them."""
    if not endpoint.plain and accepted.kind in ("", table.TABLE):
        page = Page(await endpoint.seen(page.items), page.revision, page.after, page.remaining)
    prefix = endpoint.registry.prefix
    continue_ = continuation.encode(page.after.removeprefix(prefix), page.revision) if page.after else ""
    if accepted.protobuf:
        found = await frames.many(
            endpoint, page.items, accepted, revision=page.revision, continue_=continue_, remaining=page.remaining
        )
        return respond.encoded(200, found, accepted, ctx.warnings)
    as_stored = endpoint.plain and not (accepted.kind or accepted.yaml or accepted.pretty)
    if as_stored and (len(page.items) > STREAMED or sum([len(item.value) for item in page.items]) > _LARGE):
        pieces = _pieces(endpoint, page, continue_)
        return respond.encoded(200, pieces, accepted, ctx.warnings)
    body = _body(app, ctx, endpoint, accepted, page, continue_)
    return respond.body(200, body, accepted, ctx.warnings)


async def _pieces(endpoint: Endpoint, page: Page, continue_: str) -> AsyncIterator[bytes]:
    """The list of one moment, piece by piece, so that it is never in memory as a whole."""
    begin, end = encoding.list_frame(endpoint.list_head, page.revision, continue_, page.remaining)
    for batch in _batches(page.items):
        yield begin + join_bodies(batch)
        begin = b","
        # Others get their turn also when this client reads as fast as this goes.
        await asyncio.sleep(0)
    yield end if page.items else begin + end


def _batches(items: Sequence[Cached]) -> Iterator[list[Cached]]:
    """Objects that are sent together: some, or fewer that are large."""
    batch: list[Cached] = []
    size = 0
    for item in items:
        batch.append(item)
        size += len(item.value)
        if len(batch) >= _PIECE or size >= _PIECE_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


async def read(endpoint: Endpoint, namespace: str, options: ListOptions) -> Page:
    """The objects that the options select. Raises BadRequest, Expired, Timeout."""
    registry = endpoint.registry
    label, field = selectors(endpoint.kind, options)
    if options.continue_:
        return await _next(endpoint, namespace, options)
    revision = parse_revision(options.resource_version)
    if options.match == "Exact":
        return await registry.cache.page(namespace, label, field, revision=revision, limit=options.limit)
    await registry.cache.wait_for(revision)
    return await registry.cache.page(namespace, label, field, limit=options.limit)


async def _next(endpoint: Endpoint, namespace: str, options: ListOptions) -> Page:
    registry = endpoint.registry
    label, field = selectors(endpoint.kind, options)
    if options.resource_version not in ("", "0"):
        raise BadRequest("specifying resource version is not allowed when using continue")
    key, revision = continuation.decode(options.continue_)
    try:
        return await registry.cache.page(
            namespace, label, field, revision=max(revision, 0), after=registry.prefix + key, limit=options.limit
        )
    except Expired as error:
        raise continuation.TokenExpired(key) from error


def _body(app: App, ctx: Context, endpoint: Endpoint, accepted: Accepted, page: Page, continue_: str) -> bytes:
    items = page.items
    if accepted.kind == table.TABLE:
        return table.table(
            endpoint,
            items,
            app.clock.now(),
            version=accepted.version,
            include=table.include_of(ctx),
            revision=page.revision,
            continue_=continue_,
            remaining=page.remaining,
        )
    if accepted.kind:
        version = accepted.version
        head = f'{{"kind":"PartialObjectMetadataList","apiVersion":"meta.k8s.io/{version}","metadata":{{"resourceVersion":"'
        bodies = [table.metadata_only(i.body, version) for i in items]
        return encoding.join_list(head.encode(), page.revision, bodies, continue_, page.remaining)
    if endpoint.converts or not endpoint.plain:
        bodies = [endpoint.outgoing(i.body) if endpoint.converts else i.body for i in items]
        return encoding.join_list(endpoint.list_head, page.revision, bodies, continue_, page.remaining)
    return encoding.wrap_list(endpoint.list_head, page.revision, app.joined.items(items), continue_, page.remaining)
