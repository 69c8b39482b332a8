"""A Job's success policy: which indexes that have succeeded are enough. Pure functions."""

from __future__ import annotations

from collections.abc import Set

from steersman.controllers.job_tally import parse_indexes
from steersman.kinds.types.batch_v1 import Job, SuccessPolicyRule


def matched(job: Job, succeeded: Set[int]) -> str:
    """The words for the first rule that is met, or nothing."""
    policy = job.spec.successPolicy
    if policy is None or not succeeded:
        return ""
    completions = job.spec.completions or 0
    for number, rule in enumerate(policy.rules):
        if _met(rule, succeeded, completions):
            return f"Matched rules at index {number}"
    return ""


def _met(rule: SuccessPolicyRule, succeeded: Set[int], completions: int) -> bool:
    if not rule.succeededIndexes:
        return rule.succeededCount is not None and len(succeeded) >= rule.succeededCount
    wanted = {index for index in parse_indexes(rule.succeededIndexes) if index < completions}
    found = len(wanted & succeeded)
    return bool(wanted) and (found == len(wanted) or (rule.succeededCount is not None and found >= rule.succeededCount))
