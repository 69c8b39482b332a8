"""Lease: a lock or heartbeat that is renewed."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from steersman.api.meta import Resource
from steersman.kinds.columns import created
from steersman.kinds.coordination import lease_rules
from steersman.kinds.kind import AGE, NAME, Column, Kind, older

if TYPE_CHECKING:
    from steersman.kinds.types.coordination_v1 import Lease


def _row(obj: Lease, now: datetime) -> list[Any]:
    return [obj.metadata.name, obj.spec.holderIdentity or "", created(obj, now)]


KIND: Kind[Lease] = Kind(
    resource=Resource("coordination.k8s.io", "v1", "leases", "Lease", True),
    versions=(older(Resource("coordination.k8s.io", "v1beta1", "leases", "Lease", True), "1.19", "1.22"),),
    allow_create_on_update=True,
    allow_unconditional_update=False,
    columns=(NAME, Column("Holder"), AGE),
    row=_row,
    check=lease_rules.check,
)
