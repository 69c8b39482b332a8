"""What requests to a kubelet ask for in their queries: whatever clients write is understood or refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from steersman.api.errors import BadRequest
from steersman.kubelet.server_paths import log_options, parse_query

NOW = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("query", "since"),
    [
        ("sinceSeconds=60", NOW - timedelta(minutes=1)),
        ("sinceSeconds=9223372036854775807", None),
        ("sinceSeconds=99999999999", None),
        ("", None),
    ],
)
def test_since(query: str, since: datetime | None) -> None:
    assert log_options(parse_query(query), NOW)[0].since == since


@pytest.mark.parametrize("number", ["-1", "x", "%C2%B2", "%D9%A1", "9" * 5000])
def test_what_is_no_number_is_refused(number: str) -> None:
    with pytest.raises(BadRequest):
        log_options(parse_query(f"tailLines={number}"), NOW)
