"""Defaults and validation of Deployments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api import field
from steersman.api.field import Errors, Path
from steersman.kinds.apps import workload_rules as rules
from steersman.kinds.core.pod_defaults import default_template

if TYPE_CHECKING:
    from steersman.kinds.types.apps_v1 import Deployment, DeploymentSpec

_STRATEGIES = ("Recreate", "RollingUpdate")
_QUARTER = "25%"


def default(deployment: Deployment) -> None:
    from steersman.kinds.types.apps_v1 import DeploymentStrategy, RollingUpdateDeployment

    spec = deployment.spec
    default_template(spec.template)
    if spec.replicas is None:
        spec.replicas = 1
    if spec.strategy is None:
        spec.strategy = DeploymentStrategy()
    strategy = spec.strategy
    strategy.type = strategy.type or "RollingUpdate"
    if strategy.type == "RollingUpdate":
        if strategy.rollingUpdate is None:
            strategy.rollingUpdate = RollingUpdateDeployment()
        rolling = strategy.rollingUpdate
        rolling.maxUnavailable = _QUARTER if rolling.maxUnavailable is None else rolling.maxUnavailable
        rolling.maxSurge = _QUARTER if rolling.maxSurge is None else rolling.maxSurge
    if spec.revisionHistoryLimit is None:
        spec.revisionHistoryLimit = 10
    if spec.progressDeadlineSeconds is None:
        spec.progressDeadlineSeconds = 600


def check(deployment: Deployment) -> Errors:
    spec, path = deployment.spec, rules.SPEC
    errors = rules.check_counts(spec, path, "replicas")
    errors += rules.check_selector(spec.selector, "deployment")
    errors += rules.check_pods(spec.selector, spec.template, "ReplicaSet")
    errors += _check_strategy(spec, path.child("strategy"))
    errors += rules.check_counts(spec, path, "minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds")
    deadline, ready = spec.progressDeadlineSeconds, spec.minReadySeconds or 0
    if deadline is not None and deadline <= ready:
        errors.append(
            field.invalid(path.child("progressDeadlineSeconds"), deadline, "must be greater than minReadySeconds")
        )
    return errors


def _check_strategy(spec: DeploymentSpec, path: Path) -> Errors:
    strategy = spec.strategy
    if strategy is None:
        return [field.required(path)]
    at = path.child("rollingUpdate")
    if strategy.type == "Recreate":
        detail = "may not be specified when strategy `type` is 'Recreate'"
        return [] if strategy.rollingUpdate is None else [field.forbidden(at, detail)]
    if strategy.type != "RollingUpdate":
        return [field.not_supported(path, rules.shown(strategy, "maxUnavailable", "maxSurge"), _STRATEGIES)]
    rolling = strategy.rollingUpdate
    if rolling is None:
        return [field.required(at, "this should be defaulted and never be nil")]
    errors = rules.check_int_or_percent(rolling.maxUnavailable, at.child("maxUnavailable"))
    errors += rules.check_int_or_percent(rolling.maxSurge, at.child("maxSurge"))
    if rules.is_zero(rolling.maxUnavailable) and rules.is_zero(rolling.maxSurge):
        detail = "may not be 0 when `maxSurge` is 0"
        errors.append(field.invalid(at.child("maxUnavailable"), rolling.maxUnavailable, detail))
    return errors + rules.check_at_most_all(rolling.maxUnavailable, at.child("maxUnavailable"))


def check_update(deployment: Deployment, old: Deployment) -> Errors:
    return field.immutable(rules.SPEC.child("selector"), deployment.spec.selector, old.spec.selector)


def check_status_update(deployment: Deployment, old: Deployment) -> Errors:
    status, path = deployment.status, Path("status")
    errors = rules.check_counts(
        status, path, "observedGeneration", "replicas", "updatedReplicas", "readyReplicas", "availableReplicas",
        "unavailableReplicas", "terminatingReplicas", "collisionCount",
    )  # fmt: skip
    errors += rules.check_bounds(status, path, "updatedReplicas", "readyReplicas", "availableReplicas")
    return errors + rules.check_collisions(status, old.status, path)
