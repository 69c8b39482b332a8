"""PersistentVolumeClaim: a pod's claim to storage."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from steersman.api.meta import Resource
from steersman.kinds.columns import UNSET, access_modes, created
from steersman.kinds.core import claim_sources, claim_validation, claim_warnings
from steersman.kinds.core.volume_defaults import default_claim
from steersman.kinds.kind import AGE, NAME, Column, Kind, wide

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import PersistentVolumeClaim


def _row(obj: PersistentVolumeClaim, now: datetime) -> list[Any]:
    spec, status, bound = obj.spec, obj.status, bool(obj.spec.volumeName)
    return [
        obj.metadata.name,
        "Terminating" if obj.metadata.deletionTimestamp else status.phase,
        spec.volumeName,
        (status.capacity or {}).get("storage", "") if bound else "",
        access_modes(status.accessModes) if bound else "",
        spec.storageClassName or "",
        spec.volumeAttributesClassName or UNSET,
        created(obj, now),
        spec.volumeMode or UNSET,
    ]


def _default(obj: PersistentVolumeClaim) -> None:
    default_claim(obj.spec)


def _on_create(obj: PersistentVolumeClaim) -> None:
    obj.status.phase = "Pending"
    claim_sources.complete(obj.spec)


def _on_update(obj: PersistentVolumeClaim, old: PersistentVolumeClaim) -> None:
    claim_sources.complete(obj.spec, old.spec)


def _on_status_update(obj: PersistentVolumeClaim, old: PersistentVolumeClaim) -> None:
    """Who watches over the health of volumes is off by default."""
    if old.status.healthStatus is None:
        obj.status.healthStatus = None


KIND: Kind[PersistentVolumeClaim] = Kind(
    resource=Resource("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim", True),
    short_names=("pvc",),
    subresources=frozenset({"status"}),
    columns=(
        NAME,
        Column("Status"),
        Column("Volume"),
        Column("Capacity"),
        Column("Access Modes"),
        Column("StorageClass"),
        Column("VolumeAttributesClass"),
        AGE,
        wide("VolumeMode"),
    ),
    row=_row,
    default=_default,
    on_create=_on_create,
    on_update=_on_update,
    on_status_update=_on_status_update,
    check=claim_validation.check_claim,
    check_update=claim_validation.check_claim_update,
    check_status_update=claim_validation.check_claim_status_update,
    warnings=claim_warnings.of_claim,
)
