"""The expressions (`matchConditions`) that narrow down which requests concern a webhook or a policy: compiled and validated."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from steersman.api import field, names
from steersman.api.field import Errors, Path
from steersman.kinds.admissionregistration.expressions import ExpressionError, compile_in, environment

if TYPE_CHECKING:
    from steersman.cel import Program
    from steersman.kinds.types.admissionregistration_v1 import MatchCondition

_MOST = 64


@lru_cache(maxsize=512)
def compiled(expression: str, *, params: bool = False) -> Program:
    """The program of a condition, which may name `params` if there are such. Raises ExpressionError."""
    from steersman.cel import BOOL

    return compile_in(environment(params=params), expression, (BOOL,))


def validate(conditions: Sequence[MatchCondition], path: Path, *, params: bool = False) -> Errors:
    errors: Errors = []
    if len(conditions) > _MOST:
        errors.append(field.too_many(path, len(conditions), _MOST))
    seen: set[str] = set()
    for index, condition in enumerate(conditions):
        errors += _validate(condition, path.index(index), params)
        if condition.name and condition.name in seen:
            errors.append(field.duplicate(path.index(index).child("name"), condition.name))
        seen.add(condition.name)
    return errors


def _validate(condition: MatchCondition, path: Path, params: bool) -> Errors:
    errors: Errors = []
    expression = condition.expression.strip()
    if not expression:
        errors.append(field.required(path.child("expression")))
    else:
        try:
            compiled(expression, params=params)
        except ExpressionError as error:
            errors.append(field.invalid(path.child("expression"), expression, str(error)))
    if not condition.name:
        return [*errors, field.required(path.child("name"))]
    return errors + field.all_invalid(path.child("name"), condition.name, names.qualified_name(condition.name))
