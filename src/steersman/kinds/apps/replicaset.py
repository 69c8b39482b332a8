"""ReplicaSet: a number of identical pods."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from steersman.api.meta import Resource
from steersman.kinds.apps import older_versions, replicaset_rules, workload_warnings
from steersman.kinds.columns import CONTAINERS_AND_SELECTOR, containers, created, selector
from steersman.kinds.kind import AGE, NAME, Column, Kind, ScalePaths

if TYPE_CHECKING:
    from steersman.kinds.types.apps_v1 import ReplicaSet


def _row(obj: ReplicaSet, now: datetime) -> list[Any]:
    return [
        obj.metadata.name,
        obj.spec.replicas or 0,
        obj.status.replicas,
        obj.status.readyReplicas,
        created(obj, now),
        *containers(obj.spec.template.spec.containers),
        selector(obj.spec.selector),
    ]


KIND: Kind[ReplicaSet] = Kind(
    resource=Resource("apps", "v1", "replicasets", "ReplicaSet", True),
    versions=older_versions.REPLICA_SET,
    short_names=("rs",),
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
    default=replicaset_rules.default,
    check=replicaset_rules.check,
    check_update=replicaset_rules.check_update,
    check_status_update=replicaset_rules.check_status_update,
    warnings=workload_warnings.of_new,
    update_warnings=workload_warnings.of_change(workload_warnings.of_template),
)
