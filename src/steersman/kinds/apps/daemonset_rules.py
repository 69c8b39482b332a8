"""Validation of DaemonSets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api import field
from steersman.api.field import Errors, Path
from steersman.kinds import label_selector
from steersman.kinds.apps import workload_rules as rules

if TYPE_CHECKING:
    from steersman.kinds.types.apps_v1 import DaemonSet, DaemonSetUpdateStrategy, RollingUpdateDaemonSet


def check(daemon_set: DaemonSet) -> Errors:
    spec = daemon_set.spec
    at = rules.SPEC.child("selector")
    errors = label_selector.check(spec.selector, at) + label_selector.check_match(
        spec.selector, spec.template, rules.SPEC
    )
    if spec.selector is not None and not spec.selector.matchLabels and not spec.selector.matchExpressions:
        errors.append(field.invalid(at, spec.selector, "empty selector is invalid for daemonset"))
    errors += rules.check_template(spec.template, "DaemonSet")
    errors += rules.check_counts(spec, rules.SPEC, "minReadySeconds")
    errors += _check_strategy(spec.updateStrategy, rules.SPEC.child("updateStrategy"))
    return errors + rules.check_counts(spec, rules.SPEC, "revisionHistoryLimit")


def _check_strategy(strategy: DaemonSetUpdateStrategy | None, path: Path) -> Errors:
    if strategy is None:
        return [field.required(path)]
    if strategy.type == "OnDelete":
        return []
    if strategy.type != "RollingUpdate":
        shown = rules.shown(strategy, "maxUnavailable", "maxSurge")
        return [field.not_supported(path, shown, ("RollingUpdate", "OnDelete"))]
    if strategy.rollingUpdate is None:
        return [field.required(path.child("rollingUpdate"))]
    return _check_rolling(strategy.rollingUpdate, path.child("rollingUpdate"))


def _check_rolling(rolling: RollingUpdateDaemonSet, path: Path) -> Errors:
    names = ("maxUnavailable", "maxSurge")
    errors = [e for name in names for e in rules.check_int_or_percent(getattr(rolling, name), path.child(name))]
    errors += [e for name in names for e in rules.check_at_most_all(getattr(rolling, name), path.child(name))]
    unavailable, surge = not rules.is_zero(rolling.maxUnavailable), not rules.is_zero(rolling.maxSurge)
    if unavailable and surge:
        detail = "may not be set when maxUnavailable is non-zero"
        errors.append(field.invalid(path.child("maxSurge"), rolling.maxSurge, detail))
    elif not unavailable and not surge:
        errors.append(field.required(path.child("maxUnavailable"), "cannot be 0 when maxSurge is 0"))
    return errors


def check_update(daemon_set: DaemonSet, old: DaemonSet) -> Errors:
    return field.immutable(rules.SPEC.child("selector"), daemon_set.spec.selector, old.spec.selector)


def check_status_update(daemon_set: DaemonSet, old: DaemonSet) -> Errors:
    status, path = daemon_set.status, Path("status")
    errors = rules.check_counts(
        status, path, "currentNumberScheduled", "numberMisscheduled", "desiredNumberScheduled",
        "numberReady", "observedGeneration", "updatedNumberScheduled", "numberAvailable", "numberUnavailable",
        "collisionCount",
    )  # fmt: skip
    return errors + rules.check_collisions(status, old.status, path)
