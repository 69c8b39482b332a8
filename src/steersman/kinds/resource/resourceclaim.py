"""ResourceClaim: a claim to devices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api.meta import Resource
from steersman.kinds.kind import Kind, Version

if TYPE_CHECKING:
    from steersman.kinds.types.resource_v1 import ResourceClaim

KIND: Kind[ResourceClaim] = Kind(
    resource=Resource("resource.k8s.io", "v1", "resourceclaims", "ResourceClaim", True),
    subresources=frozenset({"status"}),
    versions=(
        Version(Resource("resource.k8s.io", "v1beta2", "resourceclaims", "ResourceClaim", True)),
        Version(Resource("resource.k8s.io", "v1beta1", "resourceclaims", "ResourceClaim", True)),
    ),
)
