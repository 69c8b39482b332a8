"""Pod: containers that run together on one node."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api.meta import Resource
from steersman.kinds.kind import Kind

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import Pod

KIND: Kind[Pod] = Kind(
    resource=Resource("", "v1", "pods", "Pod", True),
    short_names=("po",),
    categories=("all",),
    subresources=frozenset(
        {
            "attach",
            "binding",
            "ephemeralcontainers",
            "eviction",
            "exec",
            "log",
            "portforward",
            "proxy",
            "resize",
            "status",
        }
    ),
    generation=True,
)
