"""Field selectors: the query syntax (`metadata.name=x,spec.nodeName!=y`) and matching on an object's selectable fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from steersman.api.memo import short


class FieldSelectorError(ValueError):
    """A field selector that does not parse."""


@dataclass(frozen=True, slots=True)
class Term:
    """One condition: the field has (or, negated, has not) the value."""

    field: str
    value: str
    negated: bool = False

    def __str__(self) -> str:
        return f"{self.field}{'!=' if self.negated else '='}{escape(self.value)}"


@dataclass(frozen=True, slots=True)
class FieldSelector:
    """All of a list of terms. A field that an object lacks has the value ""."""

    terms: tuple[Term, ...] = ()

    @staticmethod
    def everything() -> FieldSelector:
        return _EVERYTHING

    @staticmethod
    def of(fields: Mapping[str, str]) -> FieldSelector:
        return FieldSelector(tuple(Term(k, v) for k, v in sorted(fields.items())))

    @property
    def empty(self) -> bool:
        return not self.terms

    @property
    def fields(self) -> list[str]:
        """The names of all fields asked for, for the check whether they can be selected."""
        return [t.field for t in self.terms]

    def matches(self, fields: Mapping[str, str]) -> bool:
        return all((fields.get(t.field, "") == t.value) is not t.negated for t in self.terms)

    def requires(self, field: str) -> str | None:
        """The one value that the field must have, or None when the selector does not fix it."""
        return next((t.value for t in self.terms if t.field == field and not t.negated), None)

    def __str__(self) -> str:
        return ",".join(map(str, self.terms))


_EVERYTHING = FieldSelector()
_OPERATORS = ("!=", "==", "=")


@short(512, 1024)
def parse(text: str) -> FieldSelector:
    """The selector of a query (`fieldSelector=`); an empty text selects everything. Raises FieldSelectorError."""
    terms: list[Term] = []
    for part in sorted(_split(text)):
        if not part:
            continue
        split = _split_term(part)
        if split is None:
            raise FieldSelectorError(f"invalid selector: '{text}'; can't understand '{part}'")
        name, operator, value = split
        terms.append(Term(name, unescape(value), operator == "!="))
    return FieldSelector(tuple(terms)) if terms else _EVERYTHING


def escape(value: str) -> str:
    """The value as it may stand in a selector."""
    return value.replace("\\", "\\\\").replace(",", "\\,").replace("=", "\\=")


def unescape(text: str) -> str:
    """The value that a selector's text stands for. Raises FieldSelectorError."""
    out: list[str] = []
    characters = iter(text)
    for c in characters:
        if c == "\\":
            escaped = next(characters, "")
            if escaped not in ("\\", ",", "="):
                raise FieldSelectorError(f"invalid field selector: invalid escape sequence: \\{escaped}")
            out.append(escaped)
        elif c in ",=":
            raise FieldSelectorError(f"invalid field selector: unescaped character in value: {ord(c)}")
        else:
            out.append(c)
    return "".join(out)


def _split(text: str) -> list[str]:
    """The terms between commas; an escaped comma belongs to its term."""
    out, start, at = [], 0, 0
    while at < len(text):
        if text[at] == "\\":
            at += 1
        elif text[at] == ",":
            out.append(text[start:at])
            start = at + 1
        at += 1
    return [*out, text[start:]]


def _split_term(term: str) -> tuple[str, str, str] | None:
    for at in range(len(term)):
        for operator in _OPERATORS:
            if term.startswith(operator, at):
                return term[:at], operator, term[at + len(operator) :]
    return None
