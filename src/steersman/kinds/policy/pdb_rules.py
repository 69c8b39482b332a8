"""Validation of PodDisruptionBudgets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api import field
from steersman.api.field import Errors, Path
from steersman.kinds import condition_rules, label_selector
from steersman.kinds.apps import workload_rules as rules

if TYPE_CHECKING:
    from steersman.kinds.types.policy_v1 import PodDisruptionBudget

_SPEC = Path("spec")
_EVICTION_POLICIES = ("AlwaysAllow", "IfHealthyBudget")


def check(budget: PodDisruptionBudget) -> Errors:
    spec = budget.spec
    errors: Errors = []
    if spec.minAvailable is not None and spec.maxUnavailable is not None:
        shown = field.Internal(
            MinAvailable=spec.minAvailable,
            Selector=spec.selector,
            MaxUnavailable=spec.maxUnavailable,
            UnhealthyPodEvictionPolicy=spec.unhealthyPodEvictionPolicy or None,
        )
        errors.append(field.invalid(_SPEC, shown, "minAvailable and maxUnavailable cannot be both set"))
    for name in ("minAvailable", "maxUnavailable"):
        value = getattr(spec, name)
        if value is not None:
            errors += rules.check_int_or_percent(value, _SPEC.child(name))
            errors += rules.check_at_most_all(value, _SPEC.child(name))
    errors += label_selector.check(spec.selector, _SPEC.child("selector"))
    policy = spec.unhealthyPodEvictionPolicy
    if policy and policy not in _EVICTION_POLICIES:
        errors.append(field.not_supported(_SPEC.child("unhealthyPodEvictionPolicy"), policy, _EVICTION_POLICIES))
    return errors


def check_status_update(budget: PodDisruptionBudget, old: PodDisruptionBudget) -> Errors:
    at = Path("status")
    errors = condition_rules.check(budget.status.conditions, at.child("conditions"))
    return errors + rules.check_counts(
        budget.status, at, "disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods"
    )
