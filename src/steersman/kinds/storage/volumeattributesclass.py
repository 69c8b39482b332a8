"""VolumeAttributesClass: attributes that a volume can change to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api.meta import Resource
from steersman.kinds.kind import Kind

if TYPE_CHECKING:
    from steersman.kinds.types.storage_v1 import VolumeAttributesClass

KIND: Kind[VolumeAttributesClass] = Kind(
    resource=Resource("storage.k8s.io", "v1", "volumeattributesclasses", "VolumeAttributesClass", False),
    short_names=("vac",),
)
