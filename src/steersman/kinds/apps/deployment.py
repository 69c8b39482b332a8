"""Deployment: pods that are replaced gradually when their template changes."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from steersman.api.meta import Resource
from steersman.kinds.apps import deployment_rules, older_versions, workload_warnings
from steersman.kinds.columns import CONTAINERS_AND_SELECTOR, containers, created, selector
from steersman.kinds.kind import AGE, NAME, Column, Kind, ScalePaths

if TYPE_CHECKING:
    from steersman.kinds.types.apps_v1 import Deployment


def _row(obj: Deployment, now: datetime) -> list[Any]:
    status = obj.status
    return [
        obj.metadata.name,
        f"{status.readyReplicas}/{obj.spec.replicas or 0}",
        status.updatedReplicas,
        status.availableReplicas,
        created(obj, now),
        *containers(obj.spec.template.spec.containers),
        selector(obj.spec.selector),
    ]


KIND: Kind[Deployment] = Kind(
    resource=Resource("apps", "v1", "deployments", "Deployment", True),
    versions=older_versions.DEPLOYMENT,
    short_names=("deploy",),
    categories=("all",),
    subresources=frozenset({"scale", "status"}),
    generation=True,
    scale=ScalePaths(),
    columns=(
        NAME,
        Column("Ready"),
        Column("Up-to-date", "integer"),
        Column("Available", "integer"),
        AGE,
        *CONTAINERS_AND_SELECTOR,
    ),
    row=_row,
    default=deployment_rules.default,
    check=deployment_rules.check,
    check_update=deployment_rules.check_update,
    warnings=workload_warnings.of_new,
    update_warnings=workload_warnings.of_change(workload_warnings.of_template),
    check_status_update=deployment_rules.check_status_update,
)
