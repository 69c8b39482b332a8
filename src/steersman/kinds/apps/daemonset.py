"""DaemonSet: a pod on every node."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from steersman.api.meta import Resource
from steersman.kinds.apps import daemonset_rules, older_versions, workload_warnings
from steersman.kinds.columns import CONTAINERS_AND_SELECTOR, containers, created, label_map, selector
from steersman.kinds.core.pod_defaults import default_template
from steersman.kinds.kind import AGE, NAME, Column, Kind

if TYPE_CHECKING:
    from steersman.kinds.types.apps_v1 import DaemonSet


def _row(obj: DaemonSet, now: datetime) -> list[Any]:
    status, pod = obj.status, obj.spec.template.spec
    return [
        obj.metadata.name,
        status.desiredNumberScheduled,
        status.currentNumberScheduled,
        status.numberReady,
        status.updatedNumberScheduled,
        status.numberAvailable,
        label_map(pod.nodeSelector),
        created(obj, now),
        *containers(pod.containers),
        selector(obj.spec.selector),
    ]


def _default(obj: DaemonSet) -> None:
    from steersman.kinds.types.apps_v1 import DaemonSetUpdateStrategy, RollingUpdateDaemonSet

    spec = obj.spec
    default_template(spec.template)
    spec.updateStrategy = strategy = spec.updateStrategy or DaemonSetUpdateStrategy()
    strategy.type = strategy.type or "RollingUpdate"
    if strategy.type == "RollingUpdate":
        strategy.rollingUpdate = rolling = strategy.rollingUpdate or RollingUpdateDaemonSet()
        rolling.maxUnavailable = 1 if rolling.maxUnavailable is None else rolling.maxUnavailable
        rolling.maxSurge = 0 if rolling.maxSurge is None else rolling.maxSurge
    if spec.revisionHistoryLimit is None:
        spec.revisionHistoryLimit = 10


KIND: Kind[DaemonSet] = Kind(
    resource=Resource("apps", "v1", "daemonsets", "DaemonSet", True),
    versions=older_versions.DAEMON_SET,
    short_names=("ds",),
    categories=("all",),
    subresources=frozenset({"status"}),
    generation=True,
    columns=(
        NAME,
        Column("Desired", "integer"),
        Column("Current", "integer"),
        Column("Ready", "integer"),
        Column("Up-to-date", "integer"),
        Column("Available", "integer"),
        Column("Node Selector"),
        AGE,
        *CONTAINERS_AND_SELECTOR,
    ),
    row=_row,
    default=_default,
    check=daemonset_rules.check,
    check_update=daemonset_rules.check_update,
    check_status_update=daemonset_rules.check_status_update,
    warnings=workload_warnings.of_template,
    update_warnings=workload_warnings.of_changed_template,
)
