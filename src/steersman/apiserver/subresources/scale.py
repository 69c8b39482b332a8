"""`scale`: the number of replicas of whatever has one, as an autoscaling/v1 Scale."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from steersman.api import codec, field, labels
from steersman.api.codec import DecodeError
from steersman.api.errors import BadRequest, InternalError, Invalid
from steersman.api.field import Path
from steersman.api.http import Response
from steersman.api.meta import Resource
from steersman.api.typed import schema_of
from steersman.api.untyped import Untyped
from steersman.apiserver import encoding, managedfields, respond
from steersman.apiserver.context import Context, Endpoint
from steersman.apiserver.handlers import apply as serverside
from steersman.apiserver.handlers import patch
from steersman.apiserver.handlers.writing import write_of
from steersman.apiserver.negotiation import Accepted
from steersman.apiserver.params import WriteOptions
from steersman.apiserver.subresources.framework import Subresource
from steersman.apiserver.subresources.scale_versions import Form
from steersman.kinds.kind import Kind, ScalePaths
from steersman.kinds.types.autoscaling_v1 import Scale, ScaleSpec, ScaleStatus
from steersman.kinds.types.meta_v1 import ObjectMeta

if TYPE_CHECKING:
    from steersman.apiserver.server import App

_DEFAULT = ScalePaths()


def scale_of(obj: Any, paths: ScalePaths) -> Scale:
    """The object's Scale."""
    meta = obj.metadata
    selector = _selector(_read(obj, paths.selector)) if paths.selector else ""
    return Scale(
        metadata=ObjectMeta(
            name=meta.name,
            namespace=meta.namespace,
            uid=meta.uid,
            resourceVersion=meta.resourceVersion,
            creationTimestamp=meta.creationTimestamp,
        ),
        spec=ScaleSpec(replicas=_read(obj, paths.spec_replicas) or 0),
        status=ScaleStatus(replicas=_read(obj, paths.status_replicas) or 0, selector=selector),
    )


def paths_of(kind: Kind[Any]) -> ScalePaths:
    return kind.scale or _DEFAULT


def scaled(obj: Any, paths: ScalePaths, replicas: int) -> Any:
    """A copy of the object with another number of replicas."""
    new = codec.clone(obj)
    _write(new, paths.spec_replicas, replicas)
    return new


def _selector(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return str(labels.Selector.of(value))
    return str(labels.from_object(value))


def _read(obj: Any, path: str) -> Any:
    found = obj.content if isinstance(obj, Untyped) else obj
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else getattr(found, name, None)
    return found


def _write(obj: Any, path: str, value: Any) -> None:
    *parents, last = path.split(".")
    if isinstance(obj, Untyped):
        found = obj.content
        for name in parents:
            found = found.setdefault(name, {})
        found[last] = value
        return
    for name in parents:
        obj = getattr(obj, name)
    setattr(obj, last, value)


@lru_cache(maxsize=256)
def _checked(replicas: int) -> tuple[field.FieldError, ...]:
    return tuple(field.not_negative(Path("spec", "replicas"), replicas))


async def _get(app: App, ctx: Context, endpoint: Endpoint) -> Response:
    obj = await endpoint.registry.read(ctx.info.namespace, ctx.info.name)
    paths = paths_of(endpoint.kind)
    if paths.required and _read(obj, paths.spec_replicas) is None:
        raise InternalError.occurred(f'the spec replicas field ".{paths.spec_replicas}" does not exist')
    return _told(ctx, endpoint, scale_of(obj, paths), ctx.accept())


def _told(ctx: Context, endpoint: Endpoint, scale: Scale, accepted: Accepted) -> Response:
    return respond.value(200, Form.of(endpoint.served.resource).told(scale), accepted, ctx.warnings)


async def _put(app: App, ctx: Context, endpoint: Endpoint) -> Response:
    options = WriteOptions.parse(ctx.query, "UpdateOptions")
    form = Form.of(endpoint.served.resource)
    try:
        sent, problems = ctx.decode(form.type)
    except DecodeError as error:
        raise encoding.undecoded(ctx, form.resource, error) from error
    encoding.check_kind(sent, form.resource)
    ctx.warnings.extend(problems)
    wanted = form.understood(sent)
    if wanted.metadata.name and wanted.metadata.name != ctx.info.name:
        raise BadRequest(
            f"the name of the object ({wanted.metadata.name}) does not match the name on the URL ({ctx.info.name})"
        )
    if wanted.metadata.namespace not in ("", ctx.info.namespace):
        raise BadRequest("the namespace of the provided object does not match the namespace sent on the request")
    return await _change(ctx, endpoint, options, lambda current: wanted)


def _unfit(form: Form, error: DecodeError) -> BadRequest:
    return BadRequest(f'Scale in version "{form.resource.version}" cannot be handled as a Scale: {error}')


async def _patch(app: App, ctx: Context, endpoint: Endpoint) -> Response:
    if serverside.asked(ctx):
        return await _apply(ctx, endpoint)
    options = WriteOptions.parse_patch(ctx.query, apply=False)
    form = Form.of(endpoint.served.resource)
    patched = patch.parse(ctx, form.type)

    def apply(current: Scale) -> Scale:
        try:
            return form.understood(codec.from_builtins(form.type, patched(codec.to_builtins(form.told(current))))[0])
        except DecodeError as error:
            raise _unfit(form, error) from error

    return await _change(ctx, endpoint, options, apply)


async def _apply(ctx: Context, endpoint: Endpoint) -> Response:
    """An apply of a Scale is one of the object, of which only the replicas are stated."""
    paths = paths_of(endpoint.kind)
    accepted = ctx.accept()
    options = WriteOptions.parse_patch(ctx.query, apply=True)
    config = serverside.parse(ctx, options)
    form = Form.of(endpoint.served.resource)
    managedfields.check(config, form.resource, schema_of(form.type))
    stated = _stated(config, endpoint.served.resource, paths)
    registry = endpoint.registry

    async def change(old: Any) -> Any:
        plain, entries = endpoint.fields("scale").apply(
            old, stated, options.manager, registry.now(), force=bool(options.force)
        )
        new = encoding.from_plain(ctx, endpoint, options, plain)
        if errors := _checked(_read(new, paths.spec_replicas) or 0):
            raise Invalid.of(Scale.__resource__, ctx.info.name, errors)
        new.metadata.managedFields = entries
        return new

    write = write_of(ctx, endpoint, options, "scale", serverside.tracked)
    outcome = await registry.update(ctx.info.namespace, ctx.info.name, change, write, ctx.warnings)
    return _told(ctx, endpoint, scale_of(outcome.obj, paths), accepted)


def _stated(config: dict[str, Any], resource: Resource, paths: ScalePaths) -> dict[str, Any]:
    """What an applied Scale says of the object that it scales."""
    meta = config.get("metadata") or {}
    identity = {n: meta[n] for n in ("name", "namespace", "uid", "resourceVersion") if meta.get(n)}
    out: dict[str, Any] = {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": identity}
    spec = config.get("spec") or {}
    if "replicas" in spec:
        *parents, last = paths.spec_replicas.split(".")
        at = out
        for name in parents:
            at = at.setdefault(name, {})
        at[last] = spec["replicas"]
    return out


async def _change(
    ctx: Context, endpoint: Endpoint, options: WriteOptions, wanted: Callable[[Scale], Scale]
) -> Response:
    paths = paths_of(endpoint.kind)
    accepted = ctx.accept()

    async def change(old: Any) -> Any:
        scale = wanted(scale_of(old, paths))
        replicas = scale.spec.replicas or 0
        if errors := _checked(replicas):
            raise Invalid.of(Scale.__resource__, ctx.info.name, errors)
        new = codec.clone(old)
        new.metadata.resourceVersion = scale.metadata.resourceVersion or old.metadata.resourceVersion
        if scale.metadata.uid:
            new.metadata.uid = scale.metadata.uid
        _write(new, paths.spec_replicas, replicas)
        return new

    write = write_of(ctx, endpoint, options, "scale")
    outcome = await endpoint.registry.update(ctx.info.namespace, ctx.info.name, change, write, ctx.warnings)
    return _told(ctx, endpoint, scale_of(outcome.obj, paths), accepted)


SUBRESOURCES = (Subresource("scale", {"get": _get, "update": _put, "patch": _patch}),)
