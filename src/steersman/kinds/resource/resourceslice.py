"""ResourceSlice: devices that a driver offers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api.meta import Resource
from steersman.kinds.kind import Kind, Version

if TYPE_CHECKING:
    from steersman.kinds.types.resource_v1 import ResourceSlice

KIND: Kind[ResourceSlice] = Kind(
    resource=Resource("resource.k8s.io", "v1", "resourceslices", "ResourceSlice", False),
    versions=(
        Version(Resource("resource.k8s.io", "v1beta2", "resourceslices", "ResourceSlice", False)),
        Version(Resource("resource.k8s.io", "v1beta1", "resourceslices", "ResourceSlice", False)),
    ),
    generation=True,
)
