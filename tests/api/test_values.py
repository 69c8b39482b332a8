"""How many values a text has."""

from __future__ import annotations

import json

import pytest

from steersman.api.values import MOST, too_many


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"[" + b"1," * MOST + b"1]", True),
        (b"[" + b"1," * (MOST - 2) + b"1]", False),
        (b"[" * (MOST + 1), True),
        (b'{"a":"' + b"x,y" * MOST + b'"}', False),
        (json.dumps({"a": json.dumps([[1, "\\"]] * MOST)}).encode(), False),
        (b'"' + b"\\" * 1_000_000 + b"," * (MOST + 1), True),
        (b'{"a":"b,,"},' * MOST, True),
        (b"", False),
    ],
)
def test_values_are_counted_but_not_in_strings(text: bytes, expected: bool) -> None:
    assert too_many(text) is expected
