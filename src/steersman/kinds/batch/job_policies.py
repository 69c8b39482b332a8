"""Validation of a job's policies: which pod failures count, when it has succeeded, when pods are replaced."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from steersman.api import field, names
from steersman.api.field import OMITTED, Errors, Path
from steersman.kinds.batch.job_indexes import IndexesError, count, parse_intervals

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
_MAX_INDEXES_LENGTH = 64 * 1024


def check(spec: JobSpec, path: Path) -> Errors:
    errors: Errors = []
    if spec.podFailurePolicy is not None:
        errors += _check_failure(spec, path.child("podFailurePolicy", "rules"))
    if spec.successPolicy is not None:
        errors += _check_success(spec, path.child("successPolicy"))
    replacement, at = spec.podReplacementPolicy, path.child("podReplacementPolicy")
    supported = _REPLACEMENTS if spec.podFailurePolicy is None else _REPLACEMENTS[:1]
    if replacement and replacement not in supported:
        errors.append(field.not_supported(at, replacement, supported))
    return errors


def _check_choice(value: str, choices: Sequence[str], path: Path) -> Errors:
    if value:
        return field.check_choice(value, choices, path)
    return [field.required(path, f"valid values: [{' '.join(map(field.quote, choices))}]")]


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
    errors = _check_choice(rule.action, _ACTIONS, path.child("action"))
    if rule.action == "FailIndex" and spec.backoffLimitPerIndex is None:
        errors.append(field.invalid(path.child("action"), rule.action, "requires the backoffLimitPerIndex to be set"))
    if rule.onExitCodes is not None:
        errors += _check_codes(rule.onExitCodes, containers, path.child("onExitCodes"))
    patterns, at = rule.onPodConditions or [], path.child("onPodConditions")
    if len(patterns) > _MAX_PATTERNS:
        errors.append(field.too_many(at, len(patterns), _MAX_PATTERNS))
    for i, pattern in enumerate(patterns):
        errors += field.all_invalid(at.index(i).child("type"), pattern.type, names.qualified_name(pattern.type))
        errors += _check_choice(pattern.status, ("False", "True", "Unknown"), at.index(i).child("status"))
    if rule.onExitCodes is not None and patterns:
        errors.append(field.invalid(path, OMITTED, "specifying both OnExitCodes and OnPodConditions is not supported"))
    if rule.onExitCodes is None and not patterns:
        errors.append(field.invalid(path, OMITTED, "specifying one of OnExitCodes and OnPodConditions is required"))
    return errors


def _check_codes(codes: PodFailurePolicyOnExitCodesRequirement, containers: set[str], path: Path) -> Errors:
    errors = _check_choice(codes.operator, ("In", "NotIn"), path.child("operator"))
    if codes.containerName and codes.containerName not in containers:
        detail = "must be one of the container or initContainer names in the pod template"
        errors.append(field.invalid(path.child("containerName"), codes.containerName, detail))
    values, at = codes.values, path.child("values")
    if not values:
        errors.append(field.invalid(at, values, "at least one value is required"))
    if len(values) > _MAX_CODES:
        errors.append(field.too_many(at, len(values), _MAX_CODES))
    repeated = set(field.repeated(values))
    for i, value in enumerate(values):
        if codes.operator == "In" and value == 0:
            errors.append(field.invalid(at.index(i), value, "must not be 0 for the In operator"))
        if i in repeated:
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
    wanted, indexes = rule.succeededCount, rule.succeededIndexes
    if wanted is None and not indexes:
        return [field.required(path, "at least one of succeededCount or succeededIndexes must be specified")]
    named = 0
    if indexes:
        at = path.child("succeededIndexes")
        if len(indexes) > _MAX_INDEXES_LENGTH:
            errors.append(field.too_long(at, _MAX_INDEXES_LENGTH))
        try:
            named = count(parse_intervals(indexes, completions))
        except IndexesError as e:
            errors.append(field.invalid(at, indexes, f"error parsing succeededIndexes: {e}"))
    if wanted is None:
        return errors
    at = path.child("succeededCount")
    errors += field.not_negative(at, wanted)
    for limit, what, applies in (
        (completions, "the number of specified completions", True),
        (named, "the number of indexes in the specified succeededIndexes field", bool(indexes)),
    ):
        if applies and wanted > limit:
            errors.append(field.invalid(at, wanted, f"must be less than or equal to {limit} ({what})"))
    return errors
