"""Repeated keys are found however a text is written: the counting of keys agrees with the parser that looks at each."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from steersman.api import prune

_KEYS = st.text('ab":\\ ', max_size=3)
_SCALARS = (
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.text('ab":\\\u2028é ', max_size=6)
    | st.floats(allow_nan=False, allow_infinity=False)
)  # fmt: skip


class Members(list[tuple[str, Any]]):
    """An object that may name a key twice."""


_VALUES = st.recursive(
    _SCALARS,
    lambda below: st.lists(below, max_size=3) | st.lists(st.tuples(_KEYS, below), max_size=4).map(Members),
)


def write(value: Any, comma: str, colon: str, *, ascii_only: bool) -> str:
    if isinstance(value, Members):
        members = [
            json.dumps(k, ensure_ascii=ascii_only) + colon + write(v, comma, colon, ascii_only=ascii_only)
            for k, v in value
        ]
        return "{" + comma.join(members) + "}"
    if isinstance(value, list):
        return "[" + comma.join(write(v, comma, colon, ascii_only=ascii_only) for v in value) + "]"
    return json.dumps(value, ensure_ascii=ascii_only)


def repeats(value: Any) -> bool:
    if isinstance(value, Members):
        names = [name for name, _ in value]
        return len(set(names)) < len(names) or any(repeats(v) for _, v in value)
    return isinstance(value, list) and any(map(repeats, value))


@given(_VALUES, st.sampled_from([",", ", ", ",\n"]), st.sampled_from([":", ": ", " :", "\t: "]), st.booleans())
def test_repeated_keys_are_found_in_any_spelling(value: Any, comma: str, colon: str, ascii_only: bool) -> None:
    text = write(value, comma, colon, ascii_only=ascii_only)
    assert prune.has_duplicates(text.encode()) == repeats(value)


def test_text_that_is_no_utf8_is_looked_through_all_the_same() -> None:
    assert prune.has_duplicates(b'{"a" : "\xc4", "a" : 1}')
    assert not prune.has_duplicates(b'{"a" : "\xc4", "b" : 1}')
