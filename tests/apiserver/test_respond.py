"""Answers, apart from what they are about."""

from __future__ import annotations

import pytest

from steersman.apiserver.respond import warning_header


@pytest.mark.parametrize(
    ("warnings", "expected"),
    [
        (["a", "b", "a"], ['299 - "a"', '299 - "b"']),
        (['say "a\\b"\n\x00'], ['299 - "say \\"a\\\\b\\"  "']),
        (["ä"], ['299 - "ä"']),
        (["a" * 4096], [f'299 - "{"a" * 4096}"']),
        (["a" * 4097], [f'299 - "{"a" * 256}"']),
        (["a" * 4000, "b", "c" * 97], [f'299 - "{"a" * 256}"', '299 - "b"', f'299 - "{"c" * 97}"']),
        ([f"{i:04}" * 1000 for i in range(100)], [f'299 - "{f"{i:04}" * 64}"' for i in range(16)]),
    ],
)
def test_warnings(warnings: list[str], expected: list[str]) -> None:
    assert warning_header(warnings).split("\n") == expected
