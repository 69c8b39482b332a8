"""Validation of the taints of devices, of what tolerates them, and of the rules that put them there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api import field, names
from steersman.api.field import Errors, Path
from steersman.kinds import condition_rules
from steersman.kinds.core.reference_validation import check_driver_name
from steersman.kinds.resource.names_rules import check_label, check_label_key, check_pool_name

if TYPE_CHECKING:
    from steersman.kinds.types.resource_v1 import DeviceTaint, DeviceTaintRule, DeviceToleration

_EFFECTS = ("NoExecute", "NoSchedule", "None")
_OPERATORS = ("Equal", "Exists")
_MAX_CONDITIONS = 8
_SPEC = Path("spec")


def check_taint(taint: DeviceTaint, path: Path) -> Errors:
    errors = check_label_key(taint.key, path.child("key"))
    if taint.value:
        errors += field.all_invalid(path.child("value"), taint.value, names.label_value(taint.value))
    return errors + field.check_choice(taint.effect, _EFFECTS, path.child("effect"))


def check_toleration(toleration: DeviceToleration, path: Path) -> Errors:
    errors = check_label_key(toleration.key, path.child("key")) if toleration.key else []
    value, at = toleration.value, path.child("value")
    if toleration.operator == "Exists" and value:
        errors.append(field.invalid(at, value, "must be empty for operator `Exists`"))
    elif toleration.operator == "Equal":
        errors += field.all_invalid(at, value, names.label_value(value))
    errors += field.check_choice(toleration.operator, _OPERATORS, path.child("operator"))
    if toleration.effect and toleration.effect not in _EFFECTS:
        errors.append(field.not_supported(path.child("effect"), toleration.effect, _EFFECTS))
    return errors


def check_rule(rule: DeviceTaintRule) -> Errors:
    errors: Errors = []
    chosen, at = rule.spec.deviceSelector, _SPEC.child("deviceSelector")
    if chosen is not None:
        for name, check in (("driver", check_driver_name), ("pool", check_pool_name), ("device", check_label)):
            value = getattr(chosen, name)
            errors += check(value, at.child(name)) if value is not None else []
    return errors + check_taint(rule.spec.taint, _SPEC.child("taint"))


def check_rule_status(rule: DeviceTaintRule, old: DeviceTaintRule) -> Errors:
    conditions, at = rule.status.conditions or [], Path("status", "conditions")
    errors = condition_rules.check(conditions, at)
    if len(conditions) > _MAX_CONDITIONS:
        errors.append(field.too_many(at, len(conditions), _MAX_CONDITIONS))
    return errors
