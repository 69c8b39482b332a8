"""ResourceSlice: devices that a driver offers."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from steersman.api.meta import Resource
from steersman.kinds.columns import UNSET, created
from steersman.kinds.kind import AGE, NAME, Column, Kind, Version
from steersman.kinds.resource import slice_rules
from steersman.kinds.resource.claims_v1beta1 import slice_from_v1, slice_to_v1

if TYPE_CHECKING:
    from steersman.kinds.types.resource_v1 import ResourceSlice


def _row(obj: ResourceSlice, now: datetime) -> list[Any]:
    return [
        obj.metadata.name,
        obj.spec.nodeName or ("<all>" if obj.spec.allNodes else UNSET),
        obj.spec.driver,
        obj.spec.pool.name,
        created(obj, now),
    ]


KIND: Kind[ResourceSlice] = Kind(
    resource=Resource("resource.k8s.io", "v1", "resourceslices", "ResourceSlice", False),
    versions=(
        Version(Resource("resource.k8s.io", "v1beta2", "resourceslices", "ResourceSlice", False)),
        Version(
            Resource("resource.k8s.io", "v1beta1", "resourceslices", "ResourceSlice", False),
            to_stored=slice_to_v1,
            from_stored=slice_from_v1,
        ),
    ),
    generation=True,
    columns=(NAME, Column("Node"), Column("Driver"), Column("Pool"), AGE),
    row=_row,
    check=slice_rules.check,
    check_update=slice_rules.check_update,
    selectable=lambda obj: {"spec.nodeName": obj.spec.nodeName or "", "spec.driver": obj.spec.driver},
)
