"""PersistentVolume: a piece of storage in the cluster."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from steersman.api.meta import Resource
from steersman.kinds.columns import UNSET, access_modes, created
from steersman.kinds.core import persistentvolume_rules, persistentvolume_warnings
from steersman.kinds.core.volume_defaults import default_network_storage
from steersman.kinds.kind import AGE, NAME, Column, Kind, wide

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import PersistentVolume


def _row(obj: PersistentVolume, now: datetime) -> list[Any]:
    spec, claim = obj.spec, obj.spec.claimRef
    return [
        obj.metadata.name,
        (spec.capacity or {}).get("storage", ""),
        access_modes(spec.accessModes),
        spec.persistentVolumeReclaimPolicy,
        "Terminating" if obj.metadata.deletionTimestamp else obj.status.phase,
        f"{claim.namespace}/{claim.name}" if claim else "",
        spec.storageClassName,
        spec.volumeAttributesClassName or UNSET,
        obj.status.reason,
        created(obj, now),
        spec.volumeMode or UNSET,
    ]


def _default(obj: PersistentVolume) -> None:
    spec = obj.spec
    spec.persistentVolumeReclaimPolicy = spec.persistentVolumeReclaimPolicy or "Retain"
    spec.volumeMode = spec.volumeMode or "Filesystem"
    if spec.hostPath is not None and spec.hostPath.type is None:
        spec.hostPath.type = ""
    default_network_storage(spec)


def _on_create(obj: PersistentVolume) -> None:
    obj.status.phase = "Pending"
    obj.status.lastPhaseTransitionTime = obj.metadata.creationTimestamp


KIND: Kind[PersistentVolume] = Kind(
    resource=Resource("", "v1", "persistentvolumes", "PersistentVolume", False),
    short_names=("pv",),
    subresources=frozenset({"status"}),
    columns=(
        NAME,
        Column("Capacity"),
        Column("Access Modes"),
        Column("Reclaim Policy"),
        Column("Status"),
        Column("Claim"),
        Column("StorageClass"),
        Column("VolumeAttributesClass"),
        Column("Reason"),
        AGE,
        wide("VolumeMode"),
    ),
    row=_row,
    default=_default,
    on_create=_on_create,
    check=persistentvolume_rules.check,
    check_update=persistentvolume_rules.check_update,
    warnings=persistentvolume_warnings.of_volume,
)
