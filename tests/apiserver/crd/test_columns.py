"""What the columns of a definition show of values, whatever there is in the objects."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from steersman.apiserver.crd.columns import shown

NOW = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("type_", "value", "cell"),
    [
        ("integer", 3, 3),
        ("integer", 1.5, 1),
        ("integer", 2**63 - 1, 2**63 - 1),
        ("integer", 2**63, None),
        ("integer", 1e308, None),
        ("integer", int("1" * 4000), None),
        ("integer", True, None),
        ("integer", "3", None),
        ("number", 3, 3.0),
        ("number", 1e308, 1e308),
        ("number", -int("1" * 4000), None),
        ("string", 3, "3"),
        ("boolean", True, True),
        ("boolean", 1, None),
        ("date", "2026-01-01T00:00:00Z", "24h"),
        ("date", "x", "<invalid>"),
    ],
)
def test_shown(type_: str, value: Any, cell: Any) -> None:
    """One object with a number that nobody can read must not keep everybody from the list."""
    assert shown(type_, value, NOW) == cell
