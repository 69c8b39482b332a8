"""The shape of a type: its fields by wire name, compiled once per type for the walks that msgspec does not do."""

from __future__ import annotations

import types
import typing
from enum import Enum
from functools import cache, reduce
from operator import or_
from typing import Any, NamedTuple, Union

from msgspec import Meta, Struct

from steersman.api.schema import Scalar


class Leaf(Enum):
    """Values without fields or items."""

    STRING = "string"
    INT32 = "int32"
    INT64 = "int64"
    FLOAT = "float64"
    BOOL = "bool"
    INT_OR_STRING = "intstr.IntOrString"
    QUANTITY = "resource.Quantity"
    TIME = "v1.Time"
    MICRO_TIME = "v1.MicroTime"
    BYTES = "[]uint8"
    ANY = "interface {}"


class ListOf(NamedTuple):
    item: Shape


class MapOf(NamedTuple):
    value: Shape


class Choice(NamedTuple):
    """One of several shapes; the JSON type tells which."""

    options: tuple[Shape, ...]


class ObjectOf(NamedTuple):
    type: type[Struct]


Shape = Leaf | ListOf | MapOf | Choice | ObjectOf


class Field(NamedTuple):
    attribute: str
    shape: Shape


_MARKED = {
    Scalar.TIME: Leaf.TIME,
    Scalar.MICRO_TIME: Leaf.MICRO_TIME,
    Scalar.QUANTITY: Leaf.QUANTITY,
    Scalar.BYTES: Leaf.BYTES,
}
_PLAIN: dict[Any, Leaf] = {
    str: Leaf.STRING,
    int: Leaf.INT64,
    float: Leaf.FLOAT,
    bool: Leaf.BOOL,
    int | str: Leaf.INT_OR_STRING,
    Any: Leaf.ANY,
}
_INT32_MAX = 2**31 - 1


@cache
def fields(cls: type[Struct]) -> dict[str, Field]:
    """The fields of a type by wire name."""
    hints = typing.get_type_hints(cls, include_extras=True)
    return {
        wire: Field(attribute, shape_of(hints[attribute]))
        for attribute, wire in zip(cls.__struct_fields__, cls.__struct_encode_fields__, strict=True)
    }


def shape_of(hint: Any) -> Shape:
    """The shape of an annotation; `X | None` has the shape of X, because absence is not a value."""
    if hint in _PLAIN:
        return _PLAIN[hint]
    origin = typing.get_origin(hint)
    arguments = typing.get_args(hint)
    if origin is typing.Annotated:
        return _annotated(arguments[0], arguments[1])
    if origin in (Union, types.UnionType):
        options = tuple(a for a in arguments if a is not type(None))
        if len(options) == 1:
            return shape_of(options[0])
        rest = reduce(or_, options)
        return _PLAIN[rest] if rest in _PLAIN else Choice(tuple(shape_of(o) for o in options))
    if origin is list:
        return ListOf(shape_of(arguments[0]))
    if origin is dict:
        return MapOf(shape_of(arguments[1]))
    if isinstance(hint, type) and issubclass(hint, Struct):
        return ObjectOf(hint)
    raise TypeError(f"no API type: {hint!r}")


def _annotated(base: Any, mark: Any) -> Shape:
    if isinstance(mark, Scalar):
        return _MARKED[mark]
    if isinstance(mark, Meta) and mark.le == _INT32_MAX:
        return Leaf.INT32
    return shape_of(base)


def go_name(shape: Shape) -> str:
    """The name of the type in messages, which clients know from Go: `[]v1.Container`."""
    if isinstance(shape, Leaf):
        return shape.value
    if isinstance(shape, ListOf):
        return f"[]{go_name(shape.item)}"
    if isinstance(shape, MapOf):
        return f"map[string]{go_name(shape.value)}"
    if isinstance(shape, Choice):
        return go_name(shape.options[0])
    return f"{shape.type.__module__.rpartition('_')[2]}.{shape.type.__name__}"
