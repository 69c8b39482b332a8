"""StorageVersion: the versions in which API servers store a resource."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from steersman.api.meta import Resource
from steersman.kinds.apiserverinternal import storageversion_rules
from steersman.kinds.columns import UNSET, created
from steersman.kinds.kind import AGE, NAME, Column, Kind

if TYPE_CHECKING:
    from steersman.kinds.types.apiserverinternal_v1alpha1 import StorageVersion


def _row(obj: StorageVersion, now: datetime) -> list[Any]:
    return [
        obj.metadata.name,
        obj.status.commonEncodingVersion or UNSET,
        ",".join(v.apiServerID + "=" + v.encodingVersion for v in obj.status.storageVersions or ()) or UNSET,
        created(obj, now),
    ]


KIND: Kind[StorageVersion] = Kind(
    resource=Resource("internal.apiserver.k8s.io", "v1alpha1", "storageversions", "StorageVersion", False),
    subresources=frozenset({"status"}),
    served_by_default=False,
    name_rule=storageversion_rules.name_rule,
    allow_unconditional_update=False,
    columns=(NAME, Column("CommonEncodingVersion"), Column("StorageVersions"), AGE),
    row=_row,
    check=storageversion_rules.check,
    check_status_update=storageversion_rules.check_status_update,
)
