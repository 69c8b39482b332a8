"""StorageClass: a way to make volumes."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from steersman.api.meta import Resource
from steersman.kinds.columns import created
from steersman.kinds.kind import AGE, NAME, Column, Kind
from steersman.kinds.storage import older_versions, storageclass_rules

if TYPE_CHECKING:
    from steersman.kinds.types.storage_v1 import StorageClass


def _row(obj: StorageClass, now: datetime) -> list[Any]:
    return [
        f"{obj.metadata.name} (default)" if _is_default(obj) else obj.metadata.name,
        obj.provisioner,
        obj.reclaimPolicy or "Delete",
        obj.volumeBindingMode or "Immediate",
        bool(obj.allowVolumeExpansion),
        created(obj, now),
    ]


_DEFAULT_MARKS = ("storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class")


def _is_default(obj: StorageClass) -> bool:
    annotations = obj.metadata.annotations or {}
    return any(annotations.get(mark) == "true" for mark in _DEFAULT_MARKS)


def _default(obj: StorageClass) -> None:
    obj.reclaimPolicy = obj.reclaimPolicy or "Delete"
    obj.volumeBindingMode = obj.volumeBindingMode or "Immediate"


KIND: Kind[StorageClass] = Kind(
    resource=Resource("storage.k8s.io", "v1", "storageclasses", "StorageClass", False),
    versions=older_versions.STORAGE_CLASS,
    short_names=("sc",),
    columns=(
        NAME,
        Column("Provisioner"),
        Column("ReclaimPolicy"),
        Column("VolumeBindingMode"),
        Column("AllowVolumeExpansion", "boolean"),
        AGE,
    ),
    row=_row,
    default=_default,
    check=storageclass_rules.check,
    check_update=storageclass_rules.check_update,
    warnings=storageclass_rules.warnings,
)
