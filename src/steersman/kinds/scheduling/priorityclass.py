"""PriorityClass: the value of a pod's priority."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from steersman.api.meta import Resource
from steersman.kinds.columns import created
from steersman.kinds.kind import AGE, NAME, Column, Kind, older
from steersman.kinds.scheduling import priorityclass_rules

if TYPE_CHECKING:
    from steersman.kinds.types.scheduling_v1 import PriorityClass


def _row(obj: PriorityClass, now: datetime) -> list[Any]:
    return [
        obj.metadata.name,
        obj.value,
        bool(obj.globalDefault),
        created(obj, now),
        obj.preemptionPolicy or "PreemptLowerPriority",
    ]


def _default(obj: PriorityClass) -> None:
    obj.preemptionPolicy = obj.preemptionPolicy or "PreemptLowerPriority"


def _on_create(obj: PriorityClass) -> None:
    # What matters of a class never changes, and so this never counts.
    obj.metadata.generation = 1


KIND: Kind[PriorityClass] = Kind(
    resource=Resource("scheduling.k8s.io", "v1", "priorityclasses", "PriorityClass", False),
    versions=(
        older(Resource("scheduling.k8s.io", "v1beta1", "priorityclasses", "PriorityClass", False), "1.14", "1.22"),
        older(Resource("scheduling.k8s.io", "v1alpha1", "priorityclasses", "PriorityClass", False), "1.14", "1.22"),
    ),
    short_names=("pc",),
    allow_create_on_update=True,
    columns=(NAME, Column("Value", "integer"), Column("Global-Default", "boolean"), AGE, Column("PreemptionPolicy")),
    row=_row,
    default=_default,
    on_create=_on_create,
    check=priorityclass_rules.check,
    check_update=priorityclass_rules.check_update,
)
