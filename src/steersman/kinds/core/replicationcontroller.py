"""ReplicationController: the ancestor of ReplicaSet."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from steersman.api.meta import Resource
from steersman.kinds.columns import CONTAINERS_AND_SELECTOR, containers, created, label_map
from steersman.kinds.kind import AGE, NAME, Column, Kind, ScalePaths

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import ReplicationController


def _row(obj: ReplicationController, now: datetime) -> list[Any]:
    template = obj.spec.template
    return [
        obj.metadata.name,
        obj.spec.replicas,
        obj.status.replicas,
        obj.status.readyReplicas,
        created(obj, now),
        *containers(template.spec.containers if template else ()),
        label_map(obj.spec.selector),
    ]


KIND: Kind[ReplicationController] = Kind(
    resource=Resource("", "v1", "replicationcontrollers", "ReplicationController", True),
    short_names=("rc",),
    categories=("all",),
    subresources=frozenset({"scale", "status"}),
    generation=True,
    scale=ScalePaths(),
    columns=(
        NAME,
        Column("Desired", "integer"),
        Column("Current", "integer"),
        Column("Ready", "integer"),
        AGE,
        *CONTAINERS_AND_SELECTOR,
    ),
    row=_row,
    selectable=lambda obj: {"status.replicas": str(obj.status.replicas)},
)
