"""The slow path of decoding: parses JSON with Go's error messages, drops unknown fields and nulls, and finds type errors."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any, NoReturn

import msgspec

from steersman.api import shape as shapes
from steersman.api.decode_error import DecodeError
from steersman.api.shape import Choice, Leaf, ListOf, MapOf, ObjectOf, Shape

_MAX_PROBLEMS = 100
_INT_LIMITS = {Leaf.INT32: 2**31, Leaf.INT64: 2**63}
_ZERO: dict[Leaf, Any] = {
    Leaf.INT32: 0,
    Leaf.INT64: 0,
    Leaf.FLOAT: 0.0,
    Leaf.BOOL: False,
    Leaf.INT_OR_STRING: 0,
    Leaf.QUANTITY: "0",
    Leaf.ANY: None,
}


class Duplicates(dict[str, Any]):
    """An object that named some of its keys more than once; the last value counts. `names` are all that it named."""

    __slots__ = ("names",)

    def __init__(self, values: dict[str, Any], names: list[str]) -> None:
        super().__init__(values)
        self.names = names


def _members(value: dict[str, Any]) -> Iterator[tuple[str, Any, bool]]:
    """The members of an object where they stand in its text; True for each name that has been there before."""
    if not isinstance(value, Duplicates):
        for name, item in value.items():
            yield name, item, False
        return
    seen: dict[str, int] = {}
    for name in value.names:
        seen[name] = seen.get(name, 0) + 1
        if seen[name] <= 2:
            yield name, value[name], seen[name] == 2


def prune(value: Any, shape: Shape, problems: list[str]) -> Any:
    """The value with only the fields that its shape has, and without nulls; unknown and repeated fields go to
    `problems`. DecodeError where a value has the wrong type."""
    if value is None:
        return _zero(shape)
    return _Walk(problems).visit(value, shape)


class _Walk:
    """Carries where the walk is: the strict path (with indexes), Go's field path (without), and the owning type."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        self.path: list[str] = []
        self.owner = ""

    def visit(self, value: Any, shape: Shape) -> Any:
        if isinstance(shape, ObjectOf):
            return self.object(value, shape)
        if isinstance(shape, ListOf):
            return self.list(value, shape)
        if isinstance(shape, MapOf):
            return self.map(value, shape)
        if isinstance(shape, Choice):
            return self.visit(value, self.choose(value, shape))
        return self.leaf(value, shape)

    def object(self, value: Any, shape: ObjectOf) -> dict[str, Any]:
        if not isinstance(value, dict):
            self.mismatch(value, shape)
        known = shapes.fields(shape.type)
        outer, self.owner = self.owner, shape.type.__name__
        out = {}
        for name, item, repeated in _members(value):
            field = known.get(name)
            if repeated:
                self.problem("duplicate field", name)
            elif field is None:
                self.problem("unknown field", name)
            elif item is not None:
                self.path.append("." + name)
                out[name] = self.visit(item, field.shape)
                self.path.pop()
        self.owner = outer
        return out

    def list(self, value: Any, shape: ListOf) -> list[Any]:
        if not isinstance(value, list):
            self.mismatch(value, shape)
        out = []
        for index, item in enumerate(value):
            self.path.append(f"[{index}]")
            out.append(_zero(shape.item) if item is None else self.visit(item, shape.item))
            self.path.pop()
        return out

    def map(self, value: Any, shape: MapOf) -> dict[str, Any]:
        if not isinstance(value, dict):
            self.mismatch(value, shape)
        out = {}
        for name, item, repeated in _members(value):
            if repeated:
                self.problem("duplicate field", name)
                continue
            self.path.append("." + name)
            out[name] = _zero(shape.value) if item is None else self.visit(item, shape.value)
            self.path.pop()
        return out

    def choose(self, value: Any, shape: Choice) -> Shape:
        for option in shape.options:
            if isinstance(option, ObjectOf | MapOf):
                fits = isinstance(value, dict)
            elif isinstance(option, ListOf):
                fits = isinstance(value, list)
            else:
                fits = option is Leaf.BOOL and isinstance(value, bool)
            if fits:
                return option
        return shape.options[0]

    def leaf(self, value: Any, leaf: Leaf) -> Any:
        if leaf is Leaf.ANY:
            return _plain(value)
        if leaf in (Leaf.INT32, Leaf.INT64):
            return self.integer(value, leaf)
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if leaf is Leaf.BOOL:
            fits = isinstance(value, bool)
        elif leaf is Leaf.FLOAT:
            fits = number and _is_float(value)
        elif leaf is Leaf.INT_OR_STRING:
            return value if isinstance(value, str) else self.integer(value, Leaf.INT32)
        elif leaf is Leaf.QUANTITY:
            fits = number or isinstance(value, str)
        else:
            fits = isinstance(value, str)
        if not fits:
            self.mismatch(value, Leaf.STRING if leaf in (Leaf.TIME, Leaf.MICRO_TIME) else leaf)
        return value

    def integer(self, value: Any, leaf: Leaf) -> int:
        limit = _INT_LIMITS[leaf]
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.mismatch(value, leaf)
        if isinstance(value, float) or not -limit <= value < limit:
            self.mismatch(value, leaf, "number " + json.dumps(value))
        return value

    def mismatch(self, value: Any, shape: Shape, what: str = "") -> NoReturn:
        what = what or json_type(value)
        if not self.path:
            raise DecodeError(f"json: cannot unmarshal {what} into Go value of type {shapes.go_name(shape)}")
        names = "".join(step for step in self.path if step[0] == ".")
        raise DecodeError(
            f"json: cannot unmarshal {what} into Go struct field {self.owner}{names} of type {shapes.go_name(shape)}"
        )

    def plain(self, value: Any) -> None:
        """Looks for repeated keys where no shape says what is expected."""
        if isinstance(value, dict):
            for name, item, repeated in _members(value):
                if repeated:
                    self.problem("duplicate field", name)
                else:
                    self.step("." + name, item)
        elif isinstance(value, list):
            for index, item in enumerate(value):
                self.step(f"[{index}]", item)

    def step(self, step: str, item: Any) -> None:
        self.path.append(step)
        self.plain(item)
        self.path.pop()

    def problem(self, what: str, name: str) -> None:
        if len(self.problems) < _MAX_PROBLEMS:
            path = "".join([*self.path, "." + name]).removeprefix(".")
            self.problems.append(f'{what} "{path}"')


def _zero(shape: Shape) -> Any:
    """What Go makes of a null: the zero value."""
    if isinstance(shape, ObjectOf | MapOf):
        return {}
    if isinstance(shape, ListOf):
        return []
    if isinstance(shape, Choice):
        return _zero(shape.options[0])
    return _ZERO.get(shape, "")


def _is_float(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def _plain(value: Any) -> Any:
    """A copy in plain dicts and lists, so that nothing is shared with the caller's value."""
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_plain(v) for v in value]
    return value


def json_type(value: Any) -> str:
    """What a plain value is in JSON, in Go's words; nulls are not asked about."""
    if isinstance(value, dict):
        return "object"
    if isinstance(value, list):
        return "array"
    if isinstance(value, bool):
        return "bool"
    return "string" if isinstance(value, str) else "number"


class _Repeated(Exception):
    """A key came twice in one object."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out = dict(pairs)
    if len(out) != len(pairs):
        raise _Repeated
    return out


def _with_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out = dict(pairs)
    return out if len(out) == len(pairs) else Duplicates(out, [name for name, _ in pairs])


_SPACE = b" \t\r\n"
_KEY_END = b'":'


def has_duplicates(data: bytes) -> bool:
    """Whether an object of this well-formed JSON names a key twice."""
    # Letters in disguise defeat the counting of keys.
    if b"\\" not in data or b"\\u" not in data:
        # Decoding drops what is repeated. Strings may contain the mark too, but as often before as after: without spaces in
        # both, which may also stand between a key and its colon.
        try:
            once = msgspec.json.encode(msgspec.json.decode(data))
        except (msgspec.MsgspecError, ValueError, RecursionError):
            once = b""
        if once.translate(None, _SPACE).count(_KEY_END) == data.translate(None, _SPACE).count(_KEY_END):
            return False
    try:
        # As Go reads it: what is no UTF-8 is a replacement character.
        json.loads(data.decode(errors="replace"), object_pairs_hook=_unique)
    except _Repeated:
        return True
    return False


def duplicates(value: Any) -> list[str]:
    """The problems of repeated keys in what `parse_json` gave."""
    walk = _Walk([])
    walk.plain(value)
    return walk.problems


_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_ESCAPE = re.compile(
    r"\\(?:u([dD][89abAB][0-9a-fA-F]{2}(\\u[dD][c-fC-F][0-9a-fA-F]{2})?|[dD][c-fC-F][0-9a-fA-F]{2})|.)"
)


def _whole_character(escape: re.Match[str]) -> str:
    """Half of a surrogate pair is no character."""
    return "\\ufffd" if escape[1] and not escape[2] else escape[0]


def parse_json(data: bytes) -> Any:
    """Plain values; objects with repeated keys become `Duplicates`. Bad UTF-8 is replaced, as Go does."""
    text = data.decode("utf-8", errors="replace")
    if _SURROGATE.search(text):
        text = _ESCAPE.sub(_whole_character, text)
    try:
        return json.loads(text, object_pairs_hook=_with_duplicates, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise DecodeError(_syntax_message(error), syntax=True) from error
    except RecursionError as error:
        raise DecodeError("exceeded max depth", syntax=True) from error
    except ValueError as error:
        # Python makes no integers of thousands of digits.
        raise DecodeError("json: cannot unmarshal number into Go value of type float64") from error


def _no_constant(name: str) -> NoReturn:
    """NaN and Infinity are Python's idea of JSON."""
    raise DecodeError(f"invalid character {name[0]!r} looking for beginning of value", syntax=True)


_CONTEXTS = (
    ("Expecting value", "looking for beginning of value"),
    ("Expecting property name", "looking for beginning of object key string"),
    ("Illegal trailing comma before end of object", "looking for beginning of object key string"),
    ("Illegal trailing comma before end of array", "looking for beginning of value"),
    ("Expecting ':'", "after object key"),
    ("Extra data", "after top-level value"),
    ("Invalid control character", "in string literal"),
    ("Invalid \\u", "in \\u hexadecimal character escape"),
    ("Invalid \\", "in string escape code"),
)


def _syntax_message(error: json.JSONDecodeError) -> str:
    at = error.pos
    if error.msg.startswith("Illegal trailing comma"):
        at = _skip_space(error.doc, at + 1)
    elif error.msg.startswith("Invalid \\escape"):
        at += 1
    if at >= len(error.doc.rstrip()) or error.msg.startswith("Unterminated"):
        return "unexpected end of JSON input"
    context = next((c for start, c in _CONTEXTS if error.msg.startswith(start)), "")
    if not context:
        context = "after array element" if _innermost(error.doc, at) == "[" else "after object key:value pair"
    return f"invalid character {_go_rune(error.doc[at])} {context}"


def _skip_space(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    return at


def _innermost(text: str, end: int) -> str:
    """The bracket that is open at `end`."""
    stack: list[str] = []
    for char in _outside_strings(text[:end]):
        if char in "[{":
            stack.append(char)
        elif char in "]}" and stack:
            stack.pop()
    return stack[-1] if stack else ""


def _outside_strings(text: str) -> Iterator[str]:
    quoted = escaped = False
    for char in text:
        if quoted:
            if escaped:
                escaped = False
            elif char == "\\":
                escaped = True
            elif char == '"':
                quoted = False
        elif char == '"':
            quoted = True
        else:
            yield char


def _go_rune(char: str) -> str:
    """A character as Go quotes it."""
    if char == "'":
        return "'\\''"
    known = {"\n": "'\\n'", "\t": "'\\t'", "\r": "'\\r'", "\\": "'\\\\'"}.get(char)
    if known is None:
        known = f"'\\x{ord(char):02x}'" if ord(char) < 32 or ord(char) == 127 else f"'{char}'"
    return known
