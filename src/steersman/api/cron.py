"""Cron schedules: the five fields, names of months and days, steps, and the @-descriptors."""

from __future__ import annotations

import re
from dataclasses import dataclass

from steersman.api import duration
from steersman.api.memo import short

_MONTHS = {
    m: i
    for i, m in enumerate(["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], start=1)
}
_DAYS = {d: i for i, d in enumerate(["sun", "mon", "tue", "wed", "thu", "fri", "sat"])}
_DESCRIPTORS = {
    "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
}  # fmt: skip


class CronError(ValueError):
    """A text that is no schedule."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """When to act. `any_day` and `any_weekday` tell a `*` from a list: two lists of days are alternatives."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    any_day: bool = False
    any_weekday: bool = False
    every_seconds: float = 0.0
    """For `@every`: the distance, instead of all the rest."""


@short(512)
def parse(text: str) -> Schedule:
    """The schedule that a text such as `*/5 8-18 * * mon-fri` or `@daily` means. Raises CronError."""
    if not text:
        raise CronError("empty spec string")
    if text.startswith("@every "):
        try:
            seconds = duration.parse(text.removeprefix("@every "))
        except duration.DurationError as e:
            raise CronError(f"failed to parse duration {text}: {e}") from e
        none: frozenset[int] = frozenset()
        return Schedule(none, none, none, none, none, every_seconds=max(1.0, float(int(seconds))))
    if text.startswith("@") and text not in _DESCRIPTORS:
        raise CronError(f"unrecognized descriptor: {text}")
    fields = _DESCRIPTORS.get(text, text).split()
    if len(fields) != 5:
        raise CronError(f"expected exactly 5 fields, found {len(fields)}: [{' '.join(fields)}]")
    return Schedule(
        minutes=_values(fields[0], 0, 59, {}),
        hours=_values(fields[1], 0, 23, {}),
        days=_values(fields[2], 1, 31, {}),
        months=_values(fields[3], 1, 12, _MONTHS),
        weekdays=_values(fields[4], 0, 6, _DAYS),
        any_day=fields[2] in ("*", "?"),
        any_weekday=fields[4] in ("*", "?"),
    )


def _values(text: str, low: int, high: int, names: dict[str, int]) -> frozenset[int]:
    return frozenset(v for part in text.split(",") for v in _range(part, low, high, names))


def _range(text: str, low: int, high: int, names: dict[str, int]) -> range:
    spread, *steps = text.split("/")
    bounds = spread.split("-")
    if len(bounds) > 2:
        raise CronError(f"too many hyphens: {text}")
    if len(steps) > 1:
        raise CronError(f"too many slashes: {text}")
    if bounds[0] in ("*", "?") and len(bounds) == 1:
        start, end = low, high
    else:
        start = _number(bounds[0], names)
        # "5/15" means from 5 on, in steps.
        end = _number(bounds[1], names) if len(bounds) == 2 else (high if steps else start)
    step = _number(steps[0], {}) if steps else 1
    if start < low:
        raise CronError(f"beginning of range ({start}) below minimum ({low}): {text}")
    if end > high:
        raise CronError(f"end of range ({end}) above maximum ({high}): {text}")
    if start > end:
        raise CronError(f"beginning of range ({start}) beyond end of range ({end}): {text}")
    if step == 0:
        raise CronError(f"step of range should be a positive number: {text}")
    return range(start, end + 1, step)


def _number(text: str, names: dict[str, int]) -> int:
    if text.lower() in names:
        return names[text.lower()]
    if not re.fullmatch(r"[0-9]{1,9}", text, re.ASCII):
        raise CronError(f'failed to parse int from {text}: strconv.Atoi: parsing "{text}": invalid syntax')
    return int(text)
