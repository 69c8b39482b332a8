"""Days as the labels of tokens in Secrets write them."""

from __future__ import annotations

from datetime import date

import pytest

from steersman.kinds.core.legacytoken import day_of


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-01-31", date(2026, 1, 31)),
        ("2026-02-30", None),
        ("20260131", None),
        ("2026-W05-6", None),
        ("2026-01-31T00:00:00Z", None),
        ("", None),
    ],
)
def test_day_of(text: str, day: date | None) -> None:
    assert day_of(text) == day
