"""EndpointSlice: some of the addresses behind a Service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api.meta import Resource
from steersman.kinds.kind import Kind

if TYPE_CHECKING:
    from steersman.kinds.types.discovery_v1 import EndpointSlice

KIND: Kind[EndpointSlice] = Kind(
    resource=Resource("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice", True),
    generation=True,
)
