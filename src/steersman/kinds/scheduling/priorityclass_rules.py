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
        if why := _not_the_systems(name, value, default=bool(obj.globalDefault)):
            detail = f"priority class names with 'system-' prefix are reserved for system use only. error: {why}"
            errors.append(field.forbidden(Path("metadata", "name"), detail))
    elif value > HIGHEST_USER_PRIORITY:
        detail = f"maximum allowed value of a user defined priority is {HIGHEST_USER_PRIORITY}"
        errors.append(field.forbidden(Path("value"), detail))
    return errors + field.check_choice(obj.preemptionPolicy, _POLICIES, Path("preemptionPolicy"))


def _not_the_systems(name: str, value: int, *, default: bool) -> str:
    if name not in SYSTEM_CLASSES:
        return f"{name} is not a known system priority class"
    if value != SYSTEM_CLASSES[name]:
        return f"value of {name} PriorityClass must be {SYSTEM_CLASSES[name]}"
    return f"globalDefault of {name} PriorityClass must be false" if default else ""


def check_update(obj: PriorityClass, old: PriorityClass) -> Errors:
    errors: Errors = []
    if (obj.value or 0) != (old.value or 0):
        errors.append(field.forbidden(Path("value"), "may not be changed in an update."))
    return errors + field.immutable(Path("preemptionPolicy"), obj.preemptionPolicy, old.preemptionPolicy)
