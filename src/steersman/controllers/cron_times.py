"""The moments of a cron schedule: the next one, and the last one that has passed. Pure functions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from steersman.api.cron import Schedule

# A schedule that names no day of the next years (31 February) never comes.
_HORIZON = timedelta(days=5 * 366)
# The last passed moment is looked for in growing spans, because there may be very many before it.
_SPANS = (timedelta(hours=2), timedelta(days=2), timedelta(days=64), timedelta(days=800), _HORIZON)
MANY = 100


def next_after(schedule: Schedule, moment: datetime, zone: tzinfo = UTC) -> datetime | None:
    """The first moment of the schedule after `moment`, by the clocks of `zone`; None when there is none."""
    if schedule.every_seconds:
        return moment.replace(microsecond=0) + timedelta(seconds=schedule.every_seconds)
    local = moment.astimezone(zone).replace(tzinfo=None, second=0, microsecond=0) + timedelta(minutes=1)
    for found in _walk(schedule, local, local + _HORIZON):
        aware = found.replace(tzinfo=zone)
        # An hour that the clocks leave out in spring does not come.
        exists = aware.astimezone(UTC).astimezone(zone).replace(tzinfo=None) == found
        if exists and aware > moment:
            return aware.astimezone(UTC)
    return None


def _walk(schedule: Schedule, start: datetime, end: datetime) -> Iterator[datetime]:
    day = start.date()
    while day <= end.date():
        if day.month not in schedule.months:
            day = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
            continue
        if _is_day(schedule, day):
            for hour in sorted(schedule.hours):
                for minute in sorted(schedule.minutes):
                    found = datetime.combine(day, time(hour, minute))
                    if found >= start:
                        yield found
        day += timedelta(days=1)


def _is_day(schedule: Schedule, day: date) -> bool:
    in_month = day.day in schedule.days
    in_week = day.isoweekday() % 7 in schedule.weekdays
    if schedule.any_day or schedule.any_weekday:
        return in_month and in_week
    return in_month or in_week


@dataclass(frozen=True, slots=True)
class Passed:
    """The last moment that has passed, and how many had (counted to MANY + 1 at the most)."""

    last: datetime | None
    count: int


def passed(schedule: Schedule, earliest: datetime, now: datetime, zone: tzinfo = UTC) -> Passed:
    """The moments after `earliest` and not after `now`."""
    count, moment = 0, next_after(schedule, earliest, zone)
    last: datetime | None = None
    while moment is not None and moment <= now and count <= MANY:
        count, last = count + 1, moment
        moment = next_after(schedule, moment, zone)
    if count <= MANY:
        return Passed(last, count)
    for span in _SPANS:
        found = _last_within(schedule, max(earliest, now - span), now, zone)
        if found is not None:
            return Passed(found, count)
    return Passed(last, count)


def _last_within(schedule: Schedule, start: datetime, now: datetime, zone: tzinfo) -> datetime | None:
    if schedule.every_seconds:
        steps = int((now - start).total_seconds() // schedule.every_seconds)
        return start + timedelta(seconds=steps * schedule.every_seconds) if steps else None
    last, moment = None, next_after(schedule, start, zone)
    while moment is not None and moment <= now:
        last, moment = moment, next_after(schedule, moment, zone)
    return last
