"""Conversions between types, sizes, and the string functions every CEL has."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta

from steersman.cel.costs import CONTAINS, Cost, Range, laborious, traverse
from steersman.cel.errors import EvalError
from steersman.cel.functions import Library, Overload, function, method
from steersman.cel.library.regex import MATCHING, matches
from steersman.cel.types import (
    BOOL,
    BYTES,
    DOUBLE,
    DURATION,
    DYN,
    INT,
    LIST_OF_A,
    MAP_OF_AB,
    PARAM_A,
    STRING,
    TIMESTAMP,
    UINT,
    Type,
)
from steersman.cel.values import (
    MAX_INT,
    MAX_TIME,
    MAX_UINT,
    MIN_INT,
    MIN_TIME,
    NANO,
    Duration,
    Timestamp,
    Uint,
    Value,
    entries,
    type_of,
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INT = re.compile(r"[+-]?[0-9]{1,40}", re.ASCII)
_UINT = re.compile(r"[0-9]{1,40}", re.ASCII)
_DOUBLE = re.compile(
    r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,6})?|[+-]?(?:inf|infinity|nan)", re.IGNORECASE
)
_TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,20}))?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_PART = re.compile(r"([0-9]{0,30})(?:\.([0-9]{0,30}))?(ns|us|µs|μs|ms|s|m|h)", re.ASCII)
_UNITS = {"ns": 1, "us": 10**3, "µs": 10**3, "μs": 10**3, "ms": 10**6, "s": NANO, "m": 60 * NANO, "h": 3600 * NANO}
_MAX_NUMBER = 1000
"""Longer texts are no numbers and no durations."""
_TRUE, _FALSE = {"1", "t", "T", "true", "TRUE", "True"}, {"0", "f", "F", "false", "FALSE", "False"}


def parse_time(text: str) -> Timestamp:
    """An RFC 3339 instant. Raises EvalError."""
    found = _TIME.fullmatch(text)
    if found is None:
        raise EvalError(f'parsing time "{text[:100]}" as "2006-01-02T15:04:05Z07:00": cannot parse')
    year, month, day, hour, minute, second = (int(found.group(at)) for at in range(1, 7))
    try:
        moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
        offset = _offset(found.group(8))
    except ValueError as err:
        raise EvalError(f'parsing time "{text[:100]}": {err}') from None
    fraction = int((found.group(7) or "").ljust(9, "0")[:9])
    nanos = ((moment - _EPOCH) // timedelta(seconds=1) - offset) * NANO + fraction
    if not MIN_TIME <= nanos <= MAX_TIME:
        raise EvalError("timestamp overflow")
    return Timestamp(nanos, offset)


def _offset(text: str) -> int:
    if text in "Zz":
        return 0
    hours, minutes = int(text[1:3]), int(text[4:6])
    if hours > 23 or minutes > 59:
        raise ValueError("time zone offset out of range")
    return (hours * 60 + minutes) * (-60 if text[0] == "-" else 60)


def parse_date(text: str) -> Timestamp:
    """A date as the instant its day begins in UTC. Raises EvalError."""
    return parse_time(f"{text}T00:00:00Z")


def format_time(value: Timestamp) -> str:
    """RFC 3339 with as many digits as there are, in the zone the instant was written in."""
    seconds, nanos = divmod(value.nanos, NANO)
    try:
        moment = _EPOCH + timedelta(seconds=seconds + value.offset)
    except OverflowError:
        raise EvalError("timestamp overflow") from None
    zone = "Z" if value.offset == 0 else f"{'-' if value.offset < 0 else '+'}{_clock(abs(value.offset) // 60)}"
    fraction = f".{nanos:09d}".rstrip("0") if nanos else ""
    whole = f"{moment.year:04d}-{moment.month:02d}-{moment.day:02d}T{moment.hour:02d}:{moment.minute:02d}"
    return f"{whole}:{moment.second:02d}{fraction}{zone}"


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def parse_duration(text: str) -> Duration:
    """A duration such as "1h30m" or "-1.5s". Raises EvalError."""
    if len(text) > _MAX_NUMBER:
        raise EvalError("time: invalid duration")
    body = text.lstrip("+-") if text[:1] in ("+", "-") else text
    if len(text) - len(body) > 1 or not body:
        raise EvalError(f'time: invalid duration "{text[:100]}"')
    if body == "0":
        return Duration(0)
    total, at = 0, 0
    while at < len(body):
        found = _PART.match(body, at)
        if found is None or not (found.group(1) or found.group(2)):
            raise EvalError(f'time: invalid duration "{text[:100]}"')
        unit = _UNITS[found.group(3)]
        fraction = found.group(2) or ""
        total += int(found.group(1) or "0") * unit + (int(fraction) * unit // 10 ** len(fraction) if fraction else 0)
        at = found.end()
    total = -total if text[0] == "-" else total
    if not MIN_INT <= total <= MAX_INT:
        raise EvalError(f'time: invalid duration "{text[:100]}"')
    return Duration(total)


def format_duration(value: Duration) -> str:
    """Seconds, as in "5400s" or "0.25s"."""
    sign = "-" if value.nanos < 0 else ""
    seconds, nanos = divmod(abs(value.nanos), NANO)
    fraction = f".{nanos:09d}".rstrip("0") if nanos else ""
    return f"{sign}{seconds}{fraction}s"


def format_double(value: float) -> str:
    """A double as Go's shortest form writes it: "1", "0.5", "1e+30", "+Inf"."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    text = repr(value)
    mantissa, _, power = text.partition("e")
    exponent = math.floor(math.log10(abs(value))) if value else 0
    if -5 < exponent < 21:
        plain = format(value, "f") if not power and float(format(value, "f")) == value else _plain(value)
        return plain.rstrip("0").rstrip(".") if "." in plain else plain
    if not power:
        mantissa, power = _scientific(value)
    sign, digits = ("-", power[1:]) if power.startswith("-") else ("+", power.lstrip("+"))
    mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
    return f"{mantissa}e{sign}{digits.zfill(2)}"


def _plain(value: float) -> str:
    for places in range(30):
        text = f"{value:.{places}f}"
        if float(text) == value:
            return text
    return repr(value)


def _scientific(value: float) -> tuple[str, str]:
    for places in range(18):
        text = f"{value:.{places}e}"
        if float(text) == value:
            break
    mantissa, _, power = text.partition("e")
    sign = "-" if power[0] == "-" else ""
    return mantissa, sign + power[1:].lstrip("0")


def _int_of_text(text: str) -> int:
    if _INT.fullmatch(text):
        value = int(text)
        if MIN_INT <= value <= MAX_INT:
            return value
        raise EvalError(f'strconv.ParseInt: parsing "{text[:100]}": value out of range')
    raise EvalError(f'strconv.ParseInt: parsing "{text[:100]}": invalid syntax')


def _uint_of_text(text: str) -> Uint:
    if _UINT.fullmatch(text):
        value = int(text)
        if value <= MAX_UINT:
            return Uint(value)
        raise EvalError(f'strconv.ParseUint: parsing "{text[:100]}": value out of range')
    raise EvalError(f'strconv.ParseUint: parsing "{text[:100]}": invalid syntax')


def _int_of_double(value: float) -> int:
    if math.isnan(value) or not -(2.0**63) < value < 2.0**63:
        raise EvalError("integer overflow")
    return int(value)


def _uint_of_double(value: float) -> Uint:
    if math.isnan(value) or not 0 <= value < 2.0**64:
        raise EvalError("unsigned integer overflow")
    return Uint(int(value))


def _int_of_uint(value: Uint) -> int:
    if value > MAX_INT:
        raise EvalError("integer overflow")
    return int(value)


def _uint_of_int(value: int) -> Uint:
    if value < 0:
        raise EvalError("unsigned integer overflow")
    return Uint(value)


def _double_of_text(text: str) -> float:
    if len(text) <= _MAX_NUMBER and _DOUBLE.fullmatch(text):
        value = float(text)
        if not math.isinf(value) or "n" in text.lower():
            return value
        raise EvalError(f'strconv.ParseFloat: parsing "{text[:100]}": value out of range')
    raise EvalError(f'strconv.ParseFloat: parsing "{text[:100]}": invalid syntax')


def _bool_of_text(text: str) -> bool:
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise EvalError(f'strconv.ParseBool: parsing "{text[:100]}": invalid syntax')


def _text_of_bytes(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise EvalError("invalid UTF-8 in bytes, cannot convert to string") from None


def _time_of_int(seconds: int) -> Timestamp:
    if not MIN_TIME <= seconds * NANO <= MAX_TIME:
        raise EvalError("timestamp overflow")
    return Timestamp(seconds * NANO)


def _bytes_of_text(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def _same(value: Value) -> Value:
    return value


_UTF8 = Cost(traverse().charge, lambda args: (args[0].size.by(0.1), Range(args[0].size.low, args[0].size.high * 4)))
_TEXT = Cost(traverse().charge, lambda args: (args[0].size.by(0.1), Range(args[0].size.low // 4, args[0].size.high)))


def _conversions() -> list[Overload]:
    table: list[tuple[Type, Type, object]] = [
        (BOOL, BOOL, _same),
        (STRING, BOOL, _bool_of_text),
        (BYTES, BYTES, _same),
        (STRING, BYTES, _bytes_of_text),
        (DOUBLE, DOUBLE, _same),
        (INT, DOUBLE, float),
        (STRING, DOUBLE, _double_of_text),
        (UINT, DOUBLE, float),
        (DURATION, DURATION, _same),
        (STRING, DURATION, parse_duration),
        (INT, INT, _same),
        (DOUBLE, INT, _int_of_double),
        (STRING, INT, _int_of_text),
        (TIMESTAMP, INT, lambda t: t.nanos // NANO),
        (DURATION, INT, lambda d: d.nanos),
        (UINT, INT, _int_of_uint),
        (STRING, STRING, _same),
        (BOOL, STRING, lambda b: "true" if b else "false"),
        (BYTES, STRING, _text_of_bytes),
        (DOUBLE, STRING, format_double),
        (DURATION, STRING, format_duration),
        (INT, STRING, str),
        (TIMESTAMP, STRING, format_time),
        (UINT, STRING, str),
        (TIMESTAMP, TIMESTAMP, _same),
        (INT, TIMESTAMP, _time_of_int),
        (STRING, TIMESTAMP, parse_time),
        (UINT, UINT, _same),
        (DOUBLE, UINT, _uint_of_double),
        (INT, UINT, _uint_of_int),
        (STRING, UINT, _uint_of_text),
    ]
    costs = {
        (STRING, BYTES): _UTF8,
        (BYTES, STRING): _TEXT,
        (STRING, TIMESTAMP): laborious(20),
        (STRING, DURATION): laborious(20),
        (TIMESTAMP, STRING): laborious(20),
    }
    return [
        function(to.kind, f"{of.kind}_to_{to.kind}", (of,), to, run, costs.get((of, to)))  # type: ignore[arg-type]
        for of, to, run in table
    ]


def _size(value: Value) -> int:
    return len(value) if hasattr(value, "__len__") else len(entries(value))


def _sizes() -> list[Overload]:
    return [
        make("size", f"size_{t.kind}{word}", (t,), INT, _size)
        for t in (STRING, BYTES, LIST_OF_A, MAP_OF_AB)
        for make, word in ((function, ""), (method, "_inst"))
    ]


_START = traverse(1)

LIBRARY = Library(
    "conversion",
    [
        *_conversions(),
        *_sizes(),
        function("dyn", "to_dyn", (PARAM_A,), DYN, _same),
        function("type", "type", (PARAM_A,), Type("type", "type", (PARAM_A,)), type_of),
        method("contains", "contains_string", (STRING, STRING), BOOL, lambda a, b: b in a, CONTAINS),
        method("startsWith", "starts_with_string", (STRING, STRING), BOOL, str.startswith, _START),
        method("endsWith", "ends_with_string", (STRING, STRING), BOOL, str.endswith, _START),
        function("matches", "matches", (STRING, STRING), BOOL, matches, MATCHING),
        method("matches", "matches_string", (STRING, STRING), BOOL, matches, MATCHING),
    ],
)
