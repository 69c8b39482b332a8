"""Validation of PriorityClasses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api import field
from steersman.api.field import Errors, Path

if TYPE_CHECKING:
    from steersman.kinds.types.scheduling_v1 import PriorityClass

HIGHEST_USER_PRIORITY = 1_000_000_000
SYSTEM_CLASSES = {"system-cluster-critical": 2_000_000_000, "system-node-critical": 2_000_001_000}
_POLICIES = ("PreemptLowerPriority", "Never")


def check(obj: PriorityClass) -> Errors:
    errors: Errors = []
    value, name = obj.value or 0, obj.metadata.name
    if name.startswith("system-"):
        if SYSTEM_CLASSES.get(name) != value:
            why = (
                "must be the value of the system's class"
                if name in SYSTEM_CLASSES
                else f"{name} is not a known system priority class"
            )
            detail = f"priority class names with 'system-' prefix are reserved for system use only. error: {why}"
            errors.append(field.forbidden(Path("metadata", "name"), detail))
    elif value > HIGHEST_USER_PRIORITY:
        detail = f"maximum allowed value of a user defined priority is {HIGHEST_USER_PRIORITY}"
        errors.append(field.forbidden(Path("value"), detail))
    return errors + field.check_choice(obj.preemptionPolicy, _POLICIES, Path("preemptionPolicy"))


def check_update(obj: PriorityClass, old: PriorityClass) -> Errors:
    errors = field.immutable(Path("preemptionPolicy"), obj.preemptionPolicy, old.preemptionPolicy)
    if (obj.value or 0) != (old.value or 0):
        errors.append(field.forbidden(Path("value"), "may not be changed in an update."))
    return errors
