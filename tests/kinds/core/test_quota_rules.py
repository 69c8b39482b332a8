"""What is wrong with a quota grows with the quota: no client can ask for the product of two of its lists."""

from __future__ import annotations

import pytest

from steersman.kinds.core import quota_rules
from steersman.kinds.core.resourcequota import KIND
from steersman.kinds.types.core_v1 import (
    ResourceQuota,
    ResourceQuotaSpec,
    ScopedResourceSelectorRequirement,
    ScopeSelector,
)

MANY = 300
HARD = {f"hugepages-{i}Mi": "1" for i in range(1, MANY + 1)}
WRONG = "unsupported scope applied to resource"


def _count(quota: ResourceQuota) -> int:
    KIND.default(quota)
    return sum(e.detail == WRONG for e in quota_rules.check_quota(quota))


@pytest.mark.parametrize("times", [1, 2, MANY])
def test_a_scope_that_is_given_again_is_judged_once(times: int) -> None:
    assert _count(ResourceQuota(spec=ResourceQuotaSpec(scopes=["BestEffort"] * times, hard=dict(HARD)))) == MANY


@pytest.mark.parametrize("times", [1, 2, MANY])
def test_a_scope_that_is_selected_again_is_judged_once(times: int) -> None:
    requirement = ScopedResourceSelectorRequirement(scopeName="BestEffort", operator="Exists")
    selector = ScopeSelector(matchExpressions=[requirement] * times)
    assert _count(ResourceQuota(spec=ResourceQuotaSpec(scopeSelector=selector, hard=dict(HARD)))) == MANY
