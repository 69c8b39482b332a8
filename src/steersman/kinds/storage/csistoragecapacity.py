"""CSIStorageCapacity: how much storage a topology has left."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from steersman.api.meta import Resource
from steersman.kinds.columns import UNSET
from steersman.kinds.kind import NAME, Column, Kind
from steersman.kinds.storage import csistoragecapacity_rules, older_versions

if TYPE_CHECKING:
    from steersman.kinds.types.storage_v1 import CSIStorageCapacity


def _row(obj: CSIStorageCapacity, now: datetime) -> list[Any]:
    return [obj.metadata.name, obj.storageClassName, UNSET if obj.capacity is None else obj.capacity]


KIND: Kind[CSIStorageCapacity] = Kind(
    resource=Resource("storage.k8s.io", "v1", "csistoragecapacities", "CSIStorageCapacity", True),
    versions=older_versions.CSI_STORAGE_CAPACITY,
    allow_unconditional_update=False,
    columns=(NAME, Column("StorageClassName"), Column("Capacity")),
    row=_row,
    check=csistoragecapacity_rules.check,
    check_update=csistoragecapacity_rules.check_update,
    warnings=csistoragecapacity_rules.warnings,
)
