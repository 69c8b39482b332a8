"""CSIDriver: what a storage driver can do."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from steersman.api.meta import Resource
from steersman.kinds.columns import NONE, UNSET, created
from steersman.kinds.kind import AGE, NAME, Column, Kind

if TYPE_CHECKING:
    from steersman.kinds.types.storage_v1 import CSIDriver


def _row(obj: CSIDriver, now: datetime) -> list[Any]:
    spec = obj.spec
    return [
        obj.metadata.name,
        spec.attachRequired is not False,
        bool(spec.podInfoOnMount),
        bool(spec.storageCapacity),
        ",".join(t.audience for t in spec.tokenRequests or ()) or UNSET,
        bool(spec.requiresRepublish),
        ",".join(spec.volumeLifecycleModes or ()) or NONE,
        created(obj, now),
    ]


KIND: Kind[CSIDriver] = Kind(
    resource=Resource("storage.k8s.io", "v1", "csidrivers", "CSIDriver", False),
    generation=True,
    allow_unconditional_update=False,
    columns=(
        NAME,
        Column("AttachRequired", "boolean"),
        Column("PodInfoOnMount", "boolean"),
        Column("StorageCapacity", "boolean"),
        Column("TokenRequests"),
        Column("RequiresRepublish", "boolean"),
        Column("Modes"),
        AGE,
    ),
    row=_row,
)
