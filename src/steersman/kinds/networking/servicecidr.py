"""ServiceCIDR: a range for Service addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api.meta import Resource
from steersman.kinds.kind import Kind

if TYPE_CHECKING:
    from steersman.kinds.types.networking_v1 import ServiceCIDR

KIND: Kind[ServiceCIDR] = Kind(
    resource=Resource("networking.k8s.io", "v1", "servicecidrs", "ServiceCIDR", False),
    subresources=frozenset({"status"}),
)
