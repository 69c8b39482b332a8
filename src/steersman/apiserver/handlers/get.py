"""GET of one object: the stored bytes, a Table of one row, or the metadata alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api.errors import NotFound
from steersman.api.http import Response
from steersman.apiserver import answer, frames, respond, table
from steersman.apiserver.context import Context, Endpoint
from steersman.apiserver.params import parse_revision

if TYPE_CHECKING:
    from steersman.apiserver.server import App


async def handle(app: App, ctx: Context, endpoint: Endpoint) -> Response:
    accepted = ctx.accept_meta()
    answer.check_single(endpoint, accepted)
    info, registry = ctx.info, endpoint.registry
    if ctx.query:
        await registry.cache.wait_for(parse_revision(ctx.query.get("resourceVersion")))
    cached = registry.cache.get(info.namespace, info.name)
    if cached is None:
        raise NotFound.of(registry.resource, info.name)
    if accepted.protobuf:
        return respond.encoded(200, frames.one(endpoint, cached, accepted), accepted, ctx.warnings)
    if not endpoint.plain and accepted.kind in ("", table.TABLE):
        cached = (await endpoint.seen([cached]))[0]
    if not accepted.kind:
        body = cached.body if endpoint.plain else endpoint.outgoing(cached.body)
    elif accepted.kind == table.TABLE:
        body = table.table(
            endpoint,
            [cached],
            app.clock.now(),
            version=accepted.version,
            include=table.include_of(ctx),
            revision=cached.revision,
        )
    else:
        body = table.metadata_only(cached.body, accepted.version)
    return respond.body(200, body, accepted, ctx.warnings)
