"""Parts of instants, in UTC or a named time zone, and of durations."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from steersman.cel.errors import EvalError
from steersman.cel.functions import Library, Overload, method
from steersman.cel.types import DURATION, INT, STRING, TIMESTAMP
from steersman.cel.values import NANO, Duration, Timestamp

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_OFFSET = re.compile(r"([+-]?)(\d\d):(\d\d)", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9_+\-]+(?:/[A-Za-z0-9_+\-]+)*", re.ASCII)
_PARTS: dict[str, Callable[[datetime], int]] = {
    "getFullYear": lambda t: t.year,
    "getMonth": lambda t: t.month - 1,
    "getDayOfYear": lambda t: t.timetuple().tm_yday - 1,
    "getDayOfMonth": lambda t: t.day - 1,
    "getDate": lambda t: t.day,
    "getDayOfWeek": lambda t: (t.weekday() + 1) % 7,
    "getHours": lambda t: t.hour,
    "getMinutes": lambda t: t.minute,
    "getSeconds": lambda t: t.second,
    "getMilliseconds": lambda t: t.microsecond // 1000,
}
_OF_DURATION: dict[str, Callable[[int], int]] = {
    "getHours": lambda nanos: int(nanos / (3600 * NANO)),
    "getMinutes": lambda nanos: int(nanos / (60 * NANO)),
    "getSeconds": lambda nanos: abs(nanos) // NANO * (1 if nanos >= 0 else -1),
    "getMilliseconds": lambda nanos: abs(nanos) // 10**6 * (1 if nanos >= 0 else -1),
}


@lru_cache(maxsize=64)
def _zone(name: str) -> tzinfo:
    """The zone of a name such as "Europe/Berlin" or an offset such as "-08:00". Raises EvalError."""
    offset = _OFFSET.fullmatch(name)
    if offset is not None:
        hours, minutes = int(offset.group(2)), int(offset.group(3))
        if hours > 23 or minutes > 59:
            raise EvalError(f"timezone offset out of range: {name}")
        minutes += hours * 60
        return timezone(timedelta(minutes=-minutes if offset.group(1) == "-" else minutes))
    if name in ("", "UTC"):
        return UTC
    if _NAME.fullmatch(name) is None:
        raise EvalError(f"unknown time zone {name}")
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise EvalError(f"unknown time zone {name}") from None


def _part(of: Callable[[datetime], int]) -> Callable[..., int]:
    def run(value: Timestamp, zone: str = "UTC") -> int:
        try:
            moment = _EPOCH + timedelta(microseconds=value.nanos // 1000)
            return of(moment if zone == "UTC" else moment.astimezone(_zone(zone)))
        except OverflowError:
            raise EvalError("timestamp overflow") from None

    return run


def _of_duration(of: Callable[[int], int]) -> Callable[[Duration], int]:
    return lambda value: of(value.nanos)


def _overloads() -> list[Overload]:
    found: list[Overload] = []
    for name, of in _PARTS.items():
        run = _part(of)
        found.append(method(name, f"timestamp_{name}", (TIMESTAMP,), INT, run))
        found.append(method(name, f"timestamp_{name}_with_tz", (TIMESTAMP, STRING), INT, run))
    found += [method(name, f"duration_{name}", (DURATION,), INT, _of_duration(of)) for name, of in _OF_DURATION.items()]
    return found


LIBRARY = Library("moments", _overloads())
