"""Validation of status conditions in the form that most kinds share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from steersman.api import field, names
from steersman.api.field import Errors, Path

if TYPE_CHECKING:
    from steersman.kinds.types.meta_v1 import Condition

_STATUSES = ("False", "True", "Unknown")
_MAX_REASON, _MAX_MESSAGE = 1024, 32 * 1024


def check(conditions: Iterable[Condition] | None, path: Path) -> Errors:
    """What is wrong with a status' conditions, of which each type may occur once."""
    errors: Errors = []
    seen: set[str] = set()
    for i, condition in enumerate(conditions or ()):
        at = path.index(i)
        if condition.type in seen:
            errors.append(field.duplicate(at, condition.type))
        seen.add(condition.type)
        errors += _check_one(condition, at)
    return errors


def _check_one(condition: Condition, path: Path) -> Errors:
    at = path.child("type")
    if condition.type:
        errors = field.all_invalid(at, condition.type, names.qualified_name(condition.type))
    else:
        errors = [field.required(at, "is required")]
    errors += field.check_choice(condition.status, _STATUSES, path.child("status"))
    generation = condition.observedGeneration
    if generation is not None and generation < 0:
        detail = "must be greater than or equal to zero"
        errors.append(field.invalid(path.child("observedGeneration"), generation, detail))
    if not condition.lastTransitionTime:
        errors.append(field.required(path.child("lastTransitionTime")))
    at = path.child("reason")
    if condition.reason:
        errors += field.all_invalid(at, condition.reason, names.condition_reason(condition.reason))
        errors += _check_length(condition.reason, _MAX_REASON, at)
    else:
        errors.append(field.required(at))
    return errors + _check_length(condition.message, _MAX_MESSAGE, path.child("message"))


def _check_length(text: str, limit: int, path: Path) -> Errors:
    return [field.too_long(path, limit)] if len(text.encode()) > limit else []
