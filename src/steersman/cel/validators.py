"""What is well typed and yet refused: literals that cannot be parsed, and aggregates of several types."""

from __future__ import annotations

from collections.abc import Callable

from steersman.cel.checker import Checker
from steersman.cel.errors import EvalError, Issue
from steersman.cel.library.conversion import parse_duration, parse_time
from steersman.cel.library.regex import compiled
from steersman.cel.syntax import ListLiteral, Literal, MapLiteral
from steersman.cel.types import Type, unwrap_optional

_PARSERS: dict[str, Callable[[str], object]] = {
    "duration": parse_duration,
    "timestamp": parse_time,
    "matches": compiled,
}


def findings(checker: Checker, *, homogeneous: bool) -> list[Issue]:
    """The issues of a checked tree."""
    found = _bad_literals(checker)
    if homogeneous:
        for node in checker.aggregates:
            found += _mixed_list(node) if isinstance(node, ListLiteral) else _mixed_map(node)
    return found


def _bad_literals(checker: Checker) -> list[Issue]:
    found: list[Issue] = []
    for call in checker.calls:
        parse = _PARSERS.get(call.function)
        arg = call.args[-1] if parse is not None and call.args else None
        if parse is None or not isinstance(arg, Literal) or not isinstance(arg.value, str):
            continue
        try:
            parse(arg.value)
        except EvalError:
            found.append(Issue(arg.offset, f"invalid {call.function} argument"))
    return found


def _mismatch(offset: int, expected: Type, found: Type) -> Issue:
    return Issue(offset, f"expected type '{expected}' but found '{found}'")


def _mixed_list(node: ListLiteral) -> list[Issue]:
    first: Type | None = None
    for at, element in enumerate(node.elements):
        found = unwrap_optional(element.type) if at in node.optional else element.type
        first = first or found
        if found != first:
            return [_mismatch(element.offset, first, found)]
    return []


def _mixed_map(node: MapLiteral) -> list[Issue]:
    issues: list[Issue] = []
    first: tuple[Type, Type] | None = None
    for entry in node.entries:
        value = unwrap_optional(entry.value.type) if entry.optional else entry.value.type
        first = first or (entry.key.type, value)
        if entry.key.type != first[0]:
            issues.append(_mismatch(entry.key.offset, first[0], entry.key.type))
        if value != first[1]:
            issues.append(_mismatch(entry.value.offset, first[1], value))
    return issues
