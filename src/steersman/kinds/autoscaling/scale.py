"""Scale: the number of replicas of a workload."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from steersman.api.meta import Resource
from steersman.kinds.columns import created
from steersman.kinds.kind import AGE, NAME, Column, Kind

if TYPE_CHECKING:
    from steersman.kinds.types.autoscaling_v1 import Scale


def _row(obj: Scale, now: datetime) -> list[Any]:
    return [obj.metadata.name, obj.spec.replicas or 0, obj.status.replicas, created(obj, now)]


KIND: Kind[Scale] = Kind(
    resource=Resource("autoscaling", "v1", "scales", "Scale", True),
    stored=False,
    verbs=(),
    columns=(NAME, Column("Desired", "integer"), Column("Available", "integer"), AGE),
    row=_row,
)
