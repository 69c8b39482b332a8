"""Field errors: what is wrong with which field of an object, in the words that Kubernetes uses."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import msgspec


class ErrorType(StrEnum):
    """The machine-readable kind of a field error; the value is the reason of the Status' cause."""

    NOT_FOUND = "FieldValueNotFound"
    REQUIRED = "FieldValueRequired"
    DUPLICATE = "FieldValueDuplicate"
    INVALID = "FieldValueInvalid"
    NOT_SUPPORTED = "FieldValueNotSupported"
    FORBIDDEN = "FieldValueForbidden"
    TOO_LONG = "FieldValueTooLong"
    TOO_MANY = "FieldValueTooMany"
    TOO_FEW = "FieldValueTooFew"
    TOO_SHORT = "FieldValueTooShort"
    INTERNAL = "InternalError"
    TYPE_INVALID = "FieldValueTypeInvalid"


_WORDS = {
    ErrorType.NOT_FOUND: "Not found",
    ErrorType.REQUIRED: "Required value",
    ErrorType.DUPLICATE: "Duplicate value",
    ErrorType.INVALID: "Invalid value",
    ErrorType.NOT_SUPPORTED: "Unsupported value",
    ErrorType.FORBIDDEN: "Forbidden",
    ErrorType.TOO_LONG: "Too long",
    ErrorType.TOO_MANY: "Too many",
    ErrorType.TOO_FEW: "Too few",
    ErrorType.TOO_SHORT: "Too short",
    ErrorType.INTERNAL: "Internal error",
    ErrorType.TYPE_INVALID: "Invalid value",
}

_WITHOUT_VALUE = frozenset(
    {ErrorType.REQUIRED, ErrorType.FORBIDDEN, ErrorType.TOO_LONG, ErrorType.TOO_SHORT, ErrorType.INTERNAL}
)

IMMUTABLE: Final = "field is immutable"
NOT_NEGATIVE: Final = "must be greater than or equal to 0"


class Path:
    """Where a field is, built from the outside in: `Path("spec").child("containers").index(0)`.

    Validation makes dozens for every object and shows few: a step is kept as it came, and the text is made on demand.
    """

    __slots__ = ("_parent", "_step")
    _parent: Path | None
    _step: str | int | None

    def __init__(self, *names: str) -> None:
        self._parent = None
        self._step = names[-1] if names else None
        for name in names[:-1]:
            self._parent = _step(self._parent, name)

    def child(self, *names: str) -> Path:
        """The path of a member, or of a member of a member."""
        path = self
        for name in names:
            path = _step(path, name)
        return path

    def index(self, i: int) -> Path:
        """The path of an element of this list."""
        return _step(self, i)

    def key(self, key: str) -> Path:
        """The path of an entry of this map."""
        return _step(self, f"[{key}]")

    def __str__(self) -> str:
        if self._step is None:
            return "<nil>"
        steps: list[str | int] = []
        at: Path | None = self
        while at is not None:
            steps.append("" if at._step is None else at._step)
            at = at._parent
        out = ""
        for step in reversed(steps):
            if isinstance(step, int):
                out += f"[{step}]"
            elif step.startswith("[") or not out:
                out += step
            else:
                out += f".{step}"
        return out

    def __repr__(self) -> str:
        return f"Path({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Path) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))


def _step(parent: Path | None, step: str | int) -> Path:
    path = Path.__new__(Path)
    path._parent = parent
    path._step = step
    return path


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing that is wrong. `body` is the message without the field, `str()` has both."""

    type: ErrorType
    field: str
    value: Any = None
    detail: str = ""

    @property
    def body(self) -> str:
        words = _WORDS[self.type]
        if self.type not in _WITHOUT_VALUE and self.value is not OMITTED:
            words = f"{words}: {_show(self.value)}"
        return f"{words}: {self.detail}" if self.detail else words

    def __str__(self) -> str:
        return f"{self.field}: {self.body}"

    def cause(self) -> dict[str, str]:
        """The entry of a Status' details.causes."""
        return {"reason": self.type.value, "message": self.body, "field": self.field}


class Internal(dict[str, Any]):
    """A value as Kubernetes shows one of its internal types: every field, under its name in Go, in their order there."""

    __slots__ = ()


class _Omitted:
    __slots__ = ()


OMITTED: Final = _Omitted()

Errors = list[FieldError]


def required(path: Path, detail: str = "") -> FieldError:
    """A value that must be there is not."""
    return FieldError(ErrorType.REQUIRED, str(path), "", detail)


def invalid(path: Path, value: object, detail: str) -> FieldError:
    """A malformed value."""
    return FieldError(ErrorType.INVALID, str(path), value, detail)


def not_supported(path: Path, value: object, supported: Iterable[str]) -> FieldError:
    """A value that is none of an enumeration's; `supported` is shown in the order given."""
    values = ", ".join(quote(s) for s in supported)
    return FieldError(ErrorType.NOT_SUPPORTED, str(path), value, f"supported values: {values}" if values else "")


def duplicate(path: Path, value: object) -> FieldError:
    """A value that must be unique and is not."""
    return FieldError(ErrorType.DUPLICATE, str(path), value)


def repeated(values: Iterable[Hashable]) -> list[int]:
    """The positions of values that were there before."""
    seen: set[Hashable] = set()
    found: list[int] = []
    for i, value in enumerate(values):
        if value in seen:
            found.append(i)
        seen.add(value)
    return found


def forbidden(path: Path, detail: str) -> FieldError:
    """A well-formed value that is not permitted here or now."""
    return FieldError(ErrorType.FORBIDDEN, str(path), "", detail)


def not_found(path: Path, value: object) -> FieldError:
    """A reference to something that does not exist."""
    return FieldError(ErrorType.NOT_FOUND, str(path), value)


def too_long(path: Path, limit: int, unit: str = "byte") -> FieldError:
    """A text longer than `limit`; the value is not repeated in the message."""
    return FieldError(ErrorType.TOO_LONG, str(path), OMITTED, f"may not be more than {limit} {_plural(unit, limit)}")


def too_many(path: Path, actual: int, limit: int) -> FieldError:
    """A list with more than `limit` elements."""
    return FieldError(ErrorType.TOO_MANY, str(path), actual, f"must have at most {limit} {_plural('item', limit)}")


def internal(path: Path, why: str) -> FieldError:
    """Something that went wrong here and not in the object."""
    return FieldError(ErrorType.INTERNAL, str(path), "", why)


def not_negative(path: Path, value: int | None) -> Errors:
    """The error of a number below zero, if it is one."""
    return [invalid(path, value, NOT_NEGATIVE)] if value is not None and value < 0 else []


def immutable(path: Path, new: object, old: object) -> Errors:
    """The error of a field that changed although it must not."""
    return [] if same(new, old) else [invalid(path, new, IMMUTABLE)]


def same(a: object, b: object) -> bool:
    """Whether two values mean the same: an absent list or map is an empty one, at any depth."""
    if a == b:
        return True
    if isinstance(a, msgspec.Struct):
        names = type(a).__struct_fields__
        return type(a) is type(b) and all(same(getattr(a, n), getattr(b, n)) for n in names)
    if isinstance(a, list) or isinstance(b, list):
        left, right = a or [], b or []
        if not isinstance(left, list) or not isinstance(right, list) or len(left) != len(right):
            return False
        return all(map(same, left, right))
    if isinstance(a, dict) or isinstance(b, dict):
        one, other = a or {}, b or {}
        if not isinstance(one, dict) or not isinstance(other, dict) or one.keys() != other.keys():
            return False
        return all(same(v, other[k]) for k, v in one.items())
    return False


def check_choice(value: str, choices: Sequence[str], path: Path) -> Errors:
    """The error of a value that must be one of a few and is missing or another."""
    if not value:
        return [required(path)]
    return [] if value in choices else [not_supported(path, value, choices)]


def all_invalid(path: Path, value: object, messages: Iterable[str]) -> Errors:
    """One `invalid` per message, as the checks of `api.names` return them."""
    return [invalid(path, value, message) for message in messages]


def all_invalid_joined(path: Path, value: object, messages: Iterable[str]) -> Errors:
    """At most one `invalid`, with all messages in it."""
    detail = "; ".join(messages)
    return [invalid(path, value, detail)] if detail else []


def aggregate(errors: Sequence[FieldError]) -> str:
    """All errors as one text: alone, or in brackets, each distinct text once."""
    texts = list(dict.fromkeys(str(e) for e in errors))
    return texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"


def quote(text: str) -> str:
    """The text in double quotes with Go's escapes, as Kubernetes shows strings in messages."""
    if text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    # Clients' texts have any length, and not many different characters.
    escapes = {ord(c): _ESCAPES.get(c) or _escape(c) for c in set(text) if c in _ESCAPES or not c.isprintable()}
    return f'"{text.translate(escapes)}"'


_ESCAPES = {
    '"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r", "\a": "\\a", "\b": "\\b", "\f": "\\f", "\v": "\\v",
}  # fmt: skip


def _escape(c: str) -> str:
    code = ord(c)
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _show(value: object) -> str:
    if isinstance(value, str):
        return quote(value)
    return _encoded(value).decode()


def _encoded(value: object) -> bytes:
    return msgspec.json.encode(
        value, order="sorted" if isinstance(value, dict) and not isinstance(value, Internal) else None
    )


def _plural(word: str, n: int) -> str:
    return word if n == 1 else f"{word}s"
