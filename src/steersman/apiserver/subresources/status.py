"""`status` and its like: the parts of an object that are written on their own, each by whoever owns it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from steersman.api import codec
from steersman.api.http import Response
from steersman.apiserver.context import Context, Endpoint
from steersman.apiserver.handlers import get, patch, update
from steersman.apiserver.subresources.framework import Handler, Subresource
from steersman.kinds.core import pod_resources

if TYPE_CHECKING:
    from steersman.apiserver.server import App

Narrow = Callable[[Any, Any], Any]
"""(current object, what the client sent) → the current object with only the subresource's part changed."""


async def _update_status(app: App, ctx: Context, endpoint: Endpoint) -> Response:
    return await update.put(ctx, endpoint, "status")


async def _patch_status(app: App, ctx: Context, endpoint: Endpoint) -> Response:
    return await patch.apply(ctx, endpoint, "status")


def _finalizers(old: Any, new: Any) -> Any:
    """A namespace's own finalizers, which its controller takes away when the namespace is empty."""
    out = codec.clone(old)
    out.spec.finalizers = new.spec.finalizers
    return _versioned(out, new)


def _ephemeral(old: Any, new: Any) -> Any:
    out = codec.clone(old)
    out.spec.ephemeralContainers = new.spec.ephemeralContainers
    return _versioned(out, new)


def _resize(old: Any, new: Any) -> Any:
    """The resources of containers and of the whole pod. Other containers are left to be refused."""
    out = codec.clone(old)
    for name in ("containers", "initContainers"):
        mine, wanted = getattr(out.spec, name) or [], getattr(new.spec, name) or []
        if [c.name for c in mine] != [c.name for c in wanted]:
            setattr(out.spec, name, wanted)
            continue
        for container, one in zip(mine, wanted, strict=True):
            container.resources, container.resizePolicy = one.resources, one.resizePolicy
    if new.spec.resources is not None:
        out.spec.resources = new.spec.resources
        pod_resources.default_pod_level(out.spec)
    return _versioned(out, new)


def _approval(old: Any, new: Any) -> Any:
    """Conditions, and the labels and annotations that an approver leaves with them."""
    out = codec.clone(old)
    out.status.conditions = new.status.conditions
    out.metadata.labels, out.metadata.annotations = new.metadata.labels, new.metadata.annotations
    return _versioned(out, new)


def _versioned(out: Any, new: Any) -> Any:
    # `out` has the current version; the client's, if it names one, is a condition.
    out.metadata.resourceVersion = new.metadata.resourceVersion or out.metadata.resourceVersion
    return out


def _narrowed(name: str, narrow: Narrow) -> dict[str, Handler]:
    async def put(app: App, ctx: Context, endpoint: Endpoint) -> Response:
        return await update.put(ctx, endpoint, name, narrow)

    async def apply(app: App, ctx: Context, endpoint: Endpoint) -> Response:
        return await patch.apply(ctx, endpoint, name, narrow)

    return {"get": get.handle, "update": put, "patch": apply}


SUBRESOURCES = (
    Subresource("status", {"get": get.handle, "update": _update_status, "patch": _patch_status}),
    Subresource("finalize", {"update": _narrowed("finalize", _finalizers)["update"]}, "namespaces"),
    Subresource("ephemeralcontainers", _narrowed("ephemeralcontainers", _ephemeral), "pods"),
    Subresource("resize", _narrowed("resize", _resize), "pods"),
    Subresource("approval", _narrowed("approval", _approval)),
)
