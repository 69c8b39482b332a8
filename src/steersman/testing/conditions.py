"""What a test waits for: a condition of an object by the name of its type, or any function of the object."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

# `"Available"` means: the object has a status condition of that type, it is True, and the status is about the newest spec.
Condition: TypeAlias = str | Callable[[Any], object]


def has_condition(type_: str, status: str = "True") -> Callable[[Any], bool]:
    """Whether an object has that condition, as `kubectl wait --for=condition=…` understands it."""

    def check(obj: Any) -> bool:
        observed = getattr(obj.status, "observedGeneration", None)
        if observed is not None and observed < (obj.metadata.generation or 0):
            return False
        return any(c.type == type_ and c.status == status for c in obj.status.conditions or ())

    return check


def predicate(condition: Condition) -> Callable[[Any], object]:
    return has_condition(condition) if isinstance(condition, str) else condition


def describe(condition: Condition) -> str:
    """The condition in the words of a failed wait."""
    if isinstance(condition, str):
        return f"condition {condition}"
    return getattr(condition, "__name__", repr(condition)).replace("<lambda>", "its condition")
