"""VolumeAttachment: attaches a volume to a node."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from steersman.api.meta import Resource
from steersman.kinds.columns import created
from steersman.kinds.kind import AGE, NAME, Column, Kind
from steersman.kinds.storage import older_versions, volumeattachment_rules

if TYPE_CHECKING:
    from steersman.kinds.types.storage_v1 import VolumeAttachment


def _row(obj: VolumeAttachment, now: datetime) -> list[Any]:
    source = obj.spec.source
    return [
        obj.metadata.name,
        obj.spec.attacher,
        (source.persistentVolumeName if source else "") or "",
        obj.spec.nodeName,
        bool(obj.status.attached),
        created(obj, now),
    ]


KIND: Kind[VolumeAttachment] = Kind(
    resource=Resource("storage.k8s.io", "v1", "volumeattachments", "VolumeAttachment", False),
    versions=older_versions.VOLUME_ATTACHMENT,
    subresources=frozenset({"status"}),
    allow_unconditional_update=False,
    columns=(NAME, Column("Attacher"), Column("PV"), Column("Node"), Column("Attached", "boolean"), AGE),
    row=_row,
    check=volumeattachment_rules.check,
    check_update=volumeattachment_rules.check_update,
    check_status_update=volumeattachment_rules.check_status_update,
)
