"""What is well typed and yet refused: literals that cannot be parsed, and aggregates of several types."""

from __future__ import annotations

from steersman.cel.checker import Checker
from steersman.cel.errors import EvalError, Issue
from steersman.cel.functions import choose
from steersman.cel.library.regex import compiled
from steersman.cel.syntax import ListLiteral, Literal, MapLiteral
from steersman.cel.types import Type, unwrap_optional

_CHECKED = frozenset(["duration", "timestamp", "matches"])


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
        arg = call.args[-1] if call.function in _CHECKED and call.args else None
        if not isinstance(arg, Literal):
            continue
        try:
            if call.function == "matches":
                compiled(str(arg.value))
            else:
                choose(call.overloads, (arg.value,)).run(arg.value)
        except EvalError:
            found.append(Issue(arg.offset, f"invalid {call.function} argument"))
    return found


def unusable_pattern(checker: Checker) -> EvalError | None:
    """What is wrong with a regular expression that a call of find or findAll is given literally."""
    for call in checker.calls:
        if call.function not in ("find", "findAll") or not isinstance(call.args[1], Literal):
            continue
        try:
            compiled(str(call.args[1].value))
        except EvalError as err:
            return err
    return None


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
