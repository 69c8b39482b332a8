"""PodDisruptionBudget: how many pods may be disrupted at once."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from steersman.api.meta import Resource
from steersman.kinds.columns import created
from steersman.kinds.kind import AGE, NAME, Column, Kind
from steersman.kinds.policy import older_versions, pdb_rules

if TYPE_CHECKING:
    from steersman.kinds.types.policy_v1 import PodDisruptionBudget


def _row(obj: PodDisruptionBudget, now: datetime) -> list[Any]:
    return [
        obj.metadata.name,
        _limit(obj.spec.minAvailable),
        _limit(obj.spec.maxUnavailable),
        obj.status.disruptionsAllowed,
        created(obj, now),
    ]


def _limit(value: int | str | None) -> str:
    return "N/A" if value is None else str(value)


KIND: Kind[PodDisruptionBudget] = Kind(
    resource=Resource("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget", True),
    versions=older_versions.POD_DISRUPTION_BUDGET,
    short_names=("pdb",),
    subresources=frozenset({"status"}),
    generation=True,
    allow_unconditional_update=False,
    columns=(NAME, Column("Min Available"), Column("Max Unavailable"), Column("Allowed Disruptions", "integer"), AGE),
    row=_row,
    check=pdb_rules.check,
    check_status_update=pdb_rules.check_status_update,
)
