"""Resource quantities in exact arithmetic."""

from __future__ import annotations

from steersman.api import quantity as amounts
from steersman.cel.costs import laborious, traverse
from steersman.cel.errors import EvalError
from steersman.cel.functions import Library, function, method
from steersman.cel.types import BOOL, DOUBLE, INT, STRING, opaque
from steersman.cel.values import MAX_INT, MIN_INT, Opaque

QUANTITY_TYPE = opaque("kubernetes.Quantity")


class Quantity(Opaque):
    """An amount, in billionths."""

    __slots__ = ("nanos",)
    cel_type = QUANTITY_TYPE

    def __init__(self, nanos: int) -> None:
        self.nanos = nanos

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Quantity) and self.nanos == other.nanos

    def __hash__(self) -> int:
        return hash(self.nanos)


def parse(text: str) -> Quantity:
    """Raises EvalError."""
    if text != text.strip():
        raise EvalError(amounts.FORMAT_ERROR)
    try:
        return Quantity(amounts.nano(text))
    except amounts.QuantityError as err:
        raise EvalError(str(err)) from None


def _is_quantity(text: str) -> bool:
    try:
        parse(text)
    except EvalError:
        return False
    return True


def _is_integer(q: Quantity) -> bool:
    whole, rest = divmod(q.nanos, amounts.NANO)
    return rest == 0 and MIN_INT <= whole <= MAX_INT


def _as_integer(q: Quantity) -> int:
    if not _is_integer(q):
        raise EvalError("cannot convert value to integer")
    return q.nanos // amounts.NANO


def _compare(a: Quantity, b: Quantity) -> int:
    return (a.nanos > b.nanos) - (a.nanos < b.nanos)


_TRAVERSE = laborious(15, traverse())
_TWO, _WITH_INT = (QUANTITY_TYPE, QUANTITY_TYPE), (QUANTITY_TYPE, INT)

LIBRARY = Library(
    "kubernetes.quantity",
    [
        function("quantity", "string_to_quantity", (STRING,), QUANTITY_TYPE, parse, _TRAVERSE),
        function("isQuantity", "is_quantity_string", (STRING,), BOOL, _is_quantity, _TRAVERSE),
        function("sign", "quantity_sign", (QUANTITY_TYPE,), INT, lambda q: (q.nanos > 0) - (q.nanos < 0)),
        method("isGreaterThan", "quantity_is_greater_than", _TWO, BOOL, lambda a, b: a.nanos > b.nanos),
        method("isLessThan", "quantity_is_less_than", _TWO, BOOL, lambda a, b: a.nanos < b.nanos),
        method("compareTo", "quantity_compare_to", _TWO, INT, _compare),
        method("asApproximateFloat", "quantity_get_float", (QUANTITY_TYPE,), DOUBLE, lambda q: q.nanos / amounts.NANO),
        method("asInteger", "quantity_get_int", (QUANTITY_TYPE,), INT, _as_integer),
        method("isInteger", "quantity_is_integer", (QUANTITY_TYPE,), BOOL, _is_integer),
        method("add", "quantity_add", _TWO, QUANTITY_TYPE, lambda a, b: Quantity(a.nanos + b.nanos)),
        method("add", "quantity_add_int", _WITH_INT, QUANTITY_TYPE, lambda a, b: Quantity(a.nanos + b * amounts.NANO)),
        method("sub", "quantity_sub", _TWO, QUANTITY_TYPE, lambda a, b: Quantity(a.nanos - b.nanos)),
        method("sub", "quantity_sub_int", _WITH_INT, QUANTITY_TYPE, lambda a, b: Quantity(a.nanos - b * amounts.NANO)),
    ],
)
