"""Brings the scalars of a decoded object into their one spelling: quantities, times and byte strings, by paths that are
found once per type."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import Struct

from steersman.api import meta, quantity, shape
from steersman.api.decode_error import DecodeError
from steersman.api.memo import Memo
from steersman.api.shape import Choice, Leaf, ListOf, MapOf, ObjectOf, Shape
from steersman.api.untyped import encoding_hook

_Scalar = Callable[[Any], Any]
_Visit = Callable[[Any, str], Any]
"""Takes a value and its path, and gives the value to put in its place."""

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:\d\d)")
_LAYOUT = "2006-01-02T15:04:05Z07:00"
_SETTLED = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def _quantity(value: Any) -> str:
    try:
        return quantity.canonical(value)
    except quantity.QuantityError as error:
        raise DecodeError(str(error)) from error


def _time(value: str) -> str:
    if not value or (_SETTLED.fullmatch(value) and _is_date(value)):
        return value
    return meta.format_time(_moment(value))


def _micro_time(value: str) -> str:
    return meta.format_micro_time(_moment(value)) if value else value


def _is_date(value: str) -> bool:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def _moment(value: str) -> datetime:
    try:
        if not _TIME.fullmatch(value):
            raise ValueError(value)
        # Python keeps six digits of a second, Go nine; the API writes at most six.
        return datetime.fromisoformat(re.sub(r"([.,]\d{6})\d+", r"\1", value)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise DecodeError(f'parsing time "{value}" as "{_LAYOUT}": cannot parse "{value}" as "2006"') from error


def _bytes(value: str) -> str:
    try:
        base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        # Go skips line breaks in base64, and writes the value again without them.
        joined = value.replace("\n", "").replace("\r", "")
        if joined != value:
            return _bytes(joined)
        raise DecodeError(f"illegal base64 data at input byte {_bad_byte(value)}") from error
    return value


def _bad_byte(value: str) -> int:
    good = re.match(r"[A-Za-z0-9+/]*", value)
    return good.end() if good else 0


_QUANTITIES: dict[Leaf, _Scalar] = {Leaf.QUANTITY: _quantity}
_TIMES: dict[Leaf, _Scalar] = {Leaf.TIME: _time, Leaf.MICRO_TIME: _micro_time, Leaf.BYTES: _bytes}


class _Plans:
    """Which attributes of each type lead to the scalars of interest. Types that lead to none cost nothing."""

    def __init__(self, scalars: dict[Leaf, _Scalar]) -> None:
        self.scalars = scalars
        self.plans: dict[type[Struct], list[tuple[str, str, _Visit]]] = {}
        self.relevant: dict[type[Struct], bool] = {}

    def apply(self, obj: Struct, path: str = "", *, skip: str = "") -> None:
        plan = self.plans.get(type(obj))
        if plan is None:
            plan = self.plans[type(obj)] = self.plan(type(obj))
        for attribute, wire, visit in plan:
            value = getattr(obj, attribute)
            if value is not None and wire != skip:
                fresh = visit(value, f"{path}.{wire}" if path else wire)
                if fresh is not value:
                    setattr(obj, attribute, fresh)

    def plan(self, cls: type[Struct]) -> list[tuple[str, str, _Visit]]:
        out = []
        for wire, field in shape.fields(cls).items():
            visit = self.visitor(field.shape)
            if visit is not None:
                out.append((field.attribute, wire, visit))
        return out

    def visitor(self, of: Shape) -> _Visit | None:
        if isinstance(of, Leaf):
            scalar = self.scalars.get(of)
            return None if scalar is None else _at_path(scalar)
        if isinstance(of, ObjectOf):
            return self.object if self.leads(of.type) else None
        if isinstance(of, Choice):
            return self.choice if any(self.visitor(o) for o in of.options) else None
        inner = self.visitor(of.item if isinstance(of, ListOf) else of.value)
        if inner is None:
            return None
        return _over_list(inner) if isinstance(of, ListOf) else _over_map(inner)

    def object(self, value: Any, path: str) -> Any:
        self.apply(value, path)
        return value

    def choice(self, value: Any, path: str) -> Any:
        """The objects of a choice, alone or in a list; its other options hold no scalars of interest."""
        if isinstance(value, Struct):
            self.apply(value, path)
        elif isinstance(value, list):
            for index, item in enumerate(value):
                self.choice(item, f"{path}[{index}]")
        return value

    def leads(self, cls: type[Struct]) -> bool:
        """Whether a scalar of interest is somewhere below the type."""
        found = self.relevant.get(cls)
        if found is None:
            found = self.relevant[cls] = any(_leaf_below(self.scalars, cls, set()))
        return found


def _leaf_below(scalars: dict[Leaf, _Scalar], cls: type[Struct], seen: set[type[Struct]]) -> Iterable[bool]:
    seen.add(cls)
    pending: list[Shape] = [f.shape for f in shape.fields(cls).values()]
    while pending:
        of = pending.pop()
        if isinstance(of, Leaf):
            if of in scalars:
                yield True
        elif isinstance(of, Choice):
            pending += of.options
        elif isinstance(of, ListOf):
            pending.append(of.item)
        elif isinstance(of, MapOf):
            pending.append(of.value)
        elif of.type not in seen:
            yield from _leaf_below(scalars, of.type, seen)


def _at_path(scalar: _Scalar) -> _Visit:
    def visit(value: Any, path: str) -> Any:
        try:
            return scalar(value)
        except DecodeError as error:
            raise DecodeError(f"{path}: {error.message}") from error

    return visit


def _over_list(inner: _Visit) -> _Visit:
    def visit(value: list[Any], path: str) -> list[Any]:
        for index, item in enumerate(value):
            fresh = inner(item, f"{path}[{index}]")
            if fresh is not item:
                value[index] = fresh
        return value

    return visit


def _over_map(inner: _Visit) -> _Visit:
    def visit(value: dict[str, Any], path: str) -> dict[str, Any]:
        for key, item in value.items():
            fresh = inner(item, f"{path}.{key}")
            if fresh is not item:
                value[key] = fresh
        return value

    return visit


_quantity_plans = _Plans(_QUANTITIES)
_time_plans = _Plans(_TIMES)
_all_plans = _Plans({**_QUANTITIES, **_TIMES})
_SPEC = "spec"
_normal: Memo[bool] = Memo()
_encoder = msgspec.json.Encoder(enc_hook=encoding_hook)


def canonicalize_quantities(obj: Struct) -> None:
    """Writes every quantity in its canonical form, in place. DecodeError with the path of one that is none."""
    _quantity_plans.apply(obj)


def validate_times(obj: Struct) -> None:
    """Writes every time in UTC, in place, and checks byte strings. DecodeError with the path of a malformed one."""
    _time_plans.apply(obj)


def normalize(obj: Struct) -> None:
    """Both of the above in one walk. A spec that had nothing to normalise is known the next time."""
    spec = getattr(obj, _SPEC, None)
    if not isinstance(spec, Struct):
        _all_plans.apply(obj)
        return
    before = _encoder.encode(spec)
    known = _normal.get(type(spec), before) is not None
    _all_plans.apply(obj, skip=_SPEC if known else "")
    if not known and _encoder.encode(spec) == before:
        _normal.put(type(spec), before, True)
