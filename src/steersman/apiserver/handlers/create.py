"""POST to a collection: a new object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from steersman.api.errors import BadRequest
from steersman.api.http import Response
from steersman.apiserver import answer, encoding
from steersman.apiserver.context import Context, Endpoint
from steersman.apiserver.handlers.writing import write_of
from steersman.apiserver.params import WriteOptions

if TYPE_CHECKING:
    from steersman.apiserver.server import App


async def handle(app: App, ctx: Context, endpoint: Endpoint) -> Response:
    accepted = ctx.accept_meta()
    options = WriteOptions.parse(ctx.query, "CreateOptions")
    obj = encoding.decode_object(ctx, endpoint, options)
    place(obj, ctx.info.namespace, namespaced=endpoint.served.resource.namespaced)
    write = write_of(ctx, endpoint, options)
    outcome = await endpoint.registry.create(obj, obj.metadata.namespace, write, ctx.warnings)
    return await answer.written(ctx, endpoint, 201, outcome.body, accepted)


def place(obj: Any, namespace: str, *, namespaced: bool) -> None:
    """Put an object into the request's namespace; BadRequest when it names another."""
    meta = obj.metadata
    if not namespaced:
        return
    if not namespace:
        raise BadRequest("an empty namespace may not be set during creation")
    if meta.namespace and meta.namespace != namespace:
        raise BadRequest("the namespace of the provided object does not match the namespace sent on the request")
    meta.namespace = namespace
