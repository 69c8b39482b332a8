"""Validation of a job's policies: which pod failures count, when it has succeeded, when pods are replaced."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from steersman.api import field, names
from steersman.api.field import Errors, Path

if TYPE_CHECKING:
    from steersman.kinds.types.batch_v1 import (
        JobSpec,
        PodFailurePolicyOnExitCodesRequirement,
        PodFailurePolicyRule,
        SuccessPolicyRule,
    )

_ACTIONS = ("Count", "FailIndex", "FailJob", "Ignore")
_REPLACEMENTS = ("Failed", "TerminatingOrFailed")
_MAX_FAILURE_RULES, _MAX_SUCCESS_RULES, _MAX_CODES, _MAX_PATTERNS = 20, 20, 255, 20
_INDEXES = re.compile(r"[0-9]+(-[0-9]+)?(,[0-9]+(-[0-9]+)?)*", re.ASCII)


def check(spec: JobSpec, path: Path) -> Errors:
    errors: Errors = []
    if spec.podFailurePolicy is not None:
        errors += _check_failure(spec, path.child("podFailurePolicy", "rules"))
    if spec.successPolicy is not None:
        errors += _check_success(spec, path.child("successPolicy"))
    if spec.podReplacementPolicy:
        errors += field.check_choice(spec.podReplacementPolicy, _REPLACEMENTS, path.child("podReplacementPolicy"))
    if spec.podFailurePolicy is not None and spec.podReplacementPolicy == "TerminatingOrFailed":
        at = path.child("podReplacementPolicy")
        errors.append(field.not_supported(at, spec.podReplacementPolicy, ("Failed",)))
    return errors


def _check_failure(spec: JobSpec, path: Path) -> Errors:
    rules = spec.podFailurePolicy.rules if spec.podFailurePolicy is not None else []
    errors: Errors = []
    if len(rules) > _MAX_FAILURE_RULES:
        errors.append(field.too_many(path, len(rules), _MAX_FAILURE_RULES))
    containers = {c.name for c in (*spec.template.spec.containers, *(spec.template.spec.initContainers or ()))}
    for i, rule in enumerate(rules):
        errors += _check_rule(rule, spec, containers, path.index(i))
    return errors


def _check_rule(rule: PodFailurePolicyRule, spec: JobSpec, containers: set[str], path: Path) -> Errors:
    errors = field.check_choice(rule.action, _ACTIONS, path.child("action"))
    if rule.action == "FailIndex" and spec.backoffLimitPerIndex is None:
        errors.append(field.invalid(path.child("action"), rule.action, "requires the backoffLimitPerIndex to be set"))
    if rule.onExitCodes is not None:
        errors += _check_codes(rule.onExitCodes, containers, path.child("onExitCodes"))
    patterns, at = rule.onPodConditions or [], path.child("onPodConditions")
    if len(patterns) > _MAX_PATTERNS:
        errors.append(field.too_many(at, len(patterns), _MAX_PATTERNS))
    for i, pattern in enumerate(patterns):
        errors += field.all_invalid(at.index(i).child("type"), pattern.type, names.qualified_name(pattern.type))
        errors += field.check_choice(pattern.status, ("False", "True", "Unknown"), at.index(i).child("status"))
    if rule.onExitCodes is not None and patterns:
        errors.append(field.invalid(path, rule, "specifying both OnExitCodes and OnPodConditions is not supported"))
    if rule.onExitCodes is None and not patterns:
        errors.append(field.invalid(path, rule, "specifying one of OnExitCodes and OnPodConditions is required"))
    return errors


def _check_codes(codes: PodFailurePolicyOnExitCodesRequirement, containers: set[str], path: Path) -> Errors:
    errors = field.check_choice(codes.operator, ("In", "NotIn"), path.child("operator"))
    if codes.containerName and codes.containerName not in containers:
        detail = "must be one of the container or initContainer names in the pod template"
        errors.append(field.invalid(path.child("containerName"), codes.containerName, detail))
    values, at = codes.values, path.child("values")
    if not values:
        errors.append(field.invalid(at, values, "at least one value is required"))
    if len(values) > _MAX_CODES:
        errors.append(field.too_many(at, len(values), _MAX_CODES))
    for i, value in enumerate(values):
        if codes.operator == "In" and value == 0:
            errors.append(field.invalid(at.index(i), value, "must not be 0 for the In operator"))
        if value in values[:i]:
            errors.append(field.duplicate(at.index(i), value))
    if values != sorted(values):
        errors.append(field.invalid(at, values, "must be ordered"))
    return errors


def _check_success(spec: JobSpec, path: Path) -> Errors:
    if spec.completionMode != "Indexed":
        return [field.invalid(path, spec.successPolicy, "requires indexed completion mode")]
    rules, at = (spec.successPolicy.rules if spec.successPolicy is not None else []), path.child("rules")
    errors: Errors = []
    if not rules:
        errors.append(field.required(at, "at least one rules must be specified when the successPolicy is specified"))
    if len(rules) > _MAX_SUCCESS_RULES:
        errors.append(field.too_many(at, len(rules), _MAX_SUCCESS_RULES))
    for i, rule in enumerate(rules):
        errors += _check_success_rule(rule, spec.completions or 0, at.index(i))
    return errors


def _check_success_rule(rule: SuccessPolicyRule, completions: int, path: Path) -> Errors:
    errors: Errors = []
    count, indexes = rule.succeededCount, rule.succeededIndexes
    if count is None and not indexes:
        return [field.required(path, "at least one of succeededCount or succeededIndexes must be specified")]
    total = completions
    if indexes:
        at = path.child("succeededIndexes")
        chosen = parse_indexes(indexes)
        if chosen is None:
            return [field.invalid(at, indexes, "error parsing succeededIndexes")]
        if chosen and max(chosen) >= completions:
            errors.append(field.invalid(at, indexes, "too large index"))
        total = len(chosen)
    if count is not None:
        at = path.child("succeededCount")
        errors += field.not_negative(at, count)
        if count > total:
            of = "the number of indexes in the specified succeededIndexes field" if indexes else "value of completions"
            errors.append(field.invalid(at, count, f"must be less than or equal to {total} ({of})"))
    return errors


def parse_indexes(text: str) -> set[int] | None:
    """The numbers of "1,3-5,7", or None when the text is malformed, unordered or too large to write out."""
    if not _INDEXES.fullmatch(text):
        return None
    out: set[int] = set()
    last = -1
    for part in text.split(","):
        first, _, end = part.partition("-")
        low, high = int(first), int(end or first)
        if low <= last or high < low or high - low > 1_000_000:
            return None
        out.update(range(low, high + 1))
        last = high
    return out
