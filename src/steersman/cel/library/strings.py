"""The extended string functions; positions count code points."""

from __future__ import annotations

import math
from collections.abc import Sequence

from steersman.cel.costs import EACH_ITEM, LIMIT, TRAVERSAL, Cost, Operand, Range, elements, laborious, traverse
from steersman.cel.errors import CostLimitExceeded, EvalError
from steersman.cel.functions import Library, function, method
from steersman.cel.library.formatting import format_localized, format_text
from steersman.cel.types import DYN, INT, LIST_OF_STRING, STRING, list_of
from steersman.cel.values import size_of

MAX_TEXT = 16 * 2**20
"""The longest string a function makes: a few short ones could otherwise multiply into all of memory."""

_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}
_UPPER = {code: code - 32 for code in range(ord("a"), ord("z") + 1)}
_SPACE = "\t\n\v\f\r \u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
_QUOTED = {
    "\a": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
    "\\": "\\\\",
    '"': '\\"',
}


def _char_at(text: str, at: int) -> str:
    if not 0 <= at <= len(text):
        raise EvalError(f"index out of range: {at}")
    return text[at : at + 1]


def _index_of(text: str, part: str, start: int = 0) -> int:
    if part == "" and start == 0:
        return 0
    if not 0 <= start <= len(text) or (start == len(text) and text and part):
        if start == len(text):
            return -1
        raise EvalError(f"index out of range: {start}")
    return text.find(part, start)


def _last_index_of(text: str, part: str, start: int | None = None) -> int:
    if start is None:
        return text.rfind(part)
    if not 0 <= start <= len(text) or (text and start == len(text)):
        raise EvalError(f"index out of range: {start}")
    return text.rfind(part, 0, start + len(part))


def _substring(text: str, start: int, end: int | None = None) -> str:
    stop = len(text) if end is None else end
    if start > stop:
        if end is None:
            raise EvalError(f"index out of range: {start}")
        raise EvalError(f"invalid substring range. start: {start}, end: {end}")
    if not 0 <= start <= len(text):
        raise EvalError(f"index out of range: {start}")
    if not 0 <= stop <= len(text):
        raise EvalError(f"index out of range: {stop}")
    return text[start:stop]


def _replace(text: str, old: str, new: str, count: int = -1) -> str:
    if len(new) > len(old):
        most = len(text) + 1 if not old else text.count(old)
        times = most if count < 0 else min(count, most)
        if len(text) + times * (len(new) - len(old)) > MAX_TEXT:
            raise CostLimitExceeded
    return text.replace(old, new, count)


def _split(text: str, separator: str, count: int = -1) -> list[str]:
    if count == 0:
        return []
    if count == 1:
        return [text]
    if separator == "":
        return list(text) if count < 0 or count >= len(text) else [*text[: count - 1], text[count - 1 :]]
    return text.split(separator, count - 1 if count > 0 else -1)


def _join(items: list[str], separator: str = "") -> str:
    if any(type(item) is not str for item in items):
        raise EvalError(f"join: invalid input: {next(item for item in items if type(item) is not str)}")
    if sum(map(len, items)) + len(separator) * len(items) > MAX_TEXT:
        raise CostLimitExceeded
    return separator.join(items)


def _trim(text: str) -> str:
    return text.strip(_SPACE)


def quote(text: str) -> str:
    """A string as a literal between double quotes."""
    return '"' + "".join(_QUOTED.get(ch, ch) for ch in text.encode("utf-8", "replace").decode()) + '"'


def _replace_bounds(args: Sequence[Operand]) -> tuple[Range, Range | None]:
    text, old, new = args[0].size, args[1].size, args[2].size
    low, kept_low = _replacements(text.low, old.high, new.low, old.high <= new.low)
    high, kept_high = _replacements(text.high, old.low, new.high, new.high > old.low)
    size = Range(low, high).times(new).plus(Range(kept_low, kept_high))
    return text.by(2 * TRAVERSAL), size


def _replacements(length: int, old: int, new: int, grows: bool) -> tuple[int, int]:
    """How often a part is replaced at most (or at least), and how much of the text remains beside."""
    if old == 0:
        return min(length + 1, LIMIT), length
    if not grows:
        return 0, length
    return math.ceil(length / old), 0


def _split_bounds(args: Sequence[Operand]) -> tuple[Range, Range | None]:
    most = args[0].size.high
    if len(args) > 2 and type(args[2].literal) is int and args[2].literal >= 0:
        most = args[2].literal
    return args[0].size.by(2 * TRAVERSAL), Range(0, most)


def _join_bounds(args: Sequence[Operand]) -> tuple[Range, Range | None]:
    count = args[0].size
    size = count.times(args[0].item_size or Range(0, LIMIT))
    if len(args) > 1:
        size = size.plus(args[1].size.times(Range(max(count.low - 1, 0), max(count.high - 1, 0))))
    return size.by(TRAVERSAL), size


def _join_charge(args: Sequence[object]) -> int:
    items = args[0]
    assert isinstance(items, list)
    separators = len(args[1]) * max(len(items) - 1, 0) if len(args) > 1 else 0  # type: ignore[arg-type]
    return math.ceil((sum(map(size_of, items)) + separators) * 2 * TRAVERSAL)


_SAME = traverse(same_size=True)
_REPLACE = Cost(traverse(factor=2 * TRAVERSAL).charge, _replace_bounds)
_FORMAT = laborious(lambda args: 20 + 4 * elements(args[1]), traverse())
_SPLIT = Cost(traverse(factor=2 * TRAVERSAL).charge, _split_bounds)
_JOIN = Cost(_join_charge, _join_bounds)

LIBRARY = Library(
    "strings",
    [
        method("charAt", "string_char_at_int", (STRING, INT), STRING, _char_at),
        method("indexOf", "string_index_of_string", (STRING, STRING), INT, _index_of, EACH_ITEM),
        method("indexOf", "string_index_of_string_int", (STRING, STRING, INT), INT, _index_of, EACH_ITEM),
        method("lastIndexOf", "string_last_index_of_string", (STRING, STRING), INT, _last_index_of, EACH_ITEM),
        method("lastIndexOf", "string_last_index_of_string_int", (STRING, STRING, INT), INT, _last_index_of, EACH_ITEM),
        method("lowerAscii", "string_lower_ascii", (STRING,), STRING, lambda text: text.translate(_LOWER), _SAME),
        method("upperAscii", "string_upper_ascii", (STRING,), STRING, lambda text: text.translate(_UPPER), _SAME),
        method("replace", "string_replace_string_string", (STRING, STRING, STRING), STRING, _replace, _REPLACE),
        method(
            "replace", "string_replace_string_string_int", (STRING, STRING, STRING, INT), STRING, _replace, _REPLACE
        ),
        method("split", "string_split_string", (STRING, STRING), LIST_OF_STRING, _split, _SPLIT),
        method("split", "string_split_string_int", (STRING, STRING, INT), LIST_OF_STRING, _split, _SPLIT),
        method("substring", "string_substring_int", (STRING, INT), STRING, _substring, _SAME),
        method("substring", "string_substring_int_int", (STRING, INT, INT), STRING, _substring, _SAME),
        method("trim", "string_trim", (STRING,), STRING, _trim, _SAME),
        method("join", "list_join", (LIST_OF_STRING,), STRING, _join, _JOIN),
        method("join", "list_join_string", (LIST_OF_STRING, STRING), STRING, _join, _JOIN),
        function("strings.quote", "strings_quote", (STRING,), STRING, quote, traverse()),
    ],
)
FORMAT = Library(
    "strings.format",
    [method("format", "string_format", (STRING, list_of(DYN)), STRING, format_localized, _FORMAT)],
)
"""`format` as the version of the library that Kubernetes uses has it."""
NEWER = Library(
    "strings.newer",
    [
        method("reverse", "string_reverse", (STRING,), STRING, lambda text: text[::-1], _SAME),
        method("format", "string_format", (STRING, list_of(DYN)), STRING, format_text, _FORMAT),
    ],
)
