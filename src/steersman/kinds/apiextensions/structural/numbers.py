"""Numbers: their bounds by a schema, and how they are shown in messages."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from steersman.api.field import ErrorType

if TYPE_CHECKING:
    from steersman.kinds.types.apiextensions_v1 import JSONSchemaProps

_RANGES = {"int32": 2**31, "int64": 2**63, "": 2**63}
_FLOAT_MAX = 3.4028235677973366e38

Problem = tuple[ErrorType, str | None, Any, str]


def shown(value: float) -> int | float:
    """A number as JSON without a fraction where it has none, so that 1.0 reads 1."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
        return int(value)
    return value


def text_of(value: Any) -> str:
    """A JSON value as messages show it."""
    if isinstance(value, float):
        return _float_text(value)
    return msgspec.json.encode(value, order="deterministic").decode()


def _float_text(value: float) -> str:
    plain = shown(value)
    if isinstance(plain, int):
        return str(plain)
    text = repr(value)
    mantissa, e, exponent = text.partition("e")
    if not e:
        return text
    number = int(exponent)
    if -5 < number < 21:
        return f"{value:f}".rstrip("0")
    sign = "-" if number < 0 else "+"
    return f"{mantissa}e{sign}{abs(number):02d}"


class Bounds(NamedTuple):
    """What a schema says of numbers. `type` is empty where several types are possible."""

    type: str
    format: str
    minimum: float | None
    maximum: float | None
    above: bool
    below: bool
    multiple: float | None

    @classmethod
    def of(cls, schema: JSONSchemaProps, types: tuple[str, ...], format_: str) -> Bounds | None:
        """None where it says nothing."""
        type_ = types[0] if len(types) == 1 and types[0] in ("integer", "number") else ""
        found = cls(
            type_,
            format_ if type_ else "",
            schema.minimum,
            schema.maximum,
            bool(schema.exclusiveMinimum),
            bool(schema.exclusiveMaximum),
            schema.multipleOf,
        )
        limits = (found.minimum, found.maximum, found.multiple)
        return found if type_ == "integer" or found.format or any(v is not None for v in limits) else None

    def check(self, value: float, path: str) -> Iterator[Problem]:
        """What is wrong with a number."""
        if not self._in_range(value):
            which = f"with format {self.format}" if self.format else "(default format)"
            yield ErrorType.INVALID, None, "", f"Checked value must be of type {self.type} {which} in {path}"
        if self.multiple is not None and not self._is_multiple(value, self.multiple):
            factor = text_of(self.multiple)
            if self.multiple <= 0:
                detail = f"factor MultipleOf declared for {path} must be positive: {factor}"
                yield ErrorType.INVALID, path, self.multiple, detail
            else:
                yield ErrorType.INVALID, path, value, f"{path} in body should be a multiple of {factor}"
        if self.minimum is not None and (value <= self.minimum if self.above else value < self.minimum):
            words = "greater than" if self.above else "greater than or equal to"
            yield ErrorType.INVALID, path, value, f"{path} in body should be {words} {text_of(self.minimum)}"
        if self.maximum is not None and (value >= self.maximum if self.below else value > self.maximum):
            words = "less than" if self.below else "less than or equal to"
            yield ErrorType.INVALID, path, value, f"{path} in body should be {words} {text_of(self.maximum)}"

    def _in_range(self, value: float) -> bool:
        if self.type == "integer":
            limit = _RANGES[self.format]
            return -limit <= value < limit and float(value).is_integer()
        return self.format != "float" or abs(value) <= _FLOAT_MAX

    @staticmethod
    def _is_multiple(value: float, factor: float) -> bool:
        if factor <= 0:
            return False
        if isinstance(value, int) and float(factor).is_integer():
            return value % int(factor) == 0
        quotient = 1 / factor * value if factor < 1 else value / factor
        if not math.isfinite(quotient):
            # Larger than any number that could be told from its neighbours.
            return False
        nearest = round(quotient)
        return abs(quotient - nearest) <= 1e-9 * max(abs(quotient), 1.0)
