"""DeviceClass: a class of devices that can be claimed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api.meta import Resource
from steersman.kinds.kind import Kind, Version
from steersman.kinds.resource import deviceclass_rules

if TYPE_CHECKING:
    from steersman.kinds.types.resource_v1 import DeviceClass

KIND: Kind[DeviceClass] = Kind(
    resource=Resource("resource.k8s.io", "v1", "deviceclasses", "DeviceClass", False),
    versions=(
        Version(Resource("resource.k8s.io", "v1beta2", "deviceclasses", "DeviceClass", False)),
        Version(Resource("resource.k8s.io", "v1beta1", "deviceclasses", "DeviceClass", False)),
    ),
    generation=True,
    check=deviceclass_rules.check,
)
