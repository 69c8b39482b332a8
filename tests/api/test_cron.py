"""Cron schedules: what they mean and why they are refused."""

import pytest

from steersman.api import cron
from steersman.api.cron import CronError


def test_fields() -> None:
    schedule = cron.parse("*/20 8-10 1,15 jan,DEC mon-fri")
    assert schedule.minutes == {0, 20, 40}
    assert schedule.hours == {8, 9, 10}
    assert schedule.days == {1, 15}
    assert schedule.months == {1, 12}
    assert schedule.weekdays == {1, 2, 3, 4, 5}
    assert not schedule.any_day
    assert cron.parse("5/20 * ? * *").minutes == {5, 25, 45}
    assert cron.parse("5/20 * ? * *").any_day


def test_descriptors() -> None:
    assert cron.parse("@daily") == cron.parse("0 0 * * *")
    assert cron.parse("@every 1h30m").every_seconds == 5400
    assert cron.parse("@every 1ms").every_seconds == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty spec string"),
        ("* * * *", "expected exactly 5 fields, found 4: [* * * *]"),
        ("@often", "unrecognized descriptor: @often"),
        ("60 * * * *", "end of range (60) above maximum (59): 60"),
        ("* * 0 * *", "beginning of range (0) below minimum (1): 0"),
        ("5-1 * * * *", "beginning of range (5) beyond end of range (1): 5-1"),
        ("*/0 * * * *", "step of range should be a positive number: */0"),
        ("1-2-3 * * * *", "too many hyphens: 1-2-3"),
        ("1/2/3 * * * *", "too many slashes: 1/2/3"),
        ("x * * * *", 'failed to parse int from x: strconv.Atoi: parsing "x": invalid syntax'),
        ("@every x", 'failed to parse duration @every x: time: invalid duration "x"'),
    ],
)
def test_errors(text: str, message: str) -> None:
    with pytest.raises(CronError) as caught:
        cron.parse(text)
    assert str(caught.value) == message
