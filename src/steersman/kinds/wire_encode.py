"""Writes objects in Kubernetes' protobuf encoding, byte for byte as Go does, by a plan that is made once per type.

A plan reads all fields of an object in one step and looks at each but once: most are zero, and what they come to is known
beforehand. Fields go in the order of their numbers, maps in that of their keys.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import cache, lru_cache
from operator import attrgetter
from typing import Any

from msgspec import Struct

from steersman.api import codec
from steersman.api.meta import parse_time
from steersman.api.protobuf import BYTES, FIXED64, SHORT, VARINT, delimited, tag, tags, varint
from steersman.api.shape import Choice, Leaf, ListOf, MapOf, ObjectOf, Shape
from steersman.kinds.wire_fields import MAGIC, Field, fields

Encode = Callable[[Any], bytes]
"""A value → the bytes of its field, number and all; or an object → those of its message."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_double = struct.Struct("<d").pack
_CLOSING = b"\x1a\x00\x22\x00"


def message(cls: type[Struct]) -> Encode:
    """What writes objects of this type, without the envelope."""
    found = _plans.get(cls)
    if found is None:
        found = _plans[cls] = _plan(fields(cls))
    return found


_plans: dict[type[Struct], Encode] = {}


def encode(obj: Any) -> bytes:
    """A typed object, or a list of objects, as the body of a request or an answer."""
    return envelope(obj.apiVersion, obj.kind, frame(message(type(obj))(obj)))


def frame(raw: bytes) -> bytes:
    """A message as the content of an envelope, which is also how it is an item of a list."""
    return delimited(2, raw)


@lru_cache(maxsize=1024)
def _opening(api_version: str, kind: str) -> bytes:
    return MAGIC + delimited(1, delimited(1, api_version.encode()) + delimited(2, kind.encode()))


def envelope(api_version: str, kind: str, framed: bytes) -> bytes:
    """A body around a framed message."""
    return b"%b%b%b" % (_opening(api_version, kind), framed, _CLOSING)


def list_frame(
    api_version: str, kind: str, size: int, *, revision: str, continue_: str = "", remaining: int | None = None
) -> tuple[bytes, bytes]:
    """What stands before and behind the framed items of a list, which are `size` bytes."""
    rest = _number(4)(remaining) if remaining else b""
    meta = b"\x0a\x00" + delimited(2, revision.encode()) + delimited(3, continue_.encode()) + rest
    head = delimited(1, meta)
    return b"%b\x12%b%b" % (_opening(api_version, kind), varint(len(head) + size), head), _CLOSING


def event(type_: str, body: bytes) -> bytes:
    """A watch event around the body of its object, with its length before it."""
    raw = delimited(1, type_.encode()) + delimited(2, delimited(1, body))
    return struct.pack(">I", len(raw)) + raw


# Bytes


# Values


def _content(number: int, convert: Callable[[Any], bytes]) -> Encode:
    """A field of bytes, made by `convert`."""
    heads, key = tags(number, BYTES), tag(number, BYTES)

    def encode(value: Any) -> bytes:
        raw = convert(value)
        size = len(raw)
        if size < SHORT:
            return heads[size] + raw
        return b"%b%b%b" % (key, varint(size), raw)

    return encode


def _text(number: int) -> Encode:
    return _content(number, str.encode)


@cache
def _number(number: int) -> Encode:
    heads, key = tags(number, VARINT), tag(number, VARINT)
    return lambda value: heads[value] if 0 <= value < SHORT else key + varint(value)


def _bool(number: int) -> Encode:
    false, true = tags(number, VARINT)[:2]
    return lambda value: true if value else false


def _float(number: int) -> Encode:
    key = tag(number, FIXED64)
    return lambda value: key + _double(value)


@lru_cache(maxsize=4096)
def _quantity(value: Any) -> bytes:
    return delimited(1, str(value).encode())


_int_type, _int_value, _str_value = _number(1), _number(2), _text(3)


def _int_or_string(value: int | str) -> bytes:
    if isinstance(value, str):
        return _int_type(1) + _int_value(0) + _str_value(value)
    return _int_type(0) + _int_value(value) + _str_value("")


@lru_cache(maxsize=8192)
def _time(value: str) -> bytes:
    return _moment(value, 0)


@lru_cache(maxsize=8192)
def _micro_time(value: str) -> bytes:
    return _moment(value, 1000)


def _moment(value: str, nanoseconds: int) -> bytes:
    """Seconds since 1970, and microseconds if they are told, each as so many nanoseconds."""
    if not value:
        return b""
    since = parse_time(value) - _EPOCH
    return _number(1)(since.days * 86400 + since.seconds) + _number(2)(since.microseconds * nanoseconds)


def _any(value: Any) -> bytes:
    return delimited(1, codec.encode(value))


_CONVERTED: Mapping[Leaf, Callable[[Any], bytes]] = {
    Leaf.STRING: str.encode,
    Leaf.BYTES: base64.b64decode,
    Leaf.QUANTITY: _quantity,
    Leaf.INT_OR_STRING: _int_or_string,
    Leaf.TIME: _time,
    Leaf.MICRO_TIME: _micro_time,
    Leaf.ANY: _any,
}
_SCALARS: Mapping[Leaf, Callable[[int], Encode]] = {
    Leaf.INT32: _number,
    Leaf.INT64: _number,
    Leaf.BOOL: _bool,
    Leaf.FLOAT: _float,
}


def _value(number: int, shape: Shape) -> Encode:
    """What writes a field of this shape."""
    if isinstance(shape, Leaf):
        convert = _CONVERTED.get(shape)
        return _SCALARS[shape](number) if convert is None else _content(number, convert)
    if isinstance(shape, ObjectOf):
        return _content(number, _later(shape.type))
    if isinstance(shape, ListOf):
        item = _value(number, shape.item)
        return lambda values: b"".join([item(value) for value in values])
    if isinstance(shape, MapOf):
        return _content(number, _any) if shape.value is Leaf.ANY else _map(number, shape.value)
    return _content(number, _choice(shape))


def _later(cls: type[Struct]) -> Encode:
    """A type's plan, made when it is first needed: types may contain themselves."""
    plan: Encode | None = None

    def encode(value: Any) -> bytes:
        nonlocal plan
        if plan is None:
            plan = message(cls)
        return plan(value)

    return encode


def _map(number: int, shape: Shape) -> Encode:
    key = _text(1)
    # A list in a map travels as a message with the items as its first field.
    value = _content(2, _value(1, shape)) if isinstance(shape, ListOf) else _value(2, shape)
    entry = _content(number, lambda pair: key(pair[0]) + value(pair[1]))
    return lambda values: b"".join([entry(pair) for pair in sorted(values.items())])


def _choice(shape: Choice) -> Encode:
    """A schema, or what may stand in its place: a boolean, or a list. Each has a field of its own in a message."""
    schema, other = shape.options
    if isinstance(other, ListOf):
        first, second = _value(1, schema), _value(2, other)
        return lambda value: second(value) if isinstance(value, list) else first(value)
    flag, then = _bool(1), _value(2, schema)
    return lambda value: flag(value) if isinstance(value, bool) else flag(True) + then(value)


# Plans


def _plan(known: Mapping[int, Field]) -> Encode:
    """What writes the fields of an object, the inline messages of it included."""
    if not known:
        return lambda obj: b""
    found = list(known.values())
    get = _getter(found)
    writers, nones, zeros = zip(*(_row(field) for field in found), strict=True)

    def encode(obj: Any) -> bytes:
        parts = list(nones)
        for at, value in enumerate(get(obj)):
            if value:
                parts[at] = writers[at](value)
            elif value is not None:
                zero = zeros[at]
                parts[at] = writers[at](value) if zero is None else zero
        return b"".join(parts)

    return encode


def _getter(found: list[Field]) -> Callable[[Any], Iterable[Any]]:
    """The values of fields; inline messages have the object itself."""
    plain = [field.attribute for field in found if field.inline is None]
    if len(plain) < len(found):
        getters = [attrgetter(field.attribute) if field.inline is None else _itself for field in found]
        return lambda obj: [get(obj) for get in getters]
    if len(plain) == 1:
        only = attrgetter(plain[0])
        return lambda obj: (only(obj),)
    return attrgetter(*plain)


def _itself(obj: Any) -> Any:
    return obj


def _row(field: Field) -> tuple[Encode, bytes, bytes | None]:
    """What writes the field, what None comes to, and what any other false value does if that is always the same."""
    if field.inline is not None:
        return _content(field.number, _plan(field.inline)), b"", None
    number, shape = field.number, field.shape
    assert shape is not None
    if field.wrapped and isinstance(shape, ListOf):
        return _content(number, _value(1, shape)), b"", b""
    write = _value(number, shape)
    if isinstance(shape, ListOf) or (isinstance(shape, MapOf) and shape.value is not Leaf.ANY):
        return write, b"", b""
    if shape is Leaf.BYTES:
        return write, b"", b""
    if shape is Leaf.ANY or isinstance(shape, MapOf | Choice):
        # Which of the false values of JSON is meant must be told.
        return write, b"" if field.present else delimited(number, b""), None
    if field.present:
        if shape is Leaf.INT_OR_STRING:
            return write, b"", None
        return write, b"", _zero(number, shape) if field.told and isinstance(shape, Leaf) else b""
    zero = _zero(number, shape)
    return write, zero, zero


def _zero(number: int, shape: Shape) -> bytes:
    """A field that is there, with Go's zero value."""
    if isinstance(shape, ObjectOf):
        return delimited(number, _empty(shape.type))
    values: Mapping[Leaf, Any] = {
        Leaf.INT_OR_STRING: 0,
        Leaf.QUANTITY: "0",
        Leaf.STRING: "",
        Leaf.TIME: "",
        Leaf.MICRO_TIME: "",
    }
    assert isinstance(shape, Leaf)
    return _value(number, shape)(values.get(shape, 0))


@cache
def _empty(cls: type[Struct]) -> bytes:
    """The message of Go's zero value of a type."""
    return _nothing(fields(cls))


def _nothing(known: Mapping[int, Field]) -> bytes:
    return b"".join(
        delimited(field.number, _nothing(field.inline)) if field.inline is not None else _row(field)[1]
        for field in known.values()
    )
