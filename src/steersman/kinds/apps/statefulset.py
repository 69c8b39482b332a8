"""StatefulSet: pods with an identity and storage of their own."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from steersman.api.meta import Resource
from steersman.kinds.columns import CONTAINERS, containers, created
from steersman.kinds.kind import AGE, NAME, Column, Kind, ScalePaths

if TYPE_CHECKING:
    from steersman.kinds.types.apps_v1 import StatefulSet


def _row(obj: StatefulSet, now: datetime) -> list[Any]:
    return [
        obj.metadata.name,
        f"{obj.status.readyReplicas}/{obj.spec.replicas or 0}",
        created(obj, now),
        *containers(obj.spec.template.spec.containers),
    ]


KIND: Kind[StatefulSet] = Kind(
    resource=Resource("apps", "v1", "statefulsets", "StatefulSet", True),
    short_names=("sts",),
    categories=("all",),
    subresources=frozenset({"scale", "status"}),
    generation=True,
    scale=ScalePaths(),
    columns=(NAME, Column("Ready"), AGE, *CONTAINERS),
    row=_row,
)
