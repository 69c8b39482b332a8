"""Durations: Go's notation both ways, and kubectl's ages."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steersman.api import duration
from steersman.api.duration import DurationError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0), ("0s", 0), ("1s", 1), ("1.5s", 1.5), ("1h30m", 5400), ("300ms", 0.3), ("-1.5h", -5400), ("+5s", 5),
        ("2h45m10s", 9910), ("1us", 1e-6), ("1\u00b5s", 1e-6), ("1ns", 1e-9), (".5m", 30), ("1.s", 1), ("1m1m", 120),
    ],
)  # fmt: skip
def test_parse(text: str, seconds: float) -> None:
    assert duration.parse(text) == pytest.approx(seconds, abs=0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", 'time: invalid duration ""'),
        ("-", 'time: invalid duration "-"'),
        ("5", 'time: missing unit in duration "5"'),
        ("1d", 'time: unknown unit "d" in duration "1d"'),
        ("abc", 'time: invalid duration "abc"'),
        (".s", 'time: invalid duration ".s"'),
        ("1h5", 'time: missing unit in duration "1h5"'),
        ("9999999999h", 'time: invalid duration "9999999999h"'),
        ("1 s", 'time: invalid duration "1 s"'),
    ],
)
def test_parse_errors(text: str, message: str) -> None:
    with pytest.raises(DurationError) as caught:
        duration.parse(text)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"), (1, "1s"), (1.5, "1.5s"), (90, "1m30s"), (3600, "1h0m0s"), (5400.25, "1h30m0.25s"), (0.3, "300ms"),
        (0.0015, "1.5ms"), (2e-6, "2\u00b5s"), (5e-9, "5ns"), (-60, "-1m0s"), (360000, "100h0m0s"),
    ],
)  # fmt: skip
def test_format_go(seconds: float, text: str) -> None:
    assert duration.format_go(seconds) == text


MINUTE, HOUR, DAY, YEAR = 60, 3600, 86400, 365 * 86400


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "<invalid>"), (-1, "0s"), (0, "0s"), (59, "59s"), (70, "70s"),
        (119.9, "119s"), (2 * MINUTE, "2m"), (125, "2m5s"), (10 * MINUTE + 5, "10m"),
        (179 * MINUTE, "179m"), (3 * HOUR, "3h"), (3 * HOUR + 12 * MINUTE, "3h12m"), (9 * HOUR, "9h"),
        (47 * HOUR, "47h"), (2 * DAY, "2d"), (2 * DAY + 4 * HOUR, "2d4h"), (8 * DAY, "8d"),
        (400 * DAY, "400d"), (2 * YEAR + 30 * DAY, "2y30d"), (2 * YEAR, "2y"), (9 * YEAR, "9y"),
    ],
)  # fmt: skip
def test_ages(seconds: float, text: str) -> None:
    assert duration.human(seconds) == text


@given(st.integers(0, 10**12))
def test_go_notation_round_trips(milliseconds: int) -> None:
    seconds = milliseconds / 1000
    assert duration.parse(duration.format_go(seconds)) == seconds


def test_age_of_a_timestamp() -> None:
    now = datetime(2024, 1, 1, 0, 5, 30, tzinfo=UTC)
    assert duration.age("2024-01-01T00:00:00Z", now) == "5m30s"
    assert duration.age("", now) == duration.UNKNOWN


@pytest.mark.parametrize(("text", "why"), [("1" * 500_000 + "!", "invalid"), ("1" * 500_000, "missing unit in")])
def test_texts_of_any_length_are_refused_quickly(text: str, why: str) -> None:
    with pytest.raises(DurationError, match=f"time: {why} duration"):
        duration.parse(text)
