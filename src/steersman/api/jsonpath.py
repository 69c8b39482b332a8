"""JSONPath as kubectl and custom columns know it: members, indexes, slices, wildcards, descent and filters."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

Step = Callable[[Any], Iterable[Any]]


class JSONPathError(ValueError):
    """A path that is malformed."""


_NAME = re.compile(r"(?:[^.\[\](){}'\"\s\\]|\\.)+")
_SLICE = re.compile(r"(-?\d+)?:(-?\d+)?(?::(-?\d+))?")
_QUOTED = re.compile(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"")
_FILTER = re.compile(r"(.+?)\s*(==|!=|<=|>=|<|>)\s*(.+)", re.DOTALL)
_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


class JSONPath:
    """A compiled path. `find` gives every value that it leads to; what is missing leads nowhere."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._steps = list(_parse(text.strip()))

    def find(self, value: Any) -> list[Any]:
        found = [value]
        for step in self._steps:
            found = [below for one in found for below in step(one)]
        return found

    def first(self, value: Any) -> Any:
        """The first value that the path leads to; None for none."""
        found = self.find(value)
        return found[0] if found else None


def _parse(text: str) -> Iterator[Step]:
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
            yield _bracket(text[at + 1 : end].strip())
            at = end + 1
        else:
            raise JSONPathError(f"unrecognized character in path {text!r} at {at}")


def _closing(text: str, start: int) -> int:
    depth, at = 0, start
    while at < len(text):
        quoted = _QUOTED.match(text, at)
        if quoted is not None:
            at = quoted.end()
            continue
        if text[at] == "[":
            depth += 1
        elif text[at] == "]":
            depth -= 1
            if not depth:
                return at
        at += 1
    raise JSONPathError(f"unterminated array in path {text!r}")


def _bracket(inner: str) -> Step:
    if inner == "*":
        return _every
    if inner.startswith("?(") and inner.endswith(")"):
        return _filter(inner[2:-1])
    parts = _split(inner)
    if len(parts) > 1:
        steps = [_bracket(p) for p in parts]
        return lambda value: [found for step in steps for found in step(value)]
    quoted = _QUOTED.fullmatch(inner)
    if quoted is not None:
        return _member(re.sub(r"\\(.)", r"\1", quoted[1] if quoted[1] is not None else quoted[2]))
    if re.fullmatch(r"-?\d+", inner):
        return _index(int(inner))
    piece = _SLICE.fullmatch(inner)
    if piece is None:
        raise JSONPathError(f"invalid array index {inner}")
    low, high, stride = (None if p is None else int(p) for p in piece.groups())
    if stride is not None and stride <= 0:
        raise JSONPathError("step must be > 0")
    return lambda value: value[low:high:stride] if isinstance(value, list) else ()


def _split(inner: str) -> list[str]:
    parts, start, at = [], 0, 0
    while at < len(inner):
        quoted = _QUOTED.match(inner, at)
        if quoted is not None:
            at = quoted.end()
            continue
        if inner[at] == ",":
            parts.append(inner[start:at].strip())
            start = at + 1
        at += 1
    return [*parts, inner[start:].strip()]


def _member(name: str) -> Step:
    return lambda value: (value[name],) if isinstance(value, dict) and name in value else ()


def _index(index: int) -> Step:
    def step(value: Any) -> Iterable[Any]:
        return (value[index],) if isinstance(value, list) and -len(value) <= index < len(value) else ()

    return step


def _every(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else ()


def _descend(value: Any) -> Iterator[Any]:
    waiting = [value]
    while waiting:
        one = waiting.pop()
        yield one
        waiting += reversed(list(_every(one)))


def _filter(text: str) -> Step:
    parts = _FILTER.fullmatch(text.strip())
    if parts is None:
        path = _operand(text.strip())
        return lambda value: [v for v in value if path(v) is not None] if isinstance(value, list) else ()
    left, compare, right = _operand(parts[1].strip()), _COMPARE[parts[2]], _operand(parts[3].strip())

    def keeps(item: Any) -> bool:
        one, other = left(item), right(item)
        if one is None or isinstance(one, bool) is not isinstance(other, bool):
            return False
        if isinstance(one, str) is not isinstance(other, str):
            return False
        return bool(compare(one, other))

    return lambda value: [v for v in value if keeps(v)] if isinstance(value, list) else ()


def _operand(text: str) -> Callable[[Any], Any]:
    if text.startswith("@"):
        path = JSONPath(text[1:])
        return path.first
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
            raise JSONPathError(f"unrecognized operand {text!r} in a filter") from error
    return lambda _: constant
