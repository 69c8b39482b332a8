"""ReplicationController: the ancestor of ReplicaSet."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from steersman.api.meta import Resource
from steersman.kinds.apps import workload_warnings
from steersman.kinds.columns import CONTAINERS_AND_SELECTOR, containers, created, label_map
from steersman.kinds.core import replicationcontroller_rules
from steersman.kinds.core.pod_defaults import default_template
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


def _default(obj: ReplicationController) -> None:
    """The selector, and the object's own labels, are those of the template unless they are given."""
    if obj.spec.replicas is None:
        obj.spec.replicas = 1
    template = obj.spec.template
    if template is None:
        return
    default_template(template)
    if template.metadata.labels:
        obj.spec.selector = obj.spec.selector or dict(template.metadata.labels)
        obj.metadata.labels = obj.metadata.labels or dict(template.metadata.labels)


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
    default=_default,
    check=replicationcontroller_rules.check,
    check_status_update=replicationcontroller_rules.check_status_update,
    warnings=workload_warnings.of_new,
    update_warnings=workload_warnings.of_change(workload_warnings.of_template),
)
