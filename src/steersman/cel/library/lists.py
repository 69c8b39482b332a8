"""List functions: Kubernetes' own and the extended ones, with the sets library."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cmp_to_key, reduce
from typing import Any

from steersman.cel.costs import EACH_ITEM, ONE, Cost, Operand, Range, allocated, deep_size, elements, fixed
from steersman.cel.equality import compare, contains, equal
from steersman.cel.errors import NO_OVERLOAD, CostLimitExceeded, EvalError
from steersman.cel.functions import Library, Overload, function, method
from steersman.cel.library.operators import checked_duration, checked_int, checked_uint
from steersman.cel.types import (
    BOOL,
    BYTES,
    DOUBLE,
    DURATION,
    DYN,
    INT,
    LIST_OF_A,
    PARAM_A,
    STRING,
    TIMESTAMP,
    UINT,
    Type,
    list_of,
)
from steersman.cel.values import LIST_TYPES, Duration, Uint, Value

_COMPARABLE = (INT, UINT, DOUBLE, BOOL, DURATION, TIMESTAMP, STRING, BYTES)
_SUMMABLE = (INT, UINT, DOUBLE, DURATION)
_ZEROS: dict[str, Callable[[], Value]] = {
    "int": int,
    "uint": lambda: Uint(0),
    "double": float,
    "duration": lambda: Duration(0),
}
_ADDERS: dict[type, Callable[[Any, Any], Value]] = {
    int: lambda a, b: checked_int(a + b),
    Uint: lambda a, b: checked_uint(a + b),
    float: lambda a, b: a + b,
    Duration: lambda a, b: checked_duration(a.nanos + b.nanos),
}
_MAX_ITEMS = 1_000_000


def _is_sorted(items: list[Value]) -> bool:
    return all(compare(items[at], items[at + 1]) <= 0 for at in range(len(items) - 1))


def _sum(kind: str) -> Callable[[list[Value]], Value]:
    def run(items: list[Value]) -> Value:
        if not items:
            return _ZEROS[kind]()
        adder = _ADDERS.get(type(items[0]))
        if adder is None or any(type(item) is not type(items[0]) for item in items):
            raise EvalError(NO_OVERLOAD)
        return reduce(adder, items)

    return run


def _extreme(name: str, sign: int) -> Callable[[list[Value]], Value]:
    def run(items: list[Value]) -> Value:
        if not items:
            raise EvalError(f"{name} called on empty list")
        best = items[0]
        for item in items[1:]:
            if compare(item, best) == sign:
                best = item
        return best

    return run


def _index_of(items: list[Value], wanted: Value) -> int:
    return next((at for at, item in enumerate(items) if equal(item, wanted)), -1)


def _last_index_of(items: list[Value], wanted: Value) -> int:
    return next((at for at in reversed(range(len(items))) if equal(items[at], wanted)), -1)


def _includes(target: Value, wanted: Value) -> bool:
    return contains(target, wanted) if type(target) in LIST_TYPES else equal(target, wanted)


def _slice(items: list[Value], start: int, end: int) -> list[Value]:
    if start < 0 or end < 0:
        raise EvalError(f"cannot slice({start}, {end}), negative indexes not supported")
    if start > end:
        raise EvalError(f"cannot slice({start}, {end}), start index must be less than or equal to end index")
    if len(items) < end:
        raise EvalError(f"cannot slice({start}, {end}), list is length {len(items)}")
    return items[start:end]


def _flatten(items: list[Value], depth: int = 1) -> list[Value]:
    if depth < 0:
        raise EvalError("level must be non-negative")
    made = list(items)
    for _ in range(min(depth, 250)):
        if not any(type(item) in LIST_TYPES for item in made):
            break
        wider: list[Value] = []
        for item in made:
            wider.extend(item if type(item) in LIST_TYPES else (item,))
            if len(wider) > _MAX_ITEMS:
                raise CostLimitExceeded
        made = wider
    return made


def _sort(items: list[Value]) -> list[Value]:
    return _sort_by_keys(items, items)


def _sort_by_keys(items: list[Value], keys: list[Value]) -> list[Value]:
    if len(items) != len(keys):
        raise EvalError("list of keys has another length than the list")
    if len({type(key) for key in keys}) > 1:
        raise EvalError("list elements must have the same type")
    if len(keys) == 1:
        compare(keys[0], keys[0])
    order = cmp_to_key(compare)
    ranked = sorted(zip(keys, items, strict=True), key=lambda pair: order(pair[0]))
    return [item for _, item in ranked]


def _range(count: int) -> list[int]:
    return list(range(count))


def _distinct(items: list[Value]) -> list[Value]:
    made: list[Value] = []
    for item in items:
        if not contains(made, item):
            made.append(item)
    return made


def _pairs(args: Sequence[Value]) -> int:
    return len(args[0]) * len(args[1])


def _sets_cost(factor: int) -> Cost:
    return Cost(
        lambda args: _pairs(args) * factor + 1,
        lambda args: (args[0].size.times(args[1].size).by(factor).plus(ONE), None),
        lambda args: elements(args[0]) * len(args[1]) * factor,
    )


def _sets_contains(items: list[Value], part: list[Value]) -> bool:
    return all(contains(items, item) for item in part)


def _sets_equivalent(a: list[Value], b: list[Value]) -> bool:
    return _sets_contains(a, b) and _sets_contains(b, a)


def _sets_intersects(a: list[Value], b: list[Value]) -> bool:
    return any(contains(b, item) for item in a)


def _literal(args: Sequence[Operand], at: int, otherwise: int) -> int:
    value = args[at].literal if len(args) > at else None
    return value if type(value) is int and value >= 0 else otherwise


def _self_compared(index: int) -> Cost:
    """The cost of comparing each item with each other."""

    def charge(args: Sequence[Value]) -> int:
        items = args[index]
        factor = 2.1 if items and type(items[0]) in (str, bytes) else 2.0
        return int(len(items) * len(items) * factor) + 11

    def estimate(args: Sequence[Operand]) -> tuple[Range, Range | None]:
        size = args[index].size.times(args[index].size)
        return size.by(2.0).plus(fixed(11)), size

    return Cost(charge, estimate, lambda args: elements(args[index]) * len(args[index]) // 2)


_SLICE = allocated(
    lambda args: max(args[2] - args[1], 0),
    lambda args: fixed(max(_literal(args, 2, args[0].size.high) - _literal(args, 1, 0), 0)),
)
_FLATTEN = Cost(
    lambda args: max(len(args[0]) * min(args[1] if len(args) > 1 else 1, 1000), 0) + 11,
    lambda args: (args[0].size.by(_literal(args, 1, 2**63) if len(args) > 1 else 1).plus(fixed(11)), args[0].size),
    lambda args: sum(len(item) for item in args[0] if type(item) in LIST_TYPES),
)
_RANGE = allocated(lambda args: max(args[0], 0), lambda args: fixed(_literal(args, 0, 2**64 - 1)))
_REVERSE = allocated(lambda args: len(args[0]), lambda args: args[0].size)


def _by_type() -> list[Overload]:
    found: list[Overload] = []

    def add(name: str, of: Type, result: Type, run: Callable[..., Any]) -> None:
        found.append(method(name, f"list_{of.kind}_{name}", (list_of(of),), result, run, EACH_ITEM))

    for t in _COMPARABLE:
        add("isSorted", t, BOOL, _is_sorted)
        add("min", t, t, _extreme("min", -1))
        add("max", t, t, _extreme("max", 1))
    for t in _SUMMABLE:
        add("sum", t, t, _sum(t.kind))
    return found


LIBRARY = Library(
    "kubernetes.lists",
    [
        *_by_type(),
        method("indexOf", "list_a_index_of_int", (LIST_OF_A, PARAM_A), INT, _index_of, EACH_ITEM),
        method("lastIndexOf", "list_a_last_index_of_int", (LIST_OF_A, PARAM_A), INT, _last_index_of, EACH_ITEM),
        method(
            "includes",
            "list_includes_dyn_dyn",
            (DYN, DYN),
            BOOL,
            _includes,
            Cost(lambda args: max(deep_size(args[0]), deep_size(args[1])), EACH_ITEM.estimate),
        ),
    ],
)
EXTENDED = Library(
    "lists",
    [
        method("slice", "list_slice", (LIST_OF_A, INT, INT), LIST_OF_A, _slice, _SLICE),
        method("flatten", "list_flatten", (list_of(LIST_OF_A),), LIST_OF_A, _flatten, _FLATTEN),
        method("flatten", "list_flatten_int", (list_of(DYN), INT), list_of(DYN), _flatten, _FLATTEN),
        *(
            method("sort", f"list_{t.kind}_sort", (list_of(t),), list_of(t), _sort, _self_compared(0))
            for t in _COMPARABLE
        ),
        *(
            method(
                "@sortByAssociatedKeys",
                f"list_{t.kind}_sortByAssociatedKeys",
                (LIST_OF_A, list_of(t)),
                LIST_OF_A,
                _sort_by_keys,
                _self_compared(1),
            )
            for t in _COMPARABLE
        ),
        function("lists.range", "lists_range", (INT,), list_of(INT), _range, _RANGE),
        method("reverse", "list_reverse", (LIST_OF_A,), LIST_OF_A, lambda items: items[::-1], _REVERSE),
        method("distinct", "list_distinct", (LIST_OF_A,), LIST_OF_A, _distinct, _self_compared(0)),
    ],
)
SETS = Library(
    "sets",
    [
        function(
            "sets.contains", "list_sets_contains_list", (LIST_OF_A, LIST_OF_A), BOOL, _sets_contains, _sets_cost(1)
        ),
        function(
            "sets.equivalent",
            "list_sets_equivalent_list",
            (LIST_OF_A, LIST_OF_A),
            BOOL,
            _sets_equivalent,
            _sets_cost(2),
        ),
        function(
            "sets.intersects",
            "list_sets_intersects_list",
            (LIST_OF_A, LIST_OF_A),
            BOOL,
            _sets_intersects,
            _sets_cost(1),
        ),
    ],
)
