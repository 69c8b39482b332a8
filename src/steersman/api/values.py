"""How many values a JSON text has, found out without reading it: a few bytes of text are a hundred in memory, for each value."""

from __future__ import annotations

import re

MOST = 65_536
"""Values of one request. An object of the largest size that is stored has about half as many, if it is made of nothing else."""

FEW = MOST
"""A text of so many bytes cannot have more."""

# Some strings with what stands before them, so that a long text need not be copied as a whole.
_PART = re.compile(rb'(?:[^"]*+"[^"\\]*+(?:\\.[^"\\]*+)*+"){1,1000}', re.DOTALL)
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)


def too_many(text: bytes, most: int = MOST) -> bool:
    """Whether the text has more values than that; of what is no JSON, whether it has more commas and brackets."""
    if _marks(text) <= most:
        return False
    # Commas in strings are no values.
    found = at = 0
    while part := _PART.match(text, at):
        at = part.end()
        found += _marks(_STRING.sub(b"", part[0]))
        if found > most:
            return True
    return found + _marks(text[at:]) > most


def _marks(text: bytes) -> int:
    return text.count(b",") + text.count(b"[") + text.count(b"{")
