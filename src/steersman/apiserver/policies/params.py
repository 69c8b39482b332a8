"""The parameters of a policy: objects of its `paramKind` that a binding's `paramRef` names or selects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from steersman.api import codec, labels
from steersman.apiserver.context import Endpoint

if TYPE_CHECKING:
    from steersman.apiserver.cached import Cached
    from steersman.apiserver.server import App
    from steersman.kinds.types.admissionregistration_v1 import ParamKind, ParamRef


class Misconfigured(Exception):
    """A policy or a binding that cannot be used as it is; the text says why."""


@dataclass(frozen=True, slots=True)
class Param:
    """One parameter; its value is None for a policy that is evaluated without."""

    namespace: str = ""
    name: str = ""
    value: Any = None


_NO_PARAM = (Param(),)


def find(app: App, kind: ParamKind) -> Endpoint | None:
    """Where the objects of a kind are, if they are served."""
    group, _, version = kind.apiVersion.rpartition("/")
    served = app.catalog.find_kind(group, version, kind.kind)
    found = [] if served is None else [served.resource]
    wanted = (group, version, kind.kind)
    found += [
        s.resource for s in app.custom.served if (s.resource.group, s.resource.version, s.resource.kind) == wanted
    ]
    for resource in found:
        endpoint = app.endpoint(resource.group, resource.version, resource.plural)
        if endpoint is not None:
            return endpoint
    return None


def endpoint_of(app: App, kind: ParamKind | None) -> Endpoint | None:
    """Where the parameters of a policy are; None for a policy without. Raises Misconfigured."""
    if kind is None:
        return None
    found = find(app, kind)
    if found is None:
        group, _, version = kind.apiVersion.rpartition("/")
        name = f"{group}/{version}, Kind={kind.kind}"
        raise Misconfigured(f"failed to find resource referenced by paramKind: '{name}'")
    return found


async def collect(endpoint: Endpoint | None, ref: ParamRef | None, namespace: str) -> Sequence[Param]:
    """The parameters with which a policy is evaluated for a request in this namespace; none where it is not to be.

    Raises Misconfigured.
    """
    if endpoint is None or ref is None:
        return _NO_PARAM
    found = _referred(endpoint, ref, _place(endpoint, ref, namespace))
    if not found and ref.parameterNotFoundAction == "Deny":
        raise Misconfigured("no params found for policy binding with `Deny` parameterNotFoundAction")
    registry = endpoint.registry
    return [
        Param(one.namespace, one.name, codec.to_builtins(endpoint.served.from_stored(await registry.load(one.value, one.revision))))
        for one in found
    ]  # fmt: skip


def _place(endpoint: Endpoint, ref: ParamRef, namespace: str) -> str:
    """The namespace of the parameters."""
    if not endpoint.served.resource.namespaced:
        if ref.namespace:
            raise Misconfigured("paramRef.namespace must not be provided for a cluster-scoped `paramKind`")
        return ""
    if not ref.namespace and not namespace:
        raise Misconfigured("cannot use namespaced paramRef in policy binding that matches cluster-scoped resources")
    return ref.namespace or namespace


def _referred(endpoint: Endpoint, ref: ParamRef, namespace: str) -> Sequence[Cached]:
    cache = endpoint.registry.cache
    if ref.name:
        one = cache.get(namespace, ref.name)
        return [] if one is None else [one]
    selector = labels.from_object(ref.selector)
    return [one for one in cache.list(namespace) if selector.matches(one.labels)]
