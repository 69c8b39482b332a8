"""Scale as the older versions of the workloads spoke of it: of a group of theirs, and with the selector as labels too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from steersman.api import codec
from steersman.api.meta import Resource
from steersman.kinds.kind import load_type
from steersman.kinds.types.autoscaling_v1 import Scale

_OLDER = frozenset({"apps/v1beta1", "apps/v1beta2", "extensions/v1beta1"})


def scale_resource(resource: Resource) -> Resource:
    """What the scale of a resource is an object of."""
    if resource.api_version in _OLDER:
        return Resource(resource.group, resource.version, "scales", "Scale", resource.namespaced)
    return Scale.__resource__


@dataclass(frozen=True, slots=True)
class Form:
    """One version of Scale."""

    resource: Resource

    @classmethod
    def of(cls, resource: Resource) -> Form:
        """That of the scale of a resource."""
        return cls(scale_resource(resource))

    @property
    def type(self) -> type[Any]:
        return load_type(self.resource)

    def told(self, scale: Scale) -> Any:
        """A scale in this version."""
        if self.resource == Scale.__resource__:
            return scale
        plain = codec.to_builtins(scale)
        plain["apiVersion"] = self.resource.api_version
        selector = plain.get("status", {}).pop("selector", "")
        if selector:
            plain["status"]["targetSelector"] = selector
            labels = _labels(selector)
            if labels is not None:
                plain["status"]["selector"] = labels
        return codec.from_builtins(self.type, plain)[0]

    def understood(self, sent: Any) -> Scale:
        """What a client has sent in this version."""
        if isinstance(sent, Scale):
            return sent
        plain = codec.to_builtins(sent)
        plain["apiVersion"] = Scale.__resource__.api_version
        plain.pop("status", None)
        return codec.from_builtins(Scale, plain)[0]


def _labels(selector: str) -> dict[str, str] | None:
    """The labels that a selector asks for; None if it asks for anything else."""
    pairs = [part.partition("=") for part in selector.split(",")]
    if any(not sign or not key or key.endswith("!") or set(key) & set(" ()") for key, sign, _ in pairs):
        return None
    return {key: value.removeprefix("=") for key, _, value in pairs}
