"""JSONPath as kubectl and custom columns know it: members, indexes, slices, wildcards, descent and filters."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any

MAX_LENGTH = 10_000
"""Characters of a path."""
MAX_VISITED = 10_000
"""Values that one evaluation looks at, on all ways: a few steps can have more than there are atoms."""
_MAX_DEPTH = 16
"""Filters within filters."""


class JSONPathError(ValueError):
    """A path that is malformed."""


class _Exhausted(Exception):
    """More values than are looked at."""


class _Budget:
    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = MAX_VISITED

    def spend(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise _Exhausted


Step = Callable[[Any, _Budget], Iterable[Any]]

_NAME = re.compile(r"(?:[^.\[\](){}'\"\s\\]|\\.)+")
_INDEX = re.compile(r"-?[0-9]{1,18}")
_SLICE = re.compile(r"(-?[0-9]{1,18})?:(-?[0-9]{1,18})?(?::(-?[0-9]{1,18}))?")
_QUOTES = frozenset("'\"")
_QUOTED = re.compile(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"")
# Linear, as no character fits two neighbouring parts.
_FILTER = re.compile(r"([^!<>=]+)([!<>=]+)(.+)", re.DOTALL)
_NOTHING: Any = object()
_UNTERMINATED = "unterminated quoted string"
_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


class JSONPath:
    """A compiled path. `find` gives every value that it leads to, as far as the first `MAX_VISITED` values on the way lead;
    what is missing leads nowhere."""

    def __init__(self, text: str) -> None:
        """Raises JSONPathError."""
        if len(text) > MAX_LENGTH:
            raise JSONPathError(f"a path of more than {MAX_LENGTH} characters")
        self.text = text
        self._steps = list(_parse(text.strip(), 0))

    def find(self, value: Any) -> list[Any]:
        found: list[Any] = []
        with suppress(_Exhausted):
            found.extend(_walk(self._steps, value, _Budget()))
        return found

    def first(self, value: Any) -> Any:
        """The first value that the path leads to; None for none."""
        try:
            return next(_walk(self._steps, value, _Budget()), None)
        except _Exhausted:
            return None


def _walk(steps: Sequence[Step], value: Any, budget: _Budget) -> Iterator[Any]:
    """What the steps lead to, one after the other."""
    # What the steps so far have yet to give; without recursion, as there may be thousands of them.
    waiting = [iter((value,))]
    while waiting:
        below = next(waiting[-1], _NOTHING)
        if below is _NOTHING:
            waiting.pop()
            continue
        budget.spend()
        if len(waiting) > len(steps):
            yield below
        else:
            waiting.append(iter(steps[len(waiting) - 1](below, budget)))


def _parse(text: str, depth: int) -> Iterator[Step]:
    at = 0
    while at < len(text):
        if text.startswith("..", at):
            yield _descend
            at += 1
            if text.startswith(".[", at):
                at += 1
        elif text[at] == ".":
            at += 1
            if at < len(text) and text[at] == "*":
                yield _every
                at += 1
            elif at < len(text) and text[at] != "[":
                found = _NAME.match(text, at)
                if found is None:
                    raise JSONPathError(f"unrecognized character in path {text!r} at {at}")
                yield _member(re.sub(r"\\(.)", r"\1", found[0]))
                at = found.end()
        elif text[at] == "[":
            end = _closing(text, at)
            yield _bracket(text[at + 1 : end].strip(), depth)
            at = end + 1
        else:
            raise JSONPathError(f"unrecognized character in path {text!r} at {at}")


def _closing(text: str, start: int) -> int:
    depth, at = 0, start
    while at < len(text):
        if text[at] in _QUOTES:
            at = _after_quoted(text, at)
            continue
        if text[at] == "[":
            depth += 1
        elif text[at] == "]":
            depth -= 1
            if not depth:
                return at
        at += 1
    raise JSONPathError(f"unterminated array in path {text!r}")


def _after_quoted(text: str, at: int) -> int:
    quoted = _QUOTED.match(text, at)
    if quoted is None:
        raise JSONPathError(_UNTERMINATED)
    return quoted.end()


def _bracket(inner: str, depth: int) -> Step:
    if inner == "*":
        return _every
    if inner.startswith("?(") and inner.endswith(")"):
        if depth == _MAX_DEPTH:
            raise JSONPathError(f"more than {_MAX_DEPTH} filters within each other")
        return _filter(inner[2:-1], depth + 1)
    parts = _split(inner)
    if len(parts) > 1:
        steps = [_bracket(p, depth) for p in parts]
        return lambda value, budget: (found for step in steps for found in step(value, budget))
    quoted = _QUOTED.fullmatch(inner)
    if quoted is not None:
        return _member(re.sub(r"\\(.)", r"\1", quoted[1] if quoted[1] is not None else quoted[2]))
    if _INDEX.fullmatch(inner):
        return _index(int(inner))
    piece = _SLICE.fullmatch(inner)
    if piece is None:
        raise JSONPathError(f"invalid array index {inner}")
    low, high, stride = (None if p is None else int(p) for p in piece.groups())
    if stride is not None and stride <= 0:
        raise JSONPathError("step must be > 0")
    return lambda value, _: value[low:high:stride] if isinstance(value, list) else ()


def _split(inner: str) -> list[str]:
    parts, start, at = [], 0, 0
    while at < len(inner):
        if inner[at] in _QUOTES:
            at = _after_quoted(inner, at)
            continue
        if inner[at] == ",":
            parts.append(inner[start:at].strip())
            start = at + 1
        at += 1
    return [*parts, inner[start:].strip()]


def _member(name: str) -> Step:
    return lambda value, _: (value[name],) if isinstance(value, dict) and name in value else ()


def _index(index: int) -> Step:
    def step(value: Any, _: _Budget) -> Iterable[Any]:
        return (value[index],) if isinstance(value, list) and -len(value) <= index < len(value) else ()

    return step


def _every(value: Any, _: _Budget) -> Iterable[Any]:
    return _members(value)


def _members(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else ()


def _descend(value: Any, _: _Budget) -> Iterator[Any]:
    waiting = [value]
    while waiting:
        one = waiting.pop()
        yield one
        waiting += reversed(list(_members(one)))


def _filter(text: str, depth: int) -> Step:
    parts = _FILTER.fullmatch(text.strip())
    if parts is None:
        path = _operand(text.strip(), depth)
        return lambda value, budget: (v for v in _elements(value, budget) if path(v, budget) is not None)
    compare = _COMPARE.get(parts[2])
    if compare is None:
        raise JSONPathError(f"unrecognized filter operator {parts[2]}")
    left, right = _operand(parts[1].strip(), depth), _operand(parts[3].strip(), depth)

    def keeps(item: Any, budget: _Budget) -> bool:
        one, other = left(item, budget), right(item, budget)
        if one is None or isinstance(one, bool) is not isinstance(other, bool):
            return False
        if isinstance(one, str) is not isinstance(other, str):
            return False
        return bool(compare(one, other))

    return lambda value, budget: (v for v in _elements(value, budget) if keeps(v, budget))


def _elements(value: Any, budget: _Budget) -> Iterator[Any]:
    """Those of a list, paid for whether they are kept or not."""
    for element in value if isinstance(value, list) else ():
        budget.spend()
        yield element


def _operand(text: str, depth: int) -> Callable[[Any, _Budget], Any]:
    if text.startswith("@"):
        steps = list(_parse(text[1:], depth))
        return lambda value, budget: next(_walk(steps, value, budget), None)
    quoted = _QUOTED.fullmatch(text)
    constant: Any
    if quoted is not None:
        constant = re.sub(r"\\(.)", r"\1", quoted[1] if quoted[1] is not None else quoted[2])
    elif text in ("true", "false"):
        constant = text == "true"
    else:
        try:
            constant = float(text) if "." in text else int(text)
        except ValueError as error:
            raise JSONPathError(f"unrecognized operand {text[:40]!r} in a filter") from error
    return lambda _, __: constant
