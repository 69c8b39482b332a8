"""The expressions (`matchConditions`) that narrow down which requests a webhook is asked about: compiled and validated."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from steersman.api import field, names
from steersman.api.field import Errors, Path

if TYPE_CHECKING:
    from steersman.cel import Env, Program
    from steersman.kinds.types.admissionregistration_v1 import MatchCondition

_MOST = 64


class ConditionError(Exception):
    """An expression that cannot be used; the text says why."""


@lru_cache(maxsize=1)
def _environment() -> Env:
    from steersman.cel import DYN, Env
    from steersman.cel.admission import NAMESPACE, REQUEST
    from steersman.cel.library.authz import AUTHORIZER_TYPE, RESOURCE_CHECK_TYPE

    return Env({
        "object": DYN,
        "oldObject": DYN,
        "request": REQUEST,
        "namespaceObject": NAMESPACE,
        "authorizer": AUTHORIZER_TYPE,
        "authorizer.requestResource": RESOURCE_CHECK_TYPE,
    })  # fmt: skip


@lru_cache(maxsize=512)
def compiled(expression: str) -> Program:
    """The program of a condition. Raises ConditionError."""
    from steersman.cel import BOOL, CompileError

    try:
        return _environment().compile(expression, BOOL)
    except CompileError as error:
        raise ConditionError(f"compilation failed: {error}" if error.issues else str(error)) from error


def validate(conditions: Sequence[MatchCondition], path: Path) -> Errors:
    errors: Errors = []
    if len(conditions) > _MOST:
        errors.append(field.too_many(path, len(conditions), _MOST))
    seen: set[str] = set()
    for index, condition in enumerate(conditions):
        errors += _validate(condition, path.index(index))
        if condition.name and condition.name in seen:
            errors.append(field.duplicate(path.index(index).child("name"), condition.name))
        seen.add(condition.name)
    return errors


def _validate(condition: MatchCondition, path: Path) -> Errors:
    errors: Errors = []
    expression = condition.expression.strip()
    if not expression:
        errors.append(field.required(path.child("expression")))
    else:
        try:
            compiled(expression)
        except ConditionError as error:
            errors.append(field.invalid(path.child("expression"), expression, str(error)))
    if not condition.name:
        return [*errors, field.required(path.child("name"))]
    return errors + field.all_invalid(path.child("name"), condition.name, names.qualified_name(condition.name))
