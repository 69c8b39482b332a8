"""`"…".format([…])`: the clauses %s %d %f %e %b %o %x %X and %%."""

from __future__ import annotations

import math
import re
from typing import Any

from steersman.cel.errors import CostLimitExceeded, EvalError
from steersman.cel.library.conversion import format_double, format_duration, format_time
from steersman.cel.types import Type, type_name
from steersman.cel.values import LIST_TYPES, Duration, Timestamp, Uint, Value, entries, is_map, type_of

_CLAUSE = re.compile(r"%(?:\.([0-9]*))?(.?)", re.DOTALL)
_MAX_PRECISION = 100
_DEFAULT_PRECISION = 6
_MAX_TEXT = 16 * 2**20


_RAISED = str.maketrans("+-0123456789", "⁺⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def format_localized(template: str, args: list[Value]) -> str:
    """`format_text` with doubles as English readers write them: "1,234.500000" and "3.140000×10⁰⁰"."""
    return format_text(template, args, localized=True)


def format_text(template: str, args: list[Value], *, localized: bool = False) -> str:
    """The template with its clauses filled in. Raises EvalError."""
    parts: list[str] = []
    last, at, length = 0, 0, 0
    for found in _CLAUSE.finditer(template):
        parts.append(template[last : found.start()])
        last = found.end()
        verb = found.group(2)
        if verb == "%" and found.group(1) is None:
            parts.append("%")
            continue
        if verb == "":
            raise EvalError("unexpected end of string")
        if at >= len(args):
            raise EvalError(f"index {at} out of range")
        filled = _fill(verb, _precision(found.group(1)), args[at], localized)
        at += 1
        length += len(filled)
        if length > _MAX_TEXT:
            raise CostLimitExceeded
        parts.append(filled)
    parts.append(template[last:])
    return "".join(parts)


def _precision(text: str | None) -> int:
    if text is None:
        return _DEFAULT_PRECISION
    if not text or len(text) > 9 or int(text) > _MAX_PRECISION:
        raise EvalError(f"precision {text or 'missing'} exceeds maximum allowed precision {_MAX_PRECISION}")
    return int(text)


def _fill(verb: str, precision: int, value: Value, localized: bool) -> str:
    if verb == "s":
        return as_text(value)
    if verb == "d":
        return _decimal(value)
    if verb in "fe":
        return _real(verb, precision, value, localized)
    if verb == "b":
        if type(value) is bool:
            return str(int(value))
        return _signed(value, "b", "only integers and bools can be formatted as binary")
    if verb == "o":
        return _signed(value, "o", "octal clause can only be used on integers")
    if verb in "xX":
        return _hex(verb, value)
    raise EvalError(f'could not parse formatting clause: unrecognized formatting clause "{verb}"')


def _wrong(what: str, value: Value) -> EvalError:
    return EvalError(f"error during formatting: {what}, was given {type_name(type_of(value))}")


def _decimal(value: Value) -> str:
    if type(value) in (int, Uint):
        return str(int(value))
    if type(value) is float and (math.isnan(value) or math.isinf(value)):
        return _special(value)
    raise _wrong("decimal clause can only be used on integers", value)


def _special(value: float) -> str:
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _real(verb: str, precision: int, value: Value, localized: bool) -> str:
    if type(value) is str and value in ("NaN", "Infinity", "-Infinity"):
        return str(value)
    if type(value) in (int, Uint):
        value = float(value)
    if type(value) is not float:
        what = "fixed-point" if verb == "f" else "scientific"
        raise _wrong(f"{what} clause can only be used on doubles", value)
    if math.isnan(value) or math.isinf(value):
        return _special(value)
    if not localized:
        return format(value, f".{precision}{verb}")
    if verb == "f":
        return format(value, f",.{precision}f")
    mantissa, _, power = format(value, f".{precision}e").partition("e")
    return f"{mantissa}×10{power.removeprefix('+').translate(_RAISED)}"


def _signed(value: Value, base: str, what: str) -> str:
    if type(value) not in (int, Uint):
        raise _wrong(what, value)
    return format(int(value), base)


def _hex(verb: str, value: Value) -> str:
    if type(value) is str:
        value = value.encode("utf-8", "replace")
    if type(value) is bytes:
        return value.hex().upper() if verb == "X" else value.hex()
    return _signed(value, verb, "only integers, byte buffers, and strings can be formatted as hex")


def as_text(value: Value) -> str:
    """A value as %s writes it. Raises EvalError."""
    kind = type(value)
    if kind in LIST_TYPES:
        return "[" + ", ".join(_inner(item) for item in value) + "]"
    simple = _simple(value)
    if simple is not None:
        return simple
    if is_map(value):
        pairs = sorted((_inner(key), _inner(held)) for key, held in entries(value).items())
        return "{" + ", ".join(f"{key}: {held}" for key, held in pairs) + "}"
    raise _wrong(
        "string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps",
        value,
    )


def _simple(value: Any) -> str | None:
    kind = type(value)
    if kind is str:
        return str(value)
    if value is None or kind is bool:
        return {None: "null", True: "true", False: "false"}[value]
    if kind in (int, Uint):
        return str(int(value))
    if kind is float:
        return _special(value) if math.isnan(value) or math.isinf(value) else format_double(value)
    if kind is bytes:
        return str(value.decode("utf-8", "replace"))
    if kind is Timestamp:
        return format_time(value)
    if kind is Duration:
        return format_duration(value)
    return type_name(value) if kind is Type else None


def _inner(value: Value) -> str:
    return as_text(value)
