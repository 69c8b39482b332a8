"""The price of calls: what one costs with given values, and between which bounds it lies for values of known sizes.

A unit is about the price of one comparison. The rules and factors are the API's own, so that a rule which Kubernetes
accepts or stops is accepted or stopped here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from steersman.cel.types import Type
from steersman.cel.values import LIST_TYPES, Optional, Value, entries, is_map, size_of

TRAVERSAL = 0.1
"""Units for each character or byte that is looked at."""
REGEX = 0.25
"""Units for each character of a regular expression."""
LIST, MAP, OBJECT = 10, 30, 40
"""Units for making a list, a map or an object."""
LIMIT = 2**64 - 1


class Range(NamedTuple):
    """Bounds of a size or a cost; what would be larger stays at the largest 64-bit number."""

    low: int
    high: int

    def plus(self, other: Range) -> Range:
        return Range(min(self.low + other.low, LIMIT), min(self.high + other.high, LIMIT))

    def times(self, other: Range) -> Range:
        return Range(min(self.low * other.low, LIMIT), min(self.high * other.high, LIMIT))

    def by(self, factor: float) -> Range:
        """Multiplied and rounded up."""
        return Range(_scaled(self.low, factor), _scaled(self.high, factor))

    def union(self, other: Range) -> Range:
        return Range(min(self.low, other.low), max(self.high, other.high))


def _scaled(amount: int, factor: float) -> int:
    return min(math.ceil(amount * factor), LIMIT)


def fixed(amount: int) -> Range:
    return Range(amount, amount)


UNKNOWN = Range(0, LIMIT)
ONE = fixed(1)


@dataclass(frozen=True, slots=True)
class Operand:
    """What is known of an argument before any value is: its type, its size, its items' size, and a literal's value."""

    type: Type
    size: Range
    item_size: Range | None = None
    literal: Value = None


Charge = Callable[[Sequence[Value]], int]
Estimate = Callable[[Sequence[Operand]], tuple[Range, Range | None]]
"""The bounds of a call's own cost, and of the size of its result where that is known."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a call is charged, its bounds, and the work it is beside that (see `frame`), in elements looked at."""

    charge: Charge
    estimate: Estimate
    work: Charge | None = None


_SCALARS = frozenset([int, bool, float, type(None), Optional])
_ONCE: Cost = Cost(lambda args: 1, lambda args: (ONE, None))


def laborious(work: int | Charge, cost: Cost = _ONCE) -> Cost:
    """A cost with the work of a call, where that is far more than its cost says."""
    return Cost(cost.charge, cost.estimate, work if callable(work) else lambda args: work)


def traverse(index: int = 0, factor: float = TRAVERSAL, *, same_size: bool = False) -> Cost:
    """The cost of looking at each character of one argument; `same_size` when the result is no longer than it."""

    def estimate(args: Sequence[Operand]) -> tuple[Range, Range | None]:
        size = args[index].size
        return size.by(factor), size if same_size else None

    return Cost(lambda args: math.ceil(size_of(args[index]) * factor), estimate)


def _shorter(args: Sequence[Operand]) -> tuple[Range, Range | None]:
    most = min(args[0].size.high, args[1].size.high)
    return Range(1 if most else 0, most).by(TRAVERSAL), None


SHORTER = Cost(lambda args: math.ceil(min(size_of(args[0]), size_of(args[1])) * TRAVERSAL), _shorter)
"""The cost of a comparison that ends with the shorter of two values."""


def _both(args: Sequence[Operand]) -> tuple[Range, Range | None]:
    size = args[0].size.plus(args[1].size)
    return size.by(TRAVERSAL), size


BOTH = Cost(lambda args: math.ceil((len(args[0]) + len(args[1])) * TRAVERSAL), _both)
"""The cost of writing two strings one after the other."""

LIST_CONCAT = Cost(lambda args: 1, lambda args: (ONE, args[0].size.plus(args[1].size)))

CONTAINS = Cost(
    lambda args: math.ceil(len(args[0]) * TRAVERSAL) * math.ceil(len(args[1]) * TRAVERSAL),
    lambda args: (args[0].size.by(TRAVERSAL).times(args[1].size.by(TRAVERSAL)), None),
)


def _pattern_charge(args: Sequence[Value]) -> int:
    return math.ceil((1 + len(args[0])) * TRAVERSAL) * math.ceil(len(args[1]) * REGEX)


def _pattern_bounds(args: Sequence[Operand]) -> Range:
    return args[0].size.plus(ONE).by(TRAVERSAL).times(args[1].size.by(REGEX))


MATCH = Cost(_pattern_charge, lambda args: (_pattern_bounds(args), None))
FIND = Cost(_pattern_charge, lambda args: (_pattern_bounds(args), Range(0, args[0].size.high)))

IN_LIST = Cost(lambda args: size_of(args[1]), lambda args: (args[1].size, None))


_MAX_VISITS = 1_000_000
"""Values looked at before a value is taken to be too large: one list may be in another a thousand times."""


def deep_size(value: Value) -> int:
    """Units for looking at everything in a value."""
    return _walk(value, lambda text: int(len(text) * TRAVERSAL), 0)


def elements(value: Value) -> int:
    """How many values there are in a value, itself included, with a long text counting as several."""
    return _walk(value, lambda text: 1 + len(text) // 64, 1)


def _walk(value: Value, of_text: Callable[[str | bytes], int], of_container: int) -> int:
    total, visits = 0, 0
    waiting = [value]
    while waiting:
        current = waiting.pop()
        visits += 1
        if visits > _MAX_VISITS:
            return LIMIT
        kind = type(current)
        if kind is str or kind is bytes:
            total += of_text(current)
        elif kind in LIST_TYPES:
            total += of_container
            waiting.extend(current)
        elif kind in _SCALARS or not is_map(current):
            total += 1
        else:
            total += of_container
            held = entries(current)
            waiting.extend(held)
            waiting.extend(held.values())
    return total


def _each_item(args: Sequence[Operand]) -> tuple[Range, Range | None]:
    target = args[0]
    if target.item_size is None:
        return target.size.by(TRAVERSAL), None
    item = target.type.params[0].kind if target.type.params else ""
    each = ONE.plus(target.item_size.by(TRAVERSAL)) if item in ("string", "bytes") else ONE
    return target.size.times(each), None


EACH_ITEM = Cost(lambda args: deep_size(args[0]), _each_item)
"""The cost of comparing each item of a list, or of searching a string."""


def allocated(size: Callable[[Sequence[Value]], int], bounds: Callable[[Sequence[Operand]], Range]) -> Cost:
    """The cost of a call that makes a list of a size."""
    return Cost(
        lambda args: size(args) + 1 + LIST,
        lambda args: (bounds(args).plus(fixed(1 + LIST)), bounds(args)),
    )
