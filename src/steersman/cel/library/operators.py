"""The operators: arithmetic that refuses to overflow, order, equality, membership, concatenation."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

from steersman.cel.costs import BOTH, IN_LIST, LIST_CONCAT, SHORTER
from steersman.cel.equality import contains, equal, has_key, key_of
from steersman.cel.errors import NO_OVERLOAD, EvalError
from steersman.cel.functions import Library, Overload, function
from steersman.cel.types import (
    BOOL,
    BYTES,
    DOUBLE,
    DURATION,
    INT,
    LIST_OF_A,
    MAP_OF_AB,
    OPTIONAL_OF_A,
    PARAM_A,
    PARAM_B,
    STRING,
    TIMESTAMP,
    UINT,
    Type,
    optional_of,
)
from steersman.cel.values import (
    LIST_TYPES,
    MAX_INT,
    MAX_TIME,
    MAX_UINT,
    MIN_INT,
    MIN_TIME,
    NONE,
    Duration,
    KeyedList,
    Optional,
    SetList,
    Timestamp,
    Uint,
    Value,
    display,
    entries,
    is_struct,
)


def checked_int(result: int) -> int:
    """A result as a signed 64-bit integer. Raises EvalError."""
    if MIN_INT <= result <= MAX_INT:
        return result
    raise EvalError("integer overflow")


def checked_uint(result: int) -> Uint:
    """A result as an unsigned 64-bit integer. Raises EvalError."""
    if 0 <= result <= MAX_UINT:
        return Uint(result)
    raise EvalError("unsigned integer overflow")


def checked_duration(nanos: int) -> Duration:
    if MIN_INT <= nanos <= MAX_INT:
        return Duration(nanos)
    raise EvalError("duration overflow")


def checked_time(nanos: int, offset: int = 0) -> Timestamp:
    if MIN_TIME <= nanos <= MAX_TIME:
        return Timestamp(nanos, offset)
    raise EvalError("timestamp overflow")


def _divide(a: int, b: int) -> int:
    """Division that rounds towards zero."""
    if b == 0:
        raise EvalError("division by zero")
    quotient = abs(a) // abs(b)
    return checked_int(quotient if (a < 0) == (b < 0) else -quotient)


def _modulo(a: int, b: int) -> int:
    if b == 0:
        raise EvalError("modulus by zero")
    if a == MIN_INT and b == -1:
        raise EvalError("integer overflow")
    return int(math.fmod(a, b)) if abs(a) < 2**52 and abs(b) < 2**52 else (abs(a) % abs(b)) * (-1 if a < 0 else 1)


def _divide_uint(a: int, b: int) -> Uint:
    if b == 0:
        raise EvalError("division by zero")
    return Uint(int(a) // int(b))


def _modulo_uint(a: int, b: int) -> Uint:
    if b == 0:
        raise EvalError("modulus by zero")
    return Uint(int(a) % int(b))


def _divide_double(a: float, b: float) -> float:
    if b:
        return a / b
    if a == 0 or math.isnan(a) or math.isnan(b):
        return math.nan
    return math.copysign(math.inf, a) * math.copysign(1.0, b)


def _multiply_double(a: float, b: float) -> float:
    return a * b


def concatenate(a: list[Value], b: list[Value]) -> list[Value]:
    """a + b; a set takes only what it lacks, a keyed list replaces items of equal keys."""
    if type(a) is SetList:
        return SetList([*a, *(item for item in b if not contains(a, item))])
    if type(a) is KeyedList:
        return _merge(a, b)
    return [*a, *b]


def _merge(a: KeyedList, b: list[Value]) -> list[Value]:
    merged = {key_of(item, a.keys): item for item in a}
    for item in b:
        merged[key_of(item, a.keys)] = item
    return KeyedList(list(merged.values()), a.keys)


_ADD: list[tuple[str, Type, Type, Type, Callable[[Any, Any], Value]]] = [
    ("add_int64", INT, INT, INT, lambda a, b: checked_int(a + b)),
    ("add_uint64", UINT, UINT, UINT, lambda a, b: checked_uint(a + b)),
    ("add_double", DOUBLE, DOUBLE, DOUBLE, operator.add),
    ("add_duration_duration", DURATION, DURATION, DURATION, lambda a, b: checked_duration(a.nanos + b.nanos)),
    ("add_duration_timestamp", DURATION, TIMESTAMP, TIMESTAMP, lambda a, b: checked_time(a.nanos + b.nanos, b.offset)),
    ("add_timestamp_duration", TIMESTAMP, DURATION, TIMESTAMP, lambda a, b: checked_time(a.nanos + b.nanos, a.offset)),
]
_SUBTRACT: list[tuple[str, Type, Type, Type, Callable[[Any, Any], Value]]] = [
    ("subtract_int64", INT, INT, INT, lambda a, b: checked_int(a - b)),
    ("subtract_uint64", UINT, UINT, UINT, lambda a, b: checked_uint(a - b)),
    ("subtract_double", DOUBLE, DOUBLE, DOUBLE, operator.sub),
    ("subtract_duration_duration", DURATION, DURATION, DURATION, lambda a, b: checked_duration(a.nanos - b.nanos)),
    ("subtract_timestamp_timestamp", TIMESTAMP, TIMESTAMP, DURATION, lambda a, b: checked_duration(a.nanos - b.nanos)),
    (
        "subtract_timestamp_duration",
        TIMESTAMP,
        DURATION,
        TIMESTAMP,
        lambda a, b: checked_time(a.nanos - b.nanos, a.offset),
    ),
]


def _arithmetic() -> list[Overload]:
    found = [function("_+_", id, (left, right), result, run) for id, left, right, result, run in _ADD]
    found += [
        function("_+_", "add_string", (STRING, STRING), STRING, operator.add, BOTH),
        function("_+_", "add_bytes", (BYTES, BYTES), BYTES, operator.add, BOTH),
        function("_+_", "add_list", (LIST_OF_A, LIST_OF_A), LIST_OF_A, concatenate, LIST_CONCAT),
    ]
    found += [function("_-_", id, (left, right), result, run) for id, left, right, result, run in _SUBTRACT]
    for name, word, whole, unsigned, real in (
        ("_*_", "multiply", lambda a, b: checked_int(a * b), lambda a, b: checked_uint(a * b), _multiply_double),
        ("_/_", "divide", _divide, _divide_uint, _divide_double),
    ):
        found += [
            function(name, f"{word}_int64", (INT, INT), INT, whole),
            function(name, f"{word}_uint64", (UINT, UINT), UINT, unsigned),
            function(name, f"{word}_double", (DOUBLE, DOUBLE), DOUBLE, real),
        ]
    return [
        *found,
        function("_%_", "modulo_int64", (INT, INT), INT, _modulo),
        function("_%_", "modulo_uint64", (UINT, UINT), UINT, _modulo_uint),
        function("-_", "negate_int64", (INT,), INT, lambda a: checked_int(-a)),
        function("-_", "negate_double", (DOUBLE,), DOUBLE, operator.neg),
    ]


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    """A comparison of numbers one of which may be NaN."""

    def run(a: Any, b: Any) -> bool:
        if a != a or b != b:
            raise EvalError("NaN values cannot be ordered")
        if type(a) is float or type(b) is float:
            return compare(float(a), float(b))
        return compare(a, b)

    return run


def _order(name: str, word: str, compare: Callable[[Any, Any], bool]) -> list[Overload]:
    real = _ordered(compare)
    found = [function(name, f"{word}_{t.kind}", (t, t), BOOL, compare) for t in (BOOL, INT, UINT, TIMESTAMP, DURATION)]
    found += [function(name, f"{word}_{t.kind}", (t, t), BOOL, compare, SHORTER) for t in (STRING, BYTES)]
    found.append(function(name, f"{word}_double", (DOUBLE, DOUBLE), BOOL, real))
    numbers = (INT, UINT, DOUBLE)
    return found + [
        function(name, f"{word}_{a.kind}_{b.kind}", (a, b), BOOL, real) for a in numbers for b in numbers if a is not b
    ]


def index_list(items: list[Value], at: Value) -> Value:
    """items[at], where a whole double or an unsigned integer will do as well. Raises EvalError."""
    if type(at) is float:
        if not at.is_integer():
            raise EvalError(f"unsupported index value {at} in list")
        at = int(at)
    elif type(at) not in (int, Uint):
        raise EvalError("unsupported index type in list")
    if 0 <= at < len(items):
        return items[at]
    raise EvalError(f"index out of bounds: {at}")


def index_map(target: Value, key: Value) -> Value:
    """target[key]. Raises EvalError."""
    if is_struct(target):
        target = entries(target)
    if type(key) is str or has_key(target, key):
        try:
            return target[key]
        except KeyError:
            raise EvalError(f"no such key: {display(key)}") from None
    if type(key) not in (str, int, Uint, float, bool):
        raise EvalError(f"unsupported key type: {type(key).__name__.lower()}")
    raise EvalError(f"no such key: {display(key)}")


def optional_index(target: Value, key: Value) -> Optional:
    """target[?key]: absent where the key or the index is."""
    if type(target) is Optional:
        return optional_index(target.value, key) if target.present else NONE
    if type(target) in LIST_TYPES:
        if type(key) is float and key.is_integer():
            key = int(key)
        return Optional(target[key]) if isinstance(key, int) and 0 <= key < len(target) else NONE
    target = entries(target)
    return Optional(target[key]) if has_key(target, key) else NONE


def _index_optional(target: Optional, key: Value) -> Optional:
    return optional_index(target, key)


def _in_map(key: Value, target: Value) -> bool:
    return has_key(entries(target), key)


def _not(value: Value) -> bool:
    if type(value) is bool:
        return not value
    raise EvalError(NO_OVERLOAD)


_OPT_LIST, _OPT_MAP = optional_of(LIST_OF_A), optional_of(MAP_OF_AB)
_OPT_B = optional_of(PARAM_B)

LIBRARY = Library(
    "operators",
    [
        function("_?_:_", "conditional", (BOOL, PARAM_A, PARAM_A), PARAM_A, lambda c, a, b: a if c else b),
        function("_&&_", "logical_and", (BOOL, BOOL), BOOL, lambda a, b: a and b),
        function("_||_", "logical_or", (BOOL, BOOL), BOOL, lambda a, b: a or b),
        function("!_", "logical_not", (BOOL,), BOOL, _not),
        function("@not_strictly_false", "not_strictly_false", (BOOL,), BOOL, lambda a: a is not False),
        function("_==_", "equals", (PARAM_A, PARAM_A), BOOL, equal, SHORTER),
        function("_!=_", "not_equals", (PARAM_A, PARAM_A), BOOL, lambda a, b: not equal(a, b), SHORTER),
        *_arithmetic(),
        *_order("_<_", "less", operator.lt),
        *_order("_<=_", "less_equals", operator.le),
        *_order("_>_", "greater", operator.gt),
        *_order("_>=_", "greater_equals", operator.ge),
        function("_[_]", "index_list", (LIST_OF_A, INT), PARAM_A, index_list),
        function("_[_]", "index_map", (MAP_OF_AB, PARAM_A), PARAM_B, index_map),
        function("_[_]", "optional_list_index_int", (_OPT_LIST, INT), OPTIONAL_OF_A, _index_optional),
        function("_[_]", "optional_map_index_value", (_OPT_MAP, PARAM_A), _OPT_B, _index_optional),
        function("_[?_]", "list_optindex_optional_int", (LIST_OF_A, INT), OPTIONAL_OF_A, optional_index),
        function("_[?_]", "optional_list_optindex_optional_int", (_OPT_LIST, INT), OPTIONAL_OF_A, optional_index),
        function("_[?_]", "map_optindex_optional_value", (MAP_OF_AB, PARAM_A), _OPT_B, optional_index),
        function("_[?_]", "optional_map_optindex_optional_value", (_OPT_MAP, PARAM_A), _OPT_B, optional_index),
        function("@in", "in_list", (PARAM_A, LIST_OF_A), BOOL, lambda a, b: contains(b, a), IN_LIST),
        function("@in", "in_map", (PARAM_A, MAP_OF_AB), BOOL, _in_map),
    ],
)
