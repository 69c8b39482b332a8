"""Durations as text: Go's notation ("1h30m", "1.5s") both ways, and the short ages of kubectl's tables ("5m30s", "2d4h")."""

from __future__ import annotations

import re
from datetime import datetime
from fractions import Fraction

from steersman.api import meta

UNKNOWN = "<unknown>"

_MICRO_SIGNS = ("\u00b5s", "\u03bcs")  # the micro sign and the Greek letter
_NANOSECONDS = {
    "ns": 1, "us": 1000, **dict.fromkeys(_MICRO_SIGNS, 1000), "ms": 10**6,
    "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9,
}  # fmt: skip
_PART = re.compile(r"([0-9]{0,20})(?:\.([0-9]{0,40}))?([a-z\u00b5\u03bc]+)")
_MAX = 2**63 - 1
_MINUTE, _HOUR, _DAY, _YEAR = 60, 3600, 86400, 365 * 86400


class DurationError(ValueError):
    """A text that is no duration."""


def parse(text: str) -> float:
    """Seconds of a Go duration ("300ms", "-1.5h", "2h45m", "0"). Raises DurationError."""
    sign, rest = (-1, text[1:]) if text.startswith("-") else (1, text.removeprefix("+"))
    if rest == "0":
        return 0.0
    total, at = Fraction(0), 0
    while at < len(rest):
        part = _PART.match(rest, at)
        if part is None:
            has_number = re.fullmatch(r"(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)\.?", rest[at:])
            raise DurationError(f'time: {"missing unit in" if has_number else "invalid"} duration "{text}"')
        whole, fraction, unit = part[1], part[2] or "", part[3]
        if not whole and not fraction:
            raise DurationError(f'time: invalid duration "{text}"')
        if unit not in _NANOSECONDS:
            raise DurationError(f'time: unknown unit "{unit}" in duration "{text}"')
        total += Fraction(int(whole + fraction), 10 ** len(fraction)) * _NANOSECONDS[unit]
        at = part.end()
    if not rest or total > _MAX:
        raise DurationError(f'time: invalid duration "{text}"')
    return sign * int(total) / 1e9


def format_go(seconds: float) -> str:
    """The duration as Go writes it: "1h30m0s", "1.5s", "300ms", "0s"."""
    nanos = round(seconds * 10**9)
    if nanos == 0:
        return "0s"
    sign, nanos = ("-", -nanos) if nanos < 0 else ("", nanos)
    if nanos < 1000:
        return f"{sign}{nanos}ns"
    if nanos < 10**6:
        return f"{sign}{_decimal(nanos, 3)}{_MICRO_SIGNS[0]}"
    if nanos < 10**9:
        return f"{sign}{_decimal(nanos, 6)}ms"
    minutes, nanos = divmod(nanos, 60 * 10**9)
    hours, minutes = divmod(minutes, 60)
    out = f"{_decimal(nanos, 9)}s"
    if hours or minutes:
        out = f"{minutes}m{out}"
    return f"{sign}{hours}h{out}" if hours else f"{sign}{out}"


def age(timestamp: str, now: datetime) -> str:
    """How long ago a metav1.Time was, for people; `<unknown>` for none."""
    return human((now - meta.parse_time(timestamp)).total_seconds()) if timestamp else UNKNOWN


def human(seconds: float) -> str:
    """An age with two or three figures, as kubectl's AGE column: "45s", "5m30s", "3h12m", "2d4h", "400d", "2y30d"."""
    s = int(seconds)
    if s < 0:
        # A second of difference between two machines' clocks is taken as now.
        return "0s" if s == -1 else "<invalid>"
    if s < 2 * _MINUTE:
        return f"{s}s"
    if s < 10 * _MINUTE:
        return _two(s, _MINUTE, "m", 1, "s")
    if s < 3 * _HOUR:
        return f"{s // _MINUTE}m"
    if s < 8 * _HOUR:
        return _two(s, _HOUR, "h", _MINUTE, "m")
    if s < 2 * _DAY:
        return f"{s // _HOUR}h"
    if s < 8 * _DAY:
        return _two(s, _DAY, "d", _HOUR, "h")
    if s < 2 * _YEAR:
        return f"{s // _DAY}d"
    if s < 8 * _YEAR:
        return _two(s, _YEAR, "y", _DAY, "d")
    return f"{s // _YEAR}y"


def _two(seconds: int, unit: int, sign: str, small: int, small_sign: str) -> str:
    rest = seconds % unit // small
    return f"{seconds // unit}{sign}{rest}{small_sign}" if rest else f"{seconds // unit}{sign}"


def _decimal(number: int, digits: int) -> str:
    """`number` shifted right by `digits`, without trailing zeros."""
    whole, part = divmod(number, 10**digits)
    return f"{whole}.{part:0{digits}}".rstrip("0").rstrip(".")
