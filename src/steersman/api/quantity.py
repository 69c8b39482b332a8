"""Resource quantities in exact arithmetic: parsing, Kubernetes' canonical form, comparison and sums.

A quantity is kept as a whole number of nanos, the smallest step the API knows, so nothing is ever a float.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from fractions import Fraction
from functools import lru_cache

Quantity = str | int | float

NANO = 10**9
_MAX_BINARY = (2**63 - 1) * NANO
_MAX_EXPONENT = 100  # far beyond any use; keeps a hostile "1e999999999" from becoming a huge integer
_MAX_DIGITS = 200

# No digit may belong to the number or to the suffix as one likes: a long text would be tried with each of them.
_SHAPE = re.compile(r"([+-]?)([0-9]*)(?:\.([0-9]*))?((?:[eEinumkKMGTP]+[-+]?[0-9]*|[-+][0-9]*)?)\Z", re.ASCII)
_EXPONENT = re.compile(r"^[eE]([-+]?[0-9]+)$", re.ASCII)
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_DECIMAL_SUFFIX = {exponent: suffix for suffix, exponent in _DECIMAL.items()}
_BINARY_SUFFIX = {exponent // 10: suffix for suffix, exponent in _BINARY.items()}

_SI, _POWER_OF_TWO, _SCIENTIFIC = "DecimalSI", "BinarySI", "DecimalExponent"

FORMAT_ERROR = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
NUMERIC_ERROR = "unable to parse numeric part of quantity"
SUFFIX_ERROR = "unable to parse quantity's suffix"


class QuantityError(ValueError):
    """A text that is no quantity."""


def canonical(x: Quantity) -> str:
    """The one way Kubernetes writes this amount: "0.5" is "500m", "1024Mi" is "1Gi". Raises QuantityError."""
    return _canonical(_text(x))


def parse(x: Quantity) -> Fraction | int:
    """The exact amount, an int where it is whole. Raises QuantityError."""
    amount = nano(x)
    return amount // NANO if amount % NANO == 0 else Fraction(amount, NANO)


def nano(x: Quantity) -> int:
    """The amount in billionths, rounded away from zero. Raises QuantityError."""
    return _parse(_text(x))[0]


def value(x: Quantity) -> int:
    """The amount in whole units, rounded up. Raises QuantityError."""
    return _scaled(nano(x), NANO)


def milli(x: Quantity) -> int:
    """The amount in thousandths, rounded up. Raises QuantityError."""
    return _scaled(nano(x), 10**6)


def compare(a: Quantity, b: Quantity) -> int:
    """-1, 0 or 1 as a is less than, equal to or greater than b."""
    left, right = nano(a), nano(b)
    return (left > right) - (left < right)


def equal(a: Quantity, b: Quantity) -> bool:
    """Whether both are the same amount, however written."""
    return a == b or nano(a) == nano(b)


def add(a: Quantity, b: Quantity) -> str:
    """a + b in a's notation, or in b's when a is zero."""
    return total((a, b))


def sub(a: Quantity, b: Quantity) -> str:
    """a - b in a's notation, or in b's when a is zero."""
    left, notation = _parse(_text(a))
    right, other = _parse(_text(b))
    return _write(left - right, notation if left else other)


def total(amounts: Iterable[Quantity]) -> str:
    """The sum in the notation of the first amount that is not zero; "0" for none."""
    amount, notation = 0, _SI
    for x in amounts:
        n, its = _parse(_text(x))
        if not amount:
            notation = its
        amount += n
    return _write(amount, notation)


def from_value(units: int, *, binary: bool = False) -> str:
    """The quantity of a whole number: 1024 is "1024", or "1Ki" when binary."""
    return _write(units * NANO, _POWER_OF_TWO if binary else _SI)


def from_milli(thousandths: int) -> str:
    """The quantity of a number of thousandths: 1500 is "1500m", 2000 is "2"."""
    return _write(thousandths * 10**6, _SI)


def _text(x: Quantity) -> str:
    if isinstance(x, str):
        return x
    if isinstance(x, bool):
        raise QuantityError(FORMAT_ERROR)
    return repr(x)


def _scaled(nanos: int, unit: int) -> int:
    return -(-nanos // unit) if nanos >= 0 else nanos // unit


@lru_cache(maxsize=2048)
def _parse(text: str) -> tuple[int, str]:
    """Nanos and notation of a quantity."""
    shape = _SHAPE.match(text.strip())
    if shape is None:
        raise QuantityError(FORMAT_ERROR)
    sign, whole, fraction, suffix = shape[1], shape[2], shape[3] or "", shape[4]
    if not whole and not fraction:
        raise QuantityError(FORMAT_ERROR)
    if len(whole) + len(fraction) > _MAX_DIGITS:
        raise QuantityError(NUMERIC_ERROR)
    notation, base, exponent = _suffix(suffix)
    numerator = int(whole + fraction) * NANO
    denominator: int = 10 ** len(fraction)
    if exponent >= 0:
        numerator *= base**exponent
    else:
        denominator *= base**-exponent
    nanos = -(-numerator // denominator)
    if notation == _POWER_OF_TWO:
        nanos = min(nanos, _MAX_BINARY)
        if 0 < nanos < NANO:
            notation = _SI  # less than one cannot be written with a power of two
    return (-nanos if sign == "-" else nanos), notation


def _suffix(suffix: str) -> tuple[str, int, int]:
    """Notation, base and exponent that a suffix stands for."""
    if suffix in _DECIMAL:
        return _SI, 10, _DECIMAL[suffix]
    if suffix in _BINARY:
        return _POWER_OF_TWO, 2, _BINARY[suffix]
    scientific = _EXPONENT.match(suffix)
    if scientific is None:
        raise QuantityError(SUFFIX_ERROR)
    if len(scientific[1]) > 6 or abs(int(scientific[1])) > _MAX_EXPONENT:
        raise QuantityError(NUMERIC_ERROR)
    return _SCIENTIFIC, 10, int(scientific[1])


@lru_cache(maxsize=2048)
def _canonical(text: str) -> str:
    return _write(*_parse(text))


def _write(nanos: int, notation: str) -> str:
    """The canonical text: no fraction, the largest suffix that loses nothing."""
    if nanos == 0:
        return "0"
    if notation == _POWER_OF_TWO and abs(nanos) >= 1024 * NANO and nanos % NANO == 0:
        return _write_binary(nanos // NANO)
    mantissa, exponent = nanos, -9
    while mantissa % 1000 == 0 and (notation == _SCIENTIFIC or exponent < 18):
        mantissa //= 1000
        exponent += 3
    if notation == _SCIENTIFIC:
        return f"{mantissa}e{exponent}" if exponent else str(mantissa)
    return f"{mantissa}{_DECIMAL_SUFFIX[exponent]}"


def _write_binary(units: int) -> str:
    step = 0
    while units % 1024 == 0 and step < 6:
        units //= 1024
        step += 1
    return f"{units}{_BINARY_SUFFIX[step]}" if step else str(units)
