"""PATCH of an object or of a part of it: JSON patch, merge patch and strategic merge patch; `apply` has the fourth kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from steersman.api import codec, patch, strategic
from steersman.api.codec import DecodeError
from steersman.api.errors import BadRequest, UnsupportedMediaType
from steersman.api.http import Response
from steersman.apiserver import answer, authz, encoding
from steersman.apiserver.context import Context, Endpoint
from steersman.apiserver.handlers import apply as serverside
from steersman.apiserver.handlers.update import check_place
from steersman.apiserver.handlers.writing import write_of
from steersman.apiserver.params import WriteOptions

if TYPE_CHECKING:
    from steersman.apiserver.server import App

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
_TYPES = (JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH, serverside.MEDIA)

Apply = Callable[[Any], Any]
"""Plain values of the current object → those of the patched one."""


async def handle(app: App, ctx: Context, endpoint: Endpoint) -> Response:
    async def may_create() -> None:
        await app.authorizer.check(authz.attributes_of(replace(ctx.info, verb="create"), ctx.user))

    if serverside.asked(ctx):
        return await serverside.apply(ctx, endpoint, "", may_create=may_create)
    return await apply(ctx, endpoint, "")


async def apply(
    ctx: Context, endpoint: Endpoint, subresource: str, narrow: Callable[[Any, Any], Any] | None = None
) -> Response:
    """Patch the object, or with a subresource the part of it that the subresource stands for.

    `narrow` makes the new object from (current, patched) for subresources whose part the kind does not know.
    """
    if serverside.asked(ctx):
        return await serverside.apply(ctx, endpoint, subresource, narrow)
    accepted = ctx.accept_meta()
    info, registry, served = ctx.info, endpoint.registry, endpoint.served
    options = WriteOptions.parse_patch(ctx.query, apply=False)
    patched = parse(ctx, served.type)
    fields = endpoint.fields(subresource)
    # Few patches are about managedFields; the others need not carry them back and forth.
    spare = b"managedFields" not in ctx.request.body

    async def change(old: Any) -> Any:
        plain = patched(fields.document(old) if spare else codec.to_builtins(served.from_stored(old)))
        obj = encoding.from_plain(ctx, endpoint, options, plain)
        check_place(obj, info.namespace, info.name, namespaced=served.resource.namespaced)
        return obj if narrow is None else narrow(old, obj)

    write = write_of(ctx, endpoint, options, subresource)
    outcome = await registry.update(info.namespace, info.name, change, write, ctx.warnings)
    return await answer.written(ctx, endpoint, 200, outcome.body, accepted)


def parse(ctx: Context, schema: type[Any] | None) -> Apply:
    """What the request's patch does. Raises UnsupportedMediaType, BadRequest."""
    media = serverside.media_type(ctx)
    types = [t for t in _TYPES if t != STRATEGIC_PATCH or schema is not None]
    if media not in types or media == serverside.MEDIA:
        raise UnsupportedMediaType(
            f"the body of the request was in an unknown format - accepted media types include: {', '.join(types)}"
        )
    try:
        body = codec.parse(ctx.request.body)
    except DecodeError as error:
        raise BadRequest(f"error decoding patch: {error}") from error
    if media == JSON_PATCH:
        return lambda document: patch.json_patch(document, body)
    if media == MERGE_PATCH:
        return lambda document: patch.merge_patch(document, body)
    return lambda document: strategic.apply(document, body, schema)
