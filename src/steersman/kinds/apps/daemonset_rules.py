"""Validation of DaemonSets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api import field
from steersman.api.field import Errors, Path
from steersman.kinds.apps import workload_rules as rules

if TYPE_CHECKING:
    from steersman.kinds.types.apps_v1 import DaemonSet, RollingUpdateDaemonSet


def check(daemon_set: DaemonSet) -> Errors:
    spec = daemon_set.spec
    errors = rules.check_counts(spec, rules.SPEC, "minReadySeconds", "revisionHistoryLimit")
    errors += rules.check_selector(spec.selector, spec.template, "daemonset")
    errors += rules.check_template(spec.template, "DaemonSet")
    strategy, at = spec.updateStrategy, rules.SPEC.child("updateStrategy")
    if strategy is None:
        return [*errors, field.required(at)]
    if strategy.type != "RollingUpdate":
        return errors + field.check_choice(strategy.type, ("RollingUpdate", "OnDelete"), at.child("type"))
    if strategy.rollingUpdate is None:
        return [*errors, field.required(at.child("rollingUpdate"))]
    return errors + _check_rolling(strategy.rollingUpdate, at.child("rollingUpdate"))


def _check_rolling(rolling: RollingUpdateDaemonSet, path: Path) -> Errors:
    errors: Errors = []
    for name in ("maxUnavailable", "maxSurge"):
        value = getattr(rolling, name)
        errors += rules.check_int_or_percent(value, path.child(name))
        errors += rules.check_at_most_all(value, path.child(name))
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
    return rules.check_counts(
        daemon_set.status, Path("status"), "currentNumberScheduled", "numberMisscheduled", "desiredNumberScheduled",
        "numberReady", "observedGeneration", "updatedNumberScheduled", "numberAvailable", "numberUnavailable",
    )  # fmt: skip
