"""VolumeAttachment: attaches a volume to a node."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api.meta import Resource
from steersman.kinds.kind import Kind

if TYPE_CHECKING:
    from steersman.kinds.types.storage_v1 import VolumeAttachment

KIND: Kind[VolumeAttachment] = Kind(
    resource=Resource("storage.k8s.io", "v1", "volumeattachments", "VolumeAttachment", False),
    subresources=frozenset({"status"}),
    allow_unconditional_update=False,
)
