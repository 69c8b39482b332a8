"""Regular expressions of schemas, by an engine whose time is linear in its input: a client must not be able to stall the
server with a pattern."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import re2

Search = Callable[[str], bool]


class PatternError(ValueError):
    """A malformed pattern."""


@lru_cache(maxsize=1024)
def compiled(pattern: str) -> Search:
    """Whether the pattern is found anywhere in a text. Raises PatternError."""
    options = re2.Options()
    options.log_errors = False
    try:
        found = re2.compile(pattern, options)
    except re2.error as error:
        raise PatternError(_message(pattern, error)) from error
    search = found.search
    return lambda text: search(text) is not None


def _message(pattern: str, error: Exception) -> str:
    reason = error.args[0] if error.args else ""
    text = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
    return f"error parsing regexp: {text}: `{pattern}`"
