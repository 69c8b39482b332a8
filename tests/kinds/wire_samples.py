"""Objects of any type, made up for tests of the protobuf encoding."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from msgspec import Struct

from steersman.api.shape import Choice, Leaf, ListOf, MapOf, ObjectOf, Shape
from steersman.kinds.wire_fields import Field, fields

_WORDS = ("a", "web", "Ünïcode €", "x" * 130, "node-1")
_JSON: tuple[Any, ...] = (True, False, 0, 7, "", "text", [], [1, "a"], {}, {"kind": "X", "n": {"b": [None]}}, 1.5)
_LEAVES: Mapping[Leaf, Callable[[Random], Any]] = {
    Leaf.STRING: lambda r: r.choice(_WORDS),
    Leaf.INT32: lambda r: r.choice((0, 1, -1, 127, 128, 8080, 2**31 - 1, -(2**31))),
    Leaf.INT64: lambda r: r.choice((0, 1, -1, 300, 2**63 - 1, -(2**63))),
    Leaf.FLOAT: lambda r: r.choice((0.0, 1.5, -2.25, 1e300)),
    Leaf.BOOL: lambda r: r.random() < 0.5,
    Leaf.INT_OR_STRING: lambda r: r.choice((0, 1, -1, 70000, "25%", "")),
    Leaf.QUANTITY: lambda r: r.choice(("1", "100m", "1Gi", "1500m", "2k")),
    Leaf.TIME: lambda r: r.choice(("2026-01-02T03:04:05Z", "1970-01-01T00:00:00Z", "1969-12-31T23:59:59Z")),
    Leaf.MICRO_TIME: lambda r: r.choice(("2026-01-02T03:04:05.000006Z", "1969-12-31T23:59:59.999999Z")),
    Leaf.BYTES: lambda r: base64.b64encode(r.randbytes(r.choice((1, 2, 200)))).decode(),
    Leaf.ANY: lambda r: r.choice(_JSON),
}


def make(cls: type[Struct], random: Random, depth: int = 5) -> Any:
    """An object in which what is zero is absent, and an object that Go always has is there."""
    values = {}
    for field in _flat(fields(cls)):
        value = _field(field, random, depth)
        if value is not None:
            values[field.attribute] = value
    return cls(**values)


def _flat(known: Mapping[int, Field]) -> list[Field]:
    return [f for field in known.values() for f in ([field] if field.inline is None else _flat(field.inline))]


def _field(field: Field, random: Random, depth: int) -> Any:
    shape = field.shape
    assert shape is not None
    if not field.present and isinstance(shape, ObjectOf):
        return make(shape.type, random, depth - 1)
    if not field.present and shape is Leaf.QUANTITY:
        return _value(shape, random, depth)
    if depth <= 0 or random.random() < 0.4:
        return None
    value = _value(shape, random, depth)
    if value in ("", 0, False) and not (field.present and field.told):
        return None
    return value


def _value(shape: Shape, random: Random, depth: int) -> Any:
    if isinstance(shape, Leaf):
        return _LEAVES[shape](random)
    if isinstance(shape, ObjectOf):
        return make(shape.type, random, depth - 1)
    if isinstance(shape, Choice):
        return _value(random.choice(shape.options), random, depth - 1)
    size = random.choice((1, 2))
    if isinstance(shape, ListOf):
        return [_value(shape.item, random, depth - 1) for _ in range(size)]
    assert isinstance(shape, MapOf)
    return {random.choice(_WORDS): _value(shape.value, random, depth - 1) for _ in range(size)}
