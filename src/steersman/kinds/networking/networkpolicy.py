"""NetworkPolicy: which traffic pods accept and send."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api.meta import Resource
from steersman.kinds.kind import Kind

if TYPE_CHECKING:
    from steersman.kinds.types.networking_v1 import NetworkPolicy

KIND: Kind[NetworkPolicy] = Kind(
    resource=Resource("networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy", True),
    short_names=("netpol",),
    generation=True,
)
