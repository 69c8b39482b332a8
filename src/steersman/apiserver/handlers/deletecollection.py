"""DELETE of a collection: everything that is selected, one object after another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from steersman.api.errors import NotFound
from steersman.api.http import Response
from steersman.apiserver import encoding, respond
from steersman.apiserver.context import Context, Endpoint
from steersman.apiserver.handlers import list as listing
from steersman.apiserver.handlers.delete import parse_options
from steersman.apiserver.params import ListOptions
from steersman.apiserver.registry import Write

if TYPE_CHECKING:
    from steersman.apiserver.server import App


async def handle(app: App, ctx: Context, endpoint: Endpoint) -> Response:
    accepted = ctx.accept()
    selection = ListOptions.parse(ctx.query)
    options = parse_options(ctx)
    page = await listing.read(endpoint, ctx.info.namespace, selection)
    write = Write(ctx.user, options.dry_run, served=endpoint.served)
    bodies = []
    for item, seen in zip(page.items, await endpoint.seen(page.items), strict=True):
        try:
            # Each object's own grace period must not become the next one's.
            own = msgspec.structs.replace(options)
            await endpoint.registry.delete(item.namespace, item.name, own, write, ctx.warnings)
        except NotFound:
            continue
        bodies.append(endpoint.outgoing(seen.body))
    body = encoding.join_list(endpoint.list_head, endpoint.registry.cache.revision, bodies)
    return respond.body(200, body, accepted, ctx.warnings)
