"""CSIDriver: what a storage driver can do."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from steersman.api.meta import Resource
from steersman.kinds.columns import NONE, UNSET, created
from steersman.kinds.kind import AGE, NAME, Column, Kind
from steersman.kinds.storage import csidriver_rules, older_versions

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


def _default(obj: CSIDriver) -> None:
    spec = obj.spec
    spec.attachRequired = spec.attachRequired is not False
    spec.podInfoOnMount = bool(spec.podInfoOnMount)
    spec.storageCapacity = bool(spec.storageCapacity)
    spec.requiresRepublish = bool(spec.requiresRepublish)
    spec.seLinuxMount = bool(spec.seLinuxMount)
    spec.fsGroupPolicy = spec.fsGroupPolicy or "ReadWriteOnceWithFSType"
    spec.volumeLifecycleModes = spec.volumeLifecycleModes or ["Persistent"]


KIND: Kind[CSIDriver] = Kind(
    resource=Resource("storage.k8s.io", "v1", "csidrivers", "CSIDriver", False),
    versions=older_versions.CSI_DRIVER,
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
    default=_default,
    check=csidriver_rules.check,
    check_update=csidriver_rules.check_update,
    warnings=csidriver_rules.warnings,
    update_warnings=csidriver_rules.update_warnings,
)
