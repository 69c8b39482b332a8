"""Regular expressions with RE2's syntax and its linear time: `matches`, `find`, `findAll`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from steersman.cel.costs import FIND, MATCH, laborious
from steersman.cel.errors import EvalError
from steersman.cel.functions import Library, method
from steersman.cel.types import INT, LIST_OF_STRING, STRING
from steersman.cel.values import Value

try:
    import re2
except ImportError:  # a platform without a wheel: an expression that needs it says so, others work
    re2 = None

_UNAVAILABLE = "regular expressions need the google-re2 package, which is not installed"


_known: dict[str, Any] = {}
_MAX_KNOWN = 512


def compiled(pattern: str) -> Any:
    """The compiled pattern. Raises EvalError for one that RE2 does not take; Python's own `re` is never a stand-in,
    because a pattern can make it run for ever."""
    found = _known.get(pattern)
    if found is not None:
        return found
    if re2 is None:
        raise EvalError(_UNAVAILABLE)
    options = re2.Options()
    options.log_errors = False
    try:
        found = re2.compile(pattern, options)
    except re2.error as err:
        reason = err.args[0] if err.args else err
        text = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        head, colon, part = text.partition(": ")
        raise EvalError(
            f"error parsing regexp: {head}: `{part}`" if colon else f"error parsing regexp: {text}"
        ) from None

    if len(_known) >= _MAX_KNOWN:
        _known.clear()
    _known[pattern] = found
    return found


def _work(args: Sequence[Value]) -> int:
    """To compile a pattern is far more work than to match it."""
    return 10 if args[1] in _known else 200 + len(args[1])


MATCHING = laborious(_work, MATCH)
_FINDING = laborious(_work, FIND)


def matches(text: str, pattern: str) -> bool:
    """Whether the pattern matches anywhere in the text."""
    return compiled(pattern).search(text) is not None


def _find(text: str, pattern: str) -> str:
    found = compiled(pattern).search(text)
    return "" if found is None else str(found.group())


def _find_all(text: str, pattern: str, most: int = -1) -> list[str]:
    found: list[str] = []
    for match in compiled(pattern).finditer(text):
        if len(found) == most:
            break
        found.append(str(match.group()))
    return found


LIBRARY = Library(
    "kubernetes.regex",
    [
        method("find", "string_find_string", (STRING, STRING), STRING, _find, _FINDING),
        method("findAll", "string_find_all_string", (STRING, STRING), LIST_OF_STRING, _find_all, _FINDING),
        method("findAll", "string_find_all_string_int", (STRING, STRING, INT), LIST_OF_STRING, _find_all, _FINDING),
    ],
)
