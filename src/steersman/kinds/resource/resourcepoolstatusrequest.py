"""ResourcePoolStatusRequest: asks what a pool of devices has left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api.meta import Resource
from steersman.kinds.kind import Kind

if TYPE_CHECKING:
    from steersman.kinds.types.resource_v1alpha3 import ResourcePoolStatusRequest

KIND: Kind[ResourcePoolStatusRequest] = Kind(
    resource=Resource("resource.k8s.io", "v1alpha3", "resourcepoolstatusrequests", "ResourcePoolStatusRequest", False),
    subresources=frozenset({"status"}),
    served_by_default=False,
)
