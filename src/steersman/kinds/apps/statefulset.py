"""StatefulSet: pods with an identity and storage of their own."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from steersman.api import names
from steersman.api.meta import Resource
from steersman.kinds.apps import older_versions, statefulset_rules
from steersman.kinds.columns import CONTAINERS, containers, created
from steersman.kinds.core.pod_defaults import default_template
from steersman.kinds.core.volume_defaults import default_claim
from steersman.kinds.kind import AGE, NAME, Column, Kind, ScalePaths

if TYPE_CHECKING:
    from steersman.kinds.types.apps_v1 import StatefulSet, StatefulSetSpec


def _row(obj: StatefulSet, now: datetime) -> list[Any]:
    return [
        obj.metadata.name,
        f"{obj.status.readyReplicas}/{obj.spec.replicas or 0}",
        created(obj, now),
        *containers(obj.spec.template.spec.containers),
    ]


def _default(obj: StatefulSet) -> None:
    spec = obj.spec
    default_template(spec.template)
    spec.podManagementPolicy = spec.podManagementPolicy or "OrderedReady"
    if spec.replicas is None:
        spec.replicas = 1
    if spec.revisionHistoryLimit is None:
        spec.revisionHistoryLimit = 10
    _default_policies(spec)
    for claim in spec.volumeClaimTemplates or ():
        default_claim(claim.spec)
        claim.status.phase = claim.status.phase or "Pending"


def _default_policies(spec: StatefulSetSpec) -> None:
    from steersman.kinds.types.apps_v1 import (
        RollingUpdateStatefulSetStrategy,
        StatefulSetPersistentVolumeClaimRetentionPolicy,
        StatefulSetUpdateStrategy,
    )

    spec.updateStrategy = strategy = spec.updateStrategy or StatefulSetUpdateStrategy()
    if not strategy.type:
        strategy.type = "RollingUpdate"
        strategy.rollingUpdate = strategy.rollingUpdate or RollingUpdateStatefulSetStrategy()
    rolling = strategy.rollingUpdate
    if strategy.type == "RollingUpdate" and rolling is not None:
        rolling.partition = rolling.partition or 0
        rolling.maxUnavailable = 1 if rolling.maxUnavailable is None else rolling.maxUnavailable
    retention = spec.persistentVolumeClaimRetentionPolicy or StatefulSetPersistentVolumeClaimRetentionPolicy()
    spec.persistentVolumeClaimRetentionPolicy = retention
    retention.whenDeleted = retention.whenDeleted or "Retain"
    retention.whenScaled = retention.whenScaled or "Retain"


KIND: Kind[StatefulSet] = Kind(
    resource=Resource("apps", "v1", "statefulsets", "StatefulSet", True),
    versions=older_versions.STATEFUL_SET,
    short_names=("sts",),
    categories=("all",),
    subresources=frozenset({"scale", "status"}),
    generation=True,
    scale=ScalePaths(),
    name_rule=names.dns1123_label,
    columns=(NAME, Column("Ready"), AGE, *CONTAINERS),
    row=_row,
    default=_default,
    check=statefulset_rules.check,
    check_new=statefulset_rules.check_new,
    check_update=statefulset_rules.check_update,
    warnings=statefulset_rules.warnings,
    update_warnings=statefulset_rules.update_warnings,
    check_status_update=statefulset_rules.check_status_update,
)
