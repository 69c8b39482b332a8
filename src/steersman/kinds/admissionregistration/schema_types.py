"""The types that expressions see of the API's own kinds, made from their declarations when a field is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct

from steersman.api import shape
from steersman.api.shape import Leaf, ListOf, MapOf, ObjectOf, Shape
from steersman.cel import BOOL, BYTES, DOUBLE, DYN, INT, STRING, TIMESTAMP, Type, escape, list_of, map_of
from steersman.cel.types import Field

_LEAVES: Mapping[Leaf, Type] = {
    Leaf.STRING: STRING,
    Leaf.INT32: INT,
    Leaf.INT64: INT,
    Leaf.FLOAT: DOUBLE,
    Leaf.BOOL: BOOL,
    Leaf.TIME: TIMESTAMP,
    Leaf.MICRO_TIME: TIMESTAMP,
    Leaf.BYTES: BYTES,
}
"""What is not here may have values of several types."""


class _Fields(Mapping[str, Field]):
    """The fields of a type by the names that expressions use: types contain themselves, so that none is made before it is
    looked at."""

    def __init__(self, cls: type[Struct]) -> None:
        self._shapes = {escape(wire) or wire: (wire, found.shape) for wire, found in shape.fields(cls).items()}
        self._made: dict[str, Field] = {}

    def __getitem__(self, name: str) -> Field:
        if name not in self._made:
            wire, found = self._shapes[name]
            self._made[name] = Field(_type(found), wire)
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._shapes)

    def __len__(self) -> int:
        return len(self._shapes)


_types: dict[type[Struct], Type] = {}


def type_of(cls: type[Struct]) -> Type:
    """The type of a Struct's objects, made once."""
    if cls not in _types:
        _types[cls] = Type("object", cls.__name__, fields=_Fields(cls))
    return _types[cls]


def _type(of: Shape) -> Type:
    if isinstance(of, Leaf):
        return _LEAVES.get(of, DYN)
    if isinstance(of, ListOf):
        return list_of(_type(of.item))
    if isinstance(of, MapOf):
        return map_of(STRING, _type(of.value))
    return type_of(of.type) if isinstance(of, ObjectOf) else DYN
