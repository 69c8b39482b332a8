"""What is wrong with the status of a ValidatingAdmissionPolicy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api import field, names
from steersman.api.field import Errors, Path
from steersman.api.jsonpath import JSONPath, JSONPathError

if TYPE_CHECKING:
    from steersman.kinds.types.admissionregistration_v1 import ExpressionWarning, ValidatingAdmissionPolicyStatus
    from steersman.kinds.types.meta_v1 import Condition

_STATUSES = ("False", "True", "Unknown")
_LONGEST_MESSAGE, _LONGEST_REASON = 32 * 1024, 1024


def validate(status: ValidatingAdmissionPolicyStatus, path: Path) -> Errors:
    errors: Errors = []
    if status.typeChecking is not None:
        where = path.child("typeChecking", "expressionWarnings")
        for index, warning in enumerate(status.typeChecking.expressionWarnings or ()):
            errors += _warning(warning, where.index(index))
    seen: set[str] = set()
    for index, condition in enumerate(status.conditions or ()):
        where = path.child("conditions").index(index)
        if condition.type in seen:
            errors.append(field.duplicate(where.child("type"), condition.type))
        seen.add(condition.type)
        errors += _condition(condition, where)
    return errors


def _warning(warning: ExpressionWarning, path: Path) -> Errors:
    errors: Errors = []
    if not warning.warning:
        errors.append(field.required(path.child("warning")))
    where, ref = path.child("fieldRef"), warning.fieldRef.strip()
    if not ref:
        return [*errors, field.required(where)]
    try:
        JSONPath(f".{ref}")
    except JSONPathError as error:
        errors.append(field.invalid(where, ref, f"invalid JSONPath: {error}"))
    return errors


def _condition(condition: Condition, path: Path) -> Errors:
    errors = field.all_invalid(path.child("type"), condition.type, names.qualified_name(condition.type))
    if not condition.type:
        errors = [field.required(path.child("type"))]
    errors += field.check_choice(condition.status, _STATUSES, path.child("status"))
    errors += field.not_negative(path.child("observedGeneration"), condition.observedGeneration)
    if not condition.lastTransitionTime:
        errors.append(field.required(path.child("lastTransitionTime")))
    where = path.child("reason")
    if not condition.reason:
        errors.append(field.required(where))
    elif len(condition.reason) > _LONGEST_REASON:
        errors.append(field.too_long(where, _LONGEST_REASON))
    else:
        errors += field.all_invalid(where, condition.reason, names.condition_reason(condition.reason))
    if len(condition.message) > _LONGEST_MESSAGE:
        errors.append(field.too_long(path.child("message"), _LONGEST_MESSAGE))
    return errors
