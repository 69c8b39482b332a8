"""LeaseCandidate: a candidate for a Lease."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from steersman.api import names
from steersman.api.meta import Resource
from steersman.kinds.columns import created
from steersman.kinds.coordination import lease_rules
from steersman.kinds.kind import AGE, NAME, Column, Kind, Version

if TYPE_CHECKING:
    from steersman.kinds.types.coordination_v1beta1 import LeaseCandidate


def _row(obj: LeaseCandidate, now: datetime) -> list[Any]:
    spec = obj.spec
    return [
        obj.metadata.name,
        spec.leaseName,
        spec.binaryVersion,
        spec.emulationVersion,
        spec.strategy,
        created(obj, now),
    ]


KIND: Kind[LeaseCandidate] = Kind(
    resource=Resource("coordination.k8s.io", "v1beta1", "leasecandidates", "LeaseCandidate", True),
    versions=(Version(Resource("coordination.k8s.io", "v1alpha2", "leasecandidates", "LeaseCandidate", True)),),
    served_by_default=False,
    name_rule=names.config_map_key,
    allow_create_on_update=True,
    allow_unconditional_update=False,
    columns=(NAME, Column("LeaseName"), Column("BinaryVersion"), Column("EmulationVersion"), Column("Strategy"), AGE),
    row=_row,
    check=lease_rules.check_candidate,
    check_update=lease_rules.check_candidate_update,
)
