"""Label selectors: the query syntax (`app=web,tier in (a,b),!old`), LabelSelector objects, and matching."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from steersman.api import field, names
from steersman.api.memo import short

Labels = Mapping[str, str]

IN, NOT_IN, EXISTS, DOES_NOT_EXIST = "in", "notin", "exists", "!"
EQUALS, DOUBLE_EQUALS, NOT_EQUALS, GREATER, LESS = "=", "==", "!=", "gt", "lt"

_BINARY = (IN, NOT_IN, EQUALS, DOUBLE_EQUALS, NOT_EQUALS, GREATER, LESS)
_SIGN = {EQUALS: "=", DOUBLE_EQUALS: "==", NOT_EQUALS: "!=", IN: " in ", NOT_IN: " notin ", GREATER: ">", LESS: "<"}
OBJECT_OPERATORS = {"In": IN, "NotIn": NOT_IN, "Exists": EXISTS, "DoesNotExist": DOES_NOT_EXIST}
"""How LabelSelectors and their like spell operators."""
_INTEGER = re.compile(r"[+-]?[0-9]+", re.ASCII)


class SelectorError(ValueError):
    """A selector that does not parse or has a bad key, operator or value."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """One condition on one key. Made by `requirement`, which checks it."""

    key: str
    operator: str
    values: tuple[str, ...] = ()

    def matches(self, labels: Labels) -> bool:
        value = labels.get(self.key)
        match self.operator:
            case "in" | "=" | "==":
                return value is not None and value in self.values
            case "notin" | "!=":
                return value is None or value not in self.values
            case "exists":
                return value is not None
            case "!":
                return value is None
            case _:
                if value is None or not _INTEGER.fullmatch(value):
                    return False
                bound = int(self.values[0])
                return int(value) > bound if self.operator == GREATER else int(value) < bound

    def __str__(self) -> str:
        if self.operator == EXISTS:
            return self.key
        if self.operator == DOES_NOT_EXIST:
            return f"!{self.key}"
        values = ",".join(sorted(self.values))
        if self.operator in (IN, NOT_IN):
            values = f"({values})"
        return f"{self.key}{_SIGN[self.operator]}{values}"


class Selector:
    """All of a list of requirements. Immutable; `str()` gives the query syntax back, sorted by key."""

    __slots__ = ("_exact", "_impossible", "_others", "requirements")

    def __init__(self, requirements: Iterable[Requirement] = (), *, impossible: bool = False) -> None:
        self.requirements = tuple(sorted(requirements, key=lambda r: r.key))
        self._impossible = impossible
        # Most selectors are a few equalities: those are compared without a call per requirement.
        self._exact = tuple((r.key, r.values[0]) for r in self.requirements if _is_exact(r))
        self._others = tuple(r for r in self.requirements if not _is_exact(r))

    @staticmethod
    def everything() -> Selector:
        return _EVERYTHING

    @staticmethod
    def nothing() -> Selector:
        return _NOTHING

    @staticmethod
    def of(labels: Labels | None) -> Selector:
        """The selector of exactly these labels; every object for None or {}."""
        return Selector(Requirement(k, EQUALS, (v,)) for k, v in labels.items()) if labels else _EVERYTHING

    @property
    def empty(self) -> bool:
        """Whether it restricts nothing."""
        return not self.requirements and not self._impossible

    def matches(self, labels: Labels | None) -> bool:
        if self._impossible:
            return False
        have = labels or {}
        for key, value in self._exact:
            if have.get(key) != value:
                return False
        return all(r.matches(have) for r in self._others)

    def __str__(self) -> str:
        return ",".join(map(str, self.requirements))

    def __repr__(self) -> str:
        return "Selector.nothing()" if self._impossible else f"Selector({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Selector):
            return NotImplemented
        return self.requirements == other.requirements and self._impossible == other._impossible

    def __hash__(self) -> int:
        return hash((self.requirements, self._impossible))


_EVERYTHING = Selector()
_NOTHING = Selector(impossible=True)


def _is_exact(r: Requirement) -> bool:
    return r.operator in (EQUALS, DOUBLE_EQUALS, IN) and len(r.values) == 1


def requirement(key: str, operator: str, values: Sequence[str] = ()) -> Requirement:
    """A checked requirement; SelectorError names every fault."""
    errors = field.all_invalid_joined(field.Path("key"), key, names.qualified_name(key))
    errors += _check_values(operator, values)
    path = field.Path("values")
    for i, value in enumerate(values):
        errors += field.all_invalid_joined(path.index(i).key(key), value, names.label_value(value))
    if errors:
        raise SelectorError(field.aggregate(errors))
    return Requirement(key, operator, tuple(values))


def _check_values(operator: str, values: Sequence[str]) -> field.Errors:
    path, shown = field.Path("values"), list(values)
    if operator in (IN, NOT_IN):
        if not values:
            return [field.invalid(path, shown, "for 'in', 'notin' operators, values set can't be empty")]
    elif operator in (EQUALS, DOUBLE_EQUALS, NOT_EQUALS):
        if len(values) != 1:
            return [field.invalid(path, shown, "exact-match compatibility requires one single value")]
    elif operator in (EXISTS, DOES_NOT_EXIST):
        if values:
            return [field.invalid(path, shown, "values set must be empty for exists and does not exist")]
    elif operator in (GREATER, LESS):
        errors: field.Errors = []
        if len(values) != 1:
            errors.append(field.invalid(path, shown, "for 'Gt', 'Lt' operators, exactly one value is required"))
        detail = "for 'Gt', 'Lt' operators, the value must be an integer"
        bad = ((i, v) for i, v in enumerate(values) if not _INTEGER.fullmatch(v))
        return errors + [field.invalid(path.index(i), v, detail) for i, v in bad]
    else:
        return [field.not_supported(field.Path("operator"), operator, (*_BINARY, EXISTS, DOES_NOT_EXIST))]
    return []


def from_object(selector: Any) -> Selector:
    """The selector of a LabelSelector, as a Struct or a dict: None selects nothing, an empty one everything.

    Raises SelectorError for an unknown operator or a malformed key or value.
    """
    if selector is None:
        return _NOTHING
    labels: Labels = _member(selector, "matchLabels") or {}
    requirements = [requirement(k, EQUALS, (v,)) for k, v in labels.items()]
    for expression in _member(selector, "matchExpressions") or ():
        operator = str(_member(expression, "operator") or "")
        if operator not in OBJECT_OPERATORS:
            raise SelectorError(f'"{operator}" is not a valid label selector operator')
        values = _member(expression, "values") or ()
        key = str(_member(expression, "key") or "")
        requirements.append(requirement(key, OBJECT_OPERATORS[operator], values))
    return Selector(requirements) if requirements else _EVERYTHING


def _member(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, Mapping) else getattr(value, name, None)


@short(512, 1024)
def parse(text: str) -> Selector:
    """The selector of a query (`labelSelector=`); an empty text selects everything. Raises SelectorError."""
    return _Parser(text).parse()


# Tokens are (kind, literal); for symbols and keywords the kind is the literal itself.
_END, _NAME = "end", "name"
_KEYWORDS = {"in", "notin"}
_SPACE = " \t\r\n"
_SPECIAL = "=!(),><"
_SYMBOLS = ("==", "!=", "=", "!", "(", ")", ",", ">", "<")
_OPERATOR_OF = {"in": IN, "notin": NOT_IN, "=": EQUALS, "==": DOUBLE_EQUALS, "!=": NOT_EQUALS, ">": GREATER, "<": LESS}


def _tokens(text: str) -> list[tuple[str, str]]:
    out: list[tuple[str, str]] = []
    at = 0
    while at < len(text):
        if text[at] in _SPACE:
            at += 1
            continue
        if text[at] in _SPECIAL:
            symbol = next(s for s in _SYMBOLS if text.startswith(s, at))
            out.append((symbol, symbol))
            at += len(symbol)
            continue
        start = at
        while at < len(text) and text[at] not in _SPACE and text[at] not in _SPECIAL:
            at += 1
        word = text[start:at]
        out.append((word if word in _KEYWORDS else _NAME, word))
    out.append((_END, ""))
    return out


class _Parser:
    """Recursive descent over the tokens; `in` and `notin` are keywords only where an operator may stand."""

    def __init__(self, text: str) -> None:
        self._items = _tokens(text)
        self._at = 0

    def _peek(self) -> tuple[str, str]:
        kind, literal = self._items[self._at]
        return (_NAME if kind in _KEYWORDS else kind), literal

    def _next(self) -> tuple[str, str]:
        item = self._peek()
        self._at = min(self._at + 1, len(self._items) - 1)
        return item

    def parse(self) -> Selector:
        out: list[Requirement] = []
        while True:
            kind, literal = self._peek()
            if kind == _END:
                return Selector(out) if out else _EVERYTHING
            if kind not in (_NAME, "!"):
                raise SelectorError(f"found '{literal}', expected: !, identifier, or 'end of string'")
            try:
                out.append(self._requirement())
            except SelectorError as e:
                raise SelectorError(f"unable to parse requirement: {e}") from e
            kind, literal = self._next()
            if kind == _END:
                return Selector(out)
            if kind != ",":
                raise SelectorError(f"found '{literal}', expected: ',' or 'end of string'")
            kind, literal = self._peek()
            if kind not in (_NAME, "!"):
                raise SelectorError(f"found '{literal}', expected: identifier after ','")

    def _requirement(self) -> Requirement:
        kind, key = self._next()
        negated = kind == "!"
        if negated:
            kind, key = self._next()
        if kind != _NAME:
            raise SelectorError(f"found '{key}', expected: identifier")
        errors = field.all_invalid_joined(field.Path(), key, names.qualified_name(key))
        if errors:
            raise SelectorError(str(errors[0]))
        if negated or self._peek()[0] in (_END, ","):
            return requirement(key, DOES_NOT_EXIST if negated else EXISTS)
        operator = self._operator()
        values = self._values() if operator in (IN, NOT_IN) else [self._exact_value()]
        return requirement(key, operator, sorted(set(values)))

    def _operator(self) -> str:
        kind, literal = self._items[self._at]
        self._next()
        operator = _OPERATOR_OF.get(kind)
        if operator is None:
            raise SelectorError(f"found '{literal}', expected: {', '.join(_BINARY)}")
        return operator

    def _values(self) -> list[str]:
        kind, literal = self._next()
        if kind != "(":
            raise SelectorError(f"found '{literal}' expected: '('")
        out: list[str] = []
        kind, literal = self._peek()
        if kind not in (_NAME, ",", ")"):
            raise SelectorError(f"found '{literal}', expected: ',', ')' or identifier")
        while True:
            kind, literal = self._next()
            if kind == ")":
                # A comma or parenthesis without a name before it stands for the empty value.
                return [*out, ""]
            if kind == ",":
                out.append("")
                continue
            if kind != _NAME:
                raise SelectorError(f"found '{literal}', expected: ',', or identifier")
            out.append(literal)
            kind, literal = self._next()
            if kind == ")":
                return out
            if kind != ",":
                raise SelectorError(f"found '{literal}', expected: ',' or ')'")

    def _exact_value(self) -> str:
        if self._peek()[0] in (_END, ","):
            return ""
        kind, literal = self._next()
        if kind != _NAME:
            raise SelectorError(f"found '{literal}', expected: identifier")
        return literal
