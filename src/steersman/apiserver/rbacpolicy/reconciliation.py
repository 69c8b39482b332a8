"""What is to be done to a stored role or binding so that it gives what it should: nothing is ever taken away."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

from steersman.api import codec
from steersman.apiserver.authz import Rule
from steersman.apiserver.rbacpolicy.coverage import missing
from steersman.apiserver.rbacpolicy.policy import AUTOUPDATE, policy_rule
from steersman.kinds.types.meta_v1 import ObjectMeta
from steersman.kinds.types.rbac_v1 import AggregationRule


class Verdict(Enum):
    """KEEP it as it is, UPDATE it, or RECREATE it, because the role that a binding refers to cannot be changed."""

    KEEP = "keep"
    UPDATE = "update"
    RECREATE = "recreate"


def reconciled(existing: Any, expected: Any) -> tuple[Verdict, Any]:
    """What to do, and the object to store. `existing` is not changed. An object that opted out is kept."""
    if (existing.metadata.annotations or {}).get(AUTOUPDATE) == "false":
        return Verdict.KEEP, existing
    is_binding = hasattr(expected, "roleRef")
    if is_binding and existing.roleRef != expected.roleRef:
        return Verdict.RECREATE, codec.clone(expected)
    new = codec.clone(existing)
    new.metadata.labels = _merged(expected.metadata.labels, new.metadata.labels)
    new.metadata.annotations = _merged(expected.metadata.annotations, new.metadata.annotations)
    if is_binding:
        lacking = [s for s in expected.subjects or () if s not in (new.subjects or ())]
        if lacking:
            new.subjects = [*(new.subjects or ()), *lacking]
    else:
        _reconcile_role(new, expected)
    return (Verdict.KEEP if new == existing else Verdict.UPDATE), new


def _reconcile_role(role: Any, expected: Any) -> None:
    if role.rules != expected.rules:
        lacking = missing([Rule.of(rule) for rule in role.rules or ()], map(Rule.of, expected.rules or ()))
        if lacking:
            role.rules = [*(role.rules or ()), *map(policy_rule, lacking)]
    if not hasattr(expected, "aggregationRule"):
        return
    if expected.aggregationRule is None:
        role.aggregationRule = None
        return
    present = (role.aggregationRule.clusterRoleSelectors if role.aggregationRule is not None else None) or []
    wanted = expected.aggregationRule.clusterRoleSelectors or []
    selectors = [*present, *(s for s in wanted if s not in present)]
    if selectors != present:
        role.aggregationRule = AggregationRule(clusterRoleSelectors=selectors)


def _merged(expected: Mapping[str, str] | None, present: Mapping[str, str] | None) -> dict[str, str] | None:
    """Both; what is present wins."""
    if not expected:
        return None if present is None else dict(present)
    return {**expected, **(present or {})}


def migrated(before: Any, name: str) -> Any:
    """The role that takes over the rules of one that will be the sum of others, and was not when it was stored."""
    new = codec.clone(before)
    new.metadata = ObjectMeta(name=name, labels=before.metadata.labels, annotations=before.metadata.annotations)
    return new
