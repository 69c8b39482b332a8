"""POST to a collection: a new object."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api.errors import BadRequest
from steersman.api.http import Response
from steersman.apiserver import answer, encoding
from steersman.apiserver.context import Context, Endpoint
from steersman.apiserver.handlers.writing import write_of
from steersman.apiserver.params import WriteOptions
from steersman.apiserver.placing import place

if TYPE_CHECKING:
    from steersman.apiserver.server import App


async def handle(app: App, ctx: Context, endpoint: Endpoint) -> Response:
    accepted = ctx.accept_meta()
    options = WriteOptions.parse(ctx.query, "CreateOptions")
    obj = encoding.decode_object(ctx, endpoint, options)
    namespaced = endpoint.served.resource.namespaced
    if namespaced and not ctx.info.namespace:
        raise BadRequest("an empty namespace may not be set during creation")
    place(obj.metadata, ctx.info.namespace, namespaced=namespaced)
    write = write_of(ctx, endpoint, options)
    outcome = await endpoint.registry.create(obj, obj.metadata.namespace, write, ctx.warnings)
    return await answer.written(ctx, endpoint, 201, outcome.body, accepted)
