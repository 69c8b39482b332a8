"""`binding`: gives a pod its node, once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from steersman.api import codec
from steersman.api.codec import DecodeError
from steersman.api.errors import BadRequest, Conflict, Invalid
from steersman.api.field import Path, all_invalid, not_supported, required
from steersman.api.http import Response
from steersman.api.meta import Resource, format_time
from steersman.api.names import dns1123_subdomain
from steersman.apiserver import encoding, respond
from steersman.apiserver.admission import parts
from steersman.apiserver.context import Context, Endpoint
from steersman.apiserver.params import WriteOptions
from steersman.apiserver.registry import Write
from steersman.apiserver.subresources.framework import Subresource
from steersman.kinds.types.core_v1 import Binding, Pod, PodCondition

if TYPE_CHECKING:
    from steersman.apiserver.server import App

_RESOURCE = Resource("", "v1", "pods/binding", "Binding", True)
_SUCCESS = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}


async def bind(app: App, ctx: Context, name: str, endpoint: Endpoint | None = None) -> Response:
    """Assign the pod `name` (or, when empty, the one that the binding names) as the request's Binding says.

    `endpoint` is that of the pods, if the request is one to a pod.
    """
    accepted = ctx.accept()
    options = WriteOptions.parse(ctx.query, "CreateOptions")
    binding = _decode(ctx)
    if name and binding.metadata.name and binding.metadata.name != name:
        raise BadRequest(
            f"the name of the object ({binding.metadata.name}) does not match the name on the URL ({name})"
        )
    name = name or binding.metadata.name
    if endpoint is not None:
        binding = await parts.request(app, ctx, endpoint, binding, options, dry_run=options.dry_run)
    now = format_time(app.clock.now())

    async def change(old: Any) -> Any:
        return _assigned(old, binding, now)

    write = Write(ctx.user, options.dry_run, "binding", admitted=endpoint is not None, annotations=ctx.annotations)
    await app.registries.of(Pod).update(ctx.info.namespace, name, change, write, ctx.warnings)
    return respond.value(201, _SUCCESS, accepted, ctx.warnings)


def _decode(ctx: Context) -> Binding:
    try:
        binding, _ = ctx.decode(Binding)
    except DecodeError as error:
        raise encoding.undecoded(ctx, _RESOURCE, error) from error
    encoding.check_kind(binding, _RESOURCE)
    errors = []
    if binding.target.kind not in ("", "Node"):
        errors.append(not_supported(Path("target", "kind"), binding.target.kind, ("Node", "<empty>")))
    if not binding.target.name:
        errors.append(required(Path("target", "name")))
    elif binding.target.kind in ("", "Node"):
        errors += all_invalid(Path("target", "name"), binding.target.name, dns1123_subdomain(binding.target.name))
    if errors:
        raise Invalid.of(Binding.__resource__, binding.metadata.name, errors)
    return binding


def _assigned(old: Pod, binding: Binding, now: str) -> Pod:
    """The pod on its node. Raises Conflict when it has one, or goes away."""
    name = old.metadata.name
    if old.metadata.deletionTimestamp:
        raise Conflict.of(_RESOURCE, name, f"pod {name} is being deleted, cannot be assigned to a host")
    if old.spec.nodeName:
        raise Conflict.of(_RESOURCE, name, f'pod {name} is already assigned to node "{old.spec.nodeName}"')
    if old.spec.schedulingGates:
        raise Conflict.of(_RESOURCE, name, f"pod {name} has non-empty .spec.schedulingGates")
    pod = codec.clone(old)
    pod.metadata.resourceVersion = binding.metadata.resourceVersion or old.metadata.resourceVersion
    if binding.metadata.uid:
        pod.metadata.uid = binding.metadata.uid
    pod.spec.nodeName = binding.target.name
    if binding.metadata.labels:
        pod.metadata.labels = {**(pod.metadata.labels or {}), **binding.metadata.labels}
    if binding.metadata.annotations:
        pod.metadata.annotations = {**(pod.metadata.annotations or {}), **binding.metadata.annotations}
    others = [c for c in pod.status.conditions or () if c.type != "PodScheduled"]
    scheduled = PodCondition(type="PodScheduled", status="True", lastTransitionTime=now)
    pod.status.conditions = [*others, scheduled]
    return pod


async def _create(app: App, ctx: Context, endpoint: Endpoint) -> Response:
    return await bind(app, ctx, ctx.info.name, endpoint)


SUBRESOURCES = (Subresource("binding", {"create": _create}, "pods"),)
