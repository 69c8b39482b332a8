"""What is wrong with the status of a ValidatingAdmissionPolicy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api import field
from steersman.api.field import Errors, Path
from steersman.api.jsonpath import JSONPath, JSONPathError
from steersman.kinds import condition_rules

if TYPE_CHECKING:
    from steersman.kinds.types.admissionregistration_v1 import ExpressionWarning, ValidatingAdmissionPolicyStatus


def validate(status: ValidatingAdmissionPolicyStatus, path: Path) -> Errors:
    errors: Errors = []
    if status.typeChecking is not None:
        where = path.child("typeChecking", "expressionWarnings")
        for index, warning in enumerate(status.typeChecking.expressionWarnings or ()):
            errors += _warning(warning, where.index(index))
    return errors + condition_rules.check(status.conditions, path.child("conditions"))


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
