"""PUT of an object or of a part of it: replaced whole, if nobody else has changed it since it was read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from steersman.api import codec
from steersman.api.http import Response
from steersman.apiserver import answer, authz, encoding
from steersman.apiserver.context import Context, Endpoint
from steersman.apiserver.handlers.writing import write_of
from steersman.apiserver.params import WriteOptions
from steersman.apiserver.placing import check_name, place

if TYPE_CHECKING:
    from steersman.apiserver.server import App


async def handle(app: App, ctx: Context, endpoint: Endpoint) -> Response:
    async def may_create() -> None:
        await app.authorizer.check(authz.attributes_of(replace(ctx.info, verb="create"), ctx.user))

    return await put(ctx, endpoint, "", may_create=may_create)


async def put(
    ctx: Context,
    endpoint: Endpoint,
    subresource: str,
    narrow: Callable[[Any, Any], Any] | None = None,
    may_create: Callable[[], Awaitable[None]] | None = None,
) -> Response:
    """Replace the object, or with a subresource the part of it that the subresource stands for.

    `narrow` makes the new object from (current, sent) for subresources whose part the kind does not know. `may_create` raises
    Forbidden for who may only change what is there; without it nothing is created.
    """
    accepted = ctx.accept_meta()
    info, registry = ctx.info, endpoint.registry
    options = WriteOptions.parse(ctx.query, "UpdateOptions")
    obj = encoding.decode_object(ctx, endpoint, options)
    check_place(obj, info.namespace, info.name, namespaced=endpoint.served.resource.namespaced)

    async def change(old: Any) -> Any:
        # Another attempt must not see what this one changes.
        return codec.clone(obj) if narrow is None else narrow(old, obj)

    async def fresh() -> Any:
        if may_create is not None:
            await may_create()
        return codec.clone(obj)

    creates = endpoint.kind.allow_create_on_update and may_create is not None and not obj.metadata.resourceVersion
    write = write_of(ctx, endpoint, options, subresource)
    outcome = await registry.update(
        info.namespace, info.name, change, write, ctx.warnings, create=fresh if creates else None
    )
    return await answer.written(ctx, endpoint, 201 if outcome.created else 200, outcome.body, accepted)


def check_place(obj: Any, namespace: str, name: str, *, namespaced: bool) -> None:
    """The object must be the one that the path names; an empty namespace is filled in."""
    place(obj.metadata, namespace, namespaced=namespaced)
    check_name(obj.metadata, name)
