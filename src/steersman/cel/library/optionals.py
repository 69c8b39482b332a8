"""Optional values: `optional.of`, `orValue`, `hasValue` and their kin."""

from __future__ import annotations

from steersman.cel.errors import NO_OVERLOAD, EvalError
from steersman.cel.functions import Library, function, method
from steersman.cel.types import BOOL, LIST_OF_A, OPTIONAL_OF_A, PARAM_A, list_of
from steersman.cel.values import MIN_TIME, NONE, Duration, Optional, Timestamp, Value


def _of_non_zero(value: Value) -> Optional:
    zero = value is None or value is False or value in (0, "", b"")
    if isinstance(value, Duration | Timestamp):
        zero = value.nanos == (MIN_TIME if isinstance(value, Timestamp) else 0)
    if isinstance(value, list | dict):
        zero = not value
    return NONE if zero else Optional(value)


def _value(held: Optional) -> Value:
    if held.present:
        return held.value
    raise EvalError("optional.none() dereference")


def _first(items: list[Value]) -> Optional:
    return Optional(items[0]) if items else NONE


def _last(items: list[Value]) -> Optional:
    return Optional(items[-1]) if items else NONE


def _unwrap(items: list[Optional]) -> list[Value]:
    if any(type(item) is not Optional for item in items):
        raise EvalError(NO_OVERLOAD)
    return [item.value for item in items if item.present]


LIBRARY = Library(
    "optional",
    [
        function("optional.of", "optional_of", (PARAM_A,), OPTIONAL_OF_A, Optional),
        function("optional.ofNonZeroValue", "optional_ofNonZeroValue", (PARAM_A,), OPTIONAL_OF_A, _of_non_zero),
        function("optional.none", "optional_none", (), OPTIONAL_OF_A, lambda: NONE),
        method("value", "optional_value", (OPTIONAL_OF_A,), PARAM_A, _value),
        method("hasValue", "optional_hasValue", (OPTIONAL_OF_A,), BOOL, lambda held: held.present),
        method(
            "or",
            "optional_or_optional",
            (OPTIONAL_OF_A, OPTIONAL_OF_A),
            OPTIONAL_OF_A,
            lambda a, b: a if a.present else b,
        ),
        method(
            "orValue",
            "optional_orValue_value",
            (OPTIONAL_OF_A, PARAM_A),
            PARAM_A,
            lambda a, b: a.value if a.present else b,
        ),
    ],
)
UNWRAPPING = Library(
    "optional.unwrap",
    [
        function("optional.unwrap", "optional_unwrap", (list_of(OPTIONAL_OF_A),), LIST_OF_A, _unwrap),
        method("unwrapOpt", "optional_unwrapOpt", (list_of(OPTIONAL_OF_A),), LIST_OF_A, _unwrap),
        method("first", "list_first", (LIST_OF_A,), OPTIONAL_OF_A, _first),
        method("last", "list_last", (LIST_OF_A,), OPTIONAL_OF_A, _last),
    ],
)
