"""VolumeAttributesClass: attributes that a volume can change to."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from steersman.api.meta import Resource
from steersman.kinds.columns import created
from steersman.kinds.kind import AGE, NAME, Column, Kind
from steersman.kinds.storage import older_versions, volumeattributesclass_rules

if TYPE_CHECKING:
    from steersman.kinds.types.storage_v1 import VolumeAttributesClass


def _row(obj: VolumeAttributesClass, now: datetime) -> list[Any]:
    return [obj.metadata.name, obj.driverName, created(obj, now)]


KIND: Kind[VolumeAttributesClass] = Kind(
    resource=Resource("storage.k8s.io", "v1", "volumeattributesclasses", "VolumeAttributesClass", False),
    versions=older_versions.VOLUME_ATTRIBUTES_CLASS,
    short_names=("vac",),
    columns=(NAME, Column("DriverName"), AGE),
    row=_row,
    check=volumeattributesclass_rules.check,
    check_update=volumeattributesclass_rules.check_update,
)
