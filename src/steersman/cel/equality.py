"""Equality and order across CEL's types: numbers compare by value whatever their type, other types never mix."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from steersman.cel.errors import NO_OVERLOAD, EvalError
from steersman.cel.frame import spend
from steersman.cel.types import Type, type_name
from steersman.cel.values import (
    LIST_TYPES,
    Duration,
    KeyedList,
    Opaque,
    Optional,
    SetList,
    Timestamp,
    Uint,
    Value,
    entries,
    is_map,
)

_NUMBERS = (int, Uint, float)
_PLAIN = (str, int, bool, float, bytes, Uint, Timestamp, Duration, type(None))


def equal(a: Value, b: Value, frame: list[Any] | None = None) -> bool:
    """Whether a == b. With a frame, what is compared inside lists and maps counts as its work."""
    kind, other = type(a), type(b)
    if kind is other and kind in _PLAIN:
        return bool(a == b)
    if kind in _NUMBERS and other in _NUMBERS:
        return bool(a == b) if float not in (kind, other) else float(a) == float(b)
    if kind in LIST_TYPES:
        return other in LIST_TYPES and _equal_lists(a, b, frame)
    if kind is Optional:
        return other is Optional and a.present == b.present and (not a.present or equal(a.value, b.value, frame))
    if kind is Type:
        return other is Type and type_name(a) == type_name(b)
    if isinstance(a, Opaque):
        return kind is other and bool(a == b)
    if kind in _PLAIN or other in _PLAIN or isinstance(b, Opaque):
        return False
    return is_map(a) and is_map(b) and _equal_maps(entries(a), entries(b), frame)


def _equal_lists(a: list[Value], b: list[Value], frame: list[Any] | None) -> bool:
    if len(a) != len(b):
        return False
    spend(frame, len(a))
    if type(a) is SetList:
        spend(frame, len(a) * len(b) // 8)
        return all(any(equal(x, y, frame) for y in b) for x in a)
    if type(a) is KeyedList:
        keys = a.keys
        held = {key_of(item, keys): item for item in b}
        return all((key := key_of(item, keys)) in held and equal(item, held[key], frame) for item in a)
    return all(map(equal, a, b, [frame] * len(a)))


def _equal_maps(a: Mapping[Any, Value], b: Mapping[Any, Value], frame: list[Any] | None) -> bool:
    if len(a) != len(b):
        return False
    spend(frame, len(a))
    return all(has_key(b, key) and equal(value, b[key], frame) for key, value in a.items())


def has_key(target: Mapping[Any, Value], key: Value) -> bool:
    """Whether a map holds a key. Python takes True for 1; CEL does not."""
    try:
        if key not in target:
            return False
    except TypeError:
        return False
    if key not in (0, 1):
        return True
    if len(target) > _FEW:  # keys of a map are nearly always of one type, and there are two of bool at most
        return type(key) is not bool
    return any((type(held) is bool) == (type(key) is bool) for held in target if held == key)


def key_of(item: Value, keys: tuple[str, ...]) -> tuple[Any, ...]:
    """What identifies an item of a keyed list."""
    held = entries(item) if is_map(item) else {}
    return tuple(_hashable(held.get(key)) for key in keys)


def _hashable(value: Value) -> Any:
    return (type(value), value) if isinstance(value, str | int | float | bool | None) else repr(value)


def contains(items: Sequence[Value], wanted: Value, frame: list[Any] | None = None) -> bool:
    """Whether a list holds an equal element."""
    if type(wanted) is str:
        return wanted in items
    return any(equal(wanted, item, frame) for item in items)


_FEW = 64
_ORDERED = (str, bytes, bool, Timestamp, Duration)


def compare(a: Value, b: Value) -> int:
    """-1, 0 or 1. Raises EvalError for types without a common order, and for NaN."""
    kind, other = type(a), type(b)
    if kind in _NUMBERS and other in _NUMBERS:
        if (kind is float and math.isnan(a)) or (other is float and math.isnan(b)):
            raise EvalError("NaN values cannot be ordered")
        if float in (kind, other):
            a, b = float(a), float(b)
        return int(a > b) - int(a < b)
    if kind is other and kind in _ORDERED:
        return int(a > b) - int(a < b)
    ordered = getattr(a, "compare", None) if kind is other and isinstance(a, Opaque) else None
    if ordered is not None:
        return int(ordered(b))
    raise EvalError(NO_OVERLOAD)
