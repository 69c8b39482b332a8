"""Server-side apply: PATCH with a configuration that is merged into the object, or makes it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from steersman.api import codec, prune
from steersman.api.codec import DecodeError
from steersman.api.errors import BadRequest, Conflict
from steersman.api.http import Response
from steersman.apiserver import answer, encoding
from steersman.apiserver.context import Context, Endpoint
from steersman.apiserver.handlers.update import check_place
from steersman.apiserver.handlers.writing import write_of
from steersman.apiserver.params import WriteOptions

MEDIA = "application/apply-patch+yaml"


def media_type(ctx: Context) -> str:
    return ctx.request.headers.get("content-type", "").partition(";")[0].strip().lower()


def asked(ctx: Context) -> bool:
    """Whether the request is an apply."""
    return media_type(ctx) == MEDIA


async def apply(
    ctx: Context,
    endpoint: Endpoint,
    subresource: str,
    narrow: Callable[[Any, Any], Any] | None = None,
    may_create: Callable[[], Awaitable[None]] | None = None,
) -> Response:
    """Apply to the object, or with a subresource to the part of it that the subresource stands for.

    `narrow` is that of `patch.apply`. `may_create` raises Forbidden for who may only change what is there; without it
    nothing is created.
    """
    accepted = ctx.accept_meta()
    options = WriteOptions.parse_patch(ctx.query, apply=True)
    config = parse(ctx, options)
    info, registry = ctx.info, endpoint.registry
    resource = endpoint.served.resource

    def applied(old: Any) -> Any:
        plain, entries = endpoint.fields(subresource).apply(
            old, config, options.manager, registry.now(), force=bool(options.force)
        )
        obj = encoding.from_plain(ctx, endpoint, options, plain)
        check_place(obj, info.namespace, info.name, namespaced=resource.namespaced)
        if narrow is not None:
            obj = narrow(old, obj)
        obj.metadata.managedFields = entries
        return obj

    async def change(old: Any) -> Any:
        return applied(old)

    async def fresh() -> Any:
        obj = applied(None)
        if obj.metadata.uid:
            why = (
                f"uid mismatch: the provided object specified uid {obj.metadata.uid}, and no existing object was found"
            )
            raise Conflict.of(resource, info.name, why)
        if may_create is not None:
            await may_create()
        return obj

    write = write_of(ctx, endpoint, options, subresource, tracked)
    outcome = await registry.update(
        info.namespace, info.name, change, write, ctx.warnings, create=fresh if may_create is not None else None
    )
    return await answer.written(ctx, endpoint, 201 if outcome.created else 200, outcome.body, accepted)


def tracked(new: Any, old: Any, now: str) -> None:
    """The tracking of a write whose object says already who owns its fields."""


def parse(ctx: Context, options: WriteOptions) -> Any:
    """The applied configuration as plain values. Raises BadRequest."""
    body = ctx.request.body
    strict = options.validation != "Ignore"
    if body.lstrip().startswith(b"{"):
        # Most clients send JSON, which is YAML, too, and much faster to read.
        try:
            config = codec.parse(body)
            if not (strict and prune.has_duplicates(body)):
                return config
        except DecodeError:
            config = None
    from steersman.api import yaml

    duplicates: list[str] = []
    try:
        config = yaml.load(body, duplicates=duplicates)
    except yaml.YAMLError as error:
        raise BadRequest(f"error decoding YAML: {error}") from error
    if duplicates and options.validation == "Strict":
        why = f"error converting YAML to JSON: {yaml.unmarshal_errors(duplicates)}"
        raise BadRequest(f"error strict decoding patch: {why}")
    if strict:
        ctx.warnings.extend(duplicates)
    return config
