"""CSINode: the storage drivers of a node."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from steersman.api.meta import Resource
from steersman.kinds.columns import created
from steersman.kinds.kind import AGE, NAME, Column, Kind
from steersman.kinds.storage import csinode_rules, older_versions

if TYPE_CHECKING:
    from steersman.kinds.types.storage_v1 import CSINode


def _row(obj: CSINode, now: datetime) -> list[Any]:
    return [obj.metadata.name, len(obj.spec.drivers), created(obj, now)]


KIND: Kind[CSINode] = Kind(
    resource=Resource("storage.k8s.io", "v1", "csinodes", "CSINode", False),
    versions=older_versions.CSI_NODE,
    allow_unconditional_update=False,
    columns=(NAME, Column("Drivers", "integer"), AGE),
    row=_row,
    check=csinode_rules.check,
    check_update=csinode_rules.check_update,
)
