"""DELETE of a collection: everything that is selected, one object after another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from steersman.api.errors import NotFound
from steersman.api.http import Response
from steersman.apiserver import answer
from steersman.apiserver.context import Context, Endpoint
from steersman.apiserver.handlers import list as listing
from steersman.apiserver.handlers.delete import parse_options
from steersman.apiserver.params import ListOptions
from steersman.apiserver.registry import Write
from steersman.apiserver.watchcache import Page

if TYPE_CHECKING:
    from steersman.apiserver.server import App


async def handle(app: App, ctx: Context, endpoint: Endpoint) -> Response:
    accepted = ctx.accept_meta()
    answer.check_list(endpoint, accepted)
    selection = ListOptions.parse(ctx.query)
    options = parse_options(ctx)
    options.check_collection()
    page = await listing.read(endpoint, ctx.info.namespace, selection)
    write = Write(ctx.user, options.dry_run, served=endpoint.served, annotations=ctx.annotations)
    gone = []
    for item in page.items:
        try:
            # Each object's own grace period must not become the next one's.
            own = msgspec.structs.replace(options)
            await endpoint.registry.delete(item.namespace, item.name, own, write, ctx.warnings)
        except NotFound:
            continue
        gone.append(item)
    return await listing.answered(app, ctx, endpoint, accepted, Page(gone, endpoint.registry.cache.revision, "", None))
