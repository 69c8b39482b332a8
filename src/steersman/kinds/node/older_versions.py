"""RuntimeClass as v1beta1 knew it, and v1alpha1, which had it all in a spec."""

from __future__ import annotations

from steersman.api.meta import Resource
from steersman.kinds.kind import Plain, older

_RENAMED = {"runtimeHandler": "handler", "overhead": "overhead", "scheduling": "scheduling"}


def to_stored(plain: Plain) -> None:
    spec = plain.pop("spec", None) or {}
    plain |= {_RENAMED[name]: value for name, value in spec.items()}


def from_stored(plain: Plain) -> None:
    plain["spec"] = {old: plain.pop(new) for old, new in _RENAMED.items() if new in plain}


RUNTIME_CLASS = (
    older(Resource("node.k8s.io", "v1beta1", "runtimeclasses", "RuntimeClass", False), "1.22", "1.25"),
    older(
        Resource("node.k8s.io", "v1alpha1", "runtimeclasses", "RuntimeClass", False),
        "1.20",
        "1.22",
        to_stored=to_stored,
        from_stored=from_stored,
    ),
)
