"""Reads objects in Kubernetes' protobuf encoding, which typed clients (kubectl among them) send; `wire_encode` writes it.

Like that one it follows a plan per type: what to do with each field by its number. What is zero is passed over where zero
means absent, which is most of a body.
"""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from msgspec import Struct

from steersman.api import values
from steersman.api.codec import DecodeError
from steersman.api.memo import short
from steersman.api.meta import format_micro_time, format_time
from steersman.api.protobuf import BYTES, FIXED64, VARINT, bounds, read_varint, scan
from steersman.api.shape import Choice, Leaf, ListOf, MapOf, ObjectOf, Shape
from steersman.kinds.wire_fields import MAGIC, Field, fields

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_YEAR_ONE = -62135596800
_BROKEN = (IndexError, ValueError, TypeError, AttributeError, OverflowError, struct.error)
_double = struct.Struct("<d").unpack_from

Read = Callable[[bytes, int, int], Any]
"""The value that is written between two places. None for one that is absent although it is there."""
Put = Callable[[dict[str, Any], bytes, int, int], None]
"""Adds what is written between two places to an object."""


class _Entry(NamedTuple):
    """What to do with a field: with bytes `put` (None for a number), with numbers `convert`; `zero` says whether it means something."""

    name: str
    wire: int
    put: Put | None
    convert: Callable[[int], Any] | None
    zero: bool
    many: bool


_Table = dict[int, _Entry]


def decode(cls: type[Struct], data: bytes) -> dict[str, Any]:
    """The body of a request as plain values of the type `cls`, with kind and apiVersion. DecodeError for broken input."""
    version, kind, raw = _open(data)
    try:
        out = message(cls, raw)
    except _BROKEN as error:
        raise DecodeError(_worded(error)) from error
    head = {"kind": kind, "apiVersion": version}
    return {**{k: v for k, v in head.items() if v}, **out}


def message(cls: type[Struct], data: bytes) -> dict[str, Any]:
    """The plain values of a message of this type. Raises ValueError and others for broken input."""
    out: dict[str, Any] = {}
    _fill(out, data, 0, len(data), _table(cls))
    return out


def _open(data: bytes) -> tuple[str, str, bytes]:
    """apiVersion, kind and message of an envelope. Raises DecodeError."""
    if not data:
        raise DecodeError("empty data", syntax=True)
    if not data.startswith(MAGIC):
        prefix = " ".join(str(byte) for byte in MAGIC)
        raise DecodeError(
            f"provided data does not appear to be a protobuf message, expected prefix [{prefix}]", syntax=True
        )
    if data == MAGIC:
        raise DecodeError("empty body", syntax=True)
    try:
        envelope = dict(scan(data[len(MAGIC) :]))
        return *_types(envelope.get(1, b"")), bytes(envelope.get(2, b""))
    except _BROKEN as error:
        raise DecodeError(_worded(error), syntax=True) from error


@short(1024)
def _types(raw: bytes) -> tuple[str, str]:
    parts = dict(scan(raw))
    return parts.get(1, b"").decode(), parts.get(2, b"").decode()


def _worded(error: Exception) -> str:
    if isinstance(error, IndexError):
        return "unexpected EOF"
    if isinstance(error, OverflowError):
        return "proto: time is out of range"
    return str(error) if isinstance(error, ValueError) else "proto: wrong wireType"


def _signed(value: int) -> int:
    return value - 2**64 if value >= 2**63 else value


# Messages


def _fill(out: dict[str, Any], data: bytes, at: int, end: int, table: _Table) -> None:
    """Adds the fields of a message to an object."""
    while at < end:
        key = data[at]
        at += 1
        if key >= 0x80:
            key, at = read_varint(data, at - 1)
        wire, entry = key & 7, table.get(key >> 3)
        if wire == BYTES:
            size = data[at]
            at += 1
            if size >= 0x80:
                size, at = read_varint(data, at - 1)
            stop = at + size
            if stop > end:
                raise IndexError(at)
            if entry is not None and (size or entry.zero):
                put = entry.put
                if put is None or entry.wire == FIXED64:
                    raise _mismatch(entry, wire)
                put(out, data, at, stop)
            at = stop
        elif wire == VARINT:
            value = data[at]
            at += 1
            if value >= 0x80:
                value, at = read_varint(data, at - 1)
            if entry is not None:
                _number(out, entry, value)
        else:
            at, stop = bounds(data, at, end, wire)
            if entry is not None:
                put = entry.put
                if put is None or entry.wire != wire:
                    raise _mismatch(entry, wire)
                put(out, data, at, stop)
            at = stop
    if at > end:
        raise IndexError(at)


def _number(out: dict[str, Any], entry: _Entry, value: int) -> None:
    convert = entry.convert
    if convert is None:
        raise _mismatch(entry, VARINT)
    if entry.many:
        out.setdefault(entry.name, []).append(convert(value))
    elif value or entry.zero:
        out[entry.name] = convert(value)


def _mismatch(entry: _Entry, wire: int) -> ValueError:
    return ValueError(f"proto: wrong wireType = {wire} for field {entry.name[:1].upper()}{entry.name[1:]}")


_NUMBERS: Mapping[Leaf, Callable[[int], Any]] = {Leaf.INT32: _signed, Leaf.INT64: _signed, Leaf.BOOL: bool}

# Plans

_tables: dict[type[Struct], _Table] = {}


def _table(cls: type[Struct]) -> _Table:
    found = _tables.get(cls)
    if found is None:
        found = _tables[cls] = _plan(fields(cls))
    return found


def _plan(known: Mapping[int, Field]) -> _Table:
    return {number: _entry(field) for number, field in known.items()}


def _entry(field: Field) -> _Entry:
    if field.inline is not None:
        table = _plan(field.inline)
        return _Entry("", BYTES, lambda out, data, at, end: _fill(out, data, at, end, table), None, False, False)
    name, shape = field.name, field.shape
    assert shape is not None
    if field.wrapped and isinstance(shape, ListOf):
        return _Entry(name, BYTES, _single(name, _items(shape.item)), None, True, False)
    if isinstance(shape, ListOf):
        convert = _NUMBERS.get(shape.item) if isinstance(shape.item, Leaf) else None
        if convert is not None:
            return _Entry(name, VARINT, _packed(name, convert), convert, True, True)
        return _Entry(name, BYTES, _each(name, _read(shape.item)), None, True, False)
    if isinstance(shape, MapOf) and shape.value is not Leaf.ANY:
        return _Entry(name, BYTES, _pair(name, shape.value), None, True, False)
    convert = _NUMBERS.get(shape) if isinstance(shape, Leaf) else None
    if convert is not None:
        return _Entry(name, VARINT, None, convert, field.present, False)
    if shape is Leaf.FLOAT:
        put = _single(name, _read(shape)) if field.present else _nonzero(name, _read(shape))
        return _Entry(name, FIXED64, put, None, True, False)
    if shape is Leaf.INT_OR_STRING and not field.present:
        return _Entry(name, BYTES, _nonzero(name, _read(shape)), None, False, False)
    # An object that is there says something even when it is empty.
    zero = field.present or isinstance(shape, ObjectOf | MapOf) or shape in (Leaf.QUANTITY, Leaf.ANY)
    return _Entry(name, BYTES, _single(name, _read(shape)), None, zero, False)


def _single(name: str, read: Read) -> Put:
    def put(out: dict[str, Any], data: bytes, at: int, end: int) -> None:
        value = read(data, at, end)
        if value is not None:
            out[name] = value

    return put


def _nonzero(name: str, read: Read) -> Put:
    def put(out: dict[str, Any], data: bytes, at: int, end: int) -> None:
        value = read(data, at, end)
        if value:
            out[name] = value

    return put


def _each(name: str, read: Read) -> Put:
    def put(out: dict[str, Any], data: bytes, at: int, end: int) -> None:
        items = out.get(name)
        if items is None:
            out[name] = [read(data, at, end)]
        elif len(items) < values.MOST:
            items.append(read(data, at, end))
        else:
            raise ValueError(f"{name} has too many values: limit is {values.MOST}")

    return put


def _packed(name: str, convert: Callable[[int], Any]) -> Put:
    def put(out: dict[str, Any], data: bytes, at: int, end: int) -> None:
        items = out.setdefault(name, [])
        while at < end:
            value, at = read_varint(data, at)
            items.append(convert(value))

    return put


def _pair(name: str, shape: Shape) -> Put:
    # A list in a map travels as a message with the items as its first field.
    value = Field(2, "value", "", shape, True, wrapped=isinstance(shape, ListOf))
    table = {1: _entry(Field(1, "key", "", Leaf.STRING, True)), 2: _entry(value)}
    absent = _absent(shape)

    def put(out: dict[str, Any], data: bytes, at: int, end: int) -> None:
        entry: dict[str, Any] = {}
        _fill(entry, data, at, end, table)
        items = out.get(name)
        if items is None:
            items = out[name] = {}
        items[entry.get("key", "")] = entry["value"] if "value" in entry else absent()

    return put


def _absent(shape: Shape) -> Callable[[], Any]:
    """The value of a map's entry that has none."""
    if isinstance(shape, ListOf):
        return list
    if not isinstance(shape, Leaf):
        return dict
    if shape is Leaf.QUANTITY:
        return lambda: "0"
    return {Leaf.BOOL: bool, Leaf.INT32: int, Leaf.INT64: int, Leaf.INT_OR_STRING: int}.get(shape, str)


# Values


def _read(shape: Shape) -> Read:
    if isinstance(shape, ObjectOf):
        return _object(shape.type)
    if isinstance(shape, Choice):
        return _choice(shape)
    if isinstance(shape, MapOf):
        return _any
    found = _LEAVES.get(shape) if isinstance(shape, Leaf) else None
    if found is None:
        raise TypeError(f"no value of a message: {shape}")
    return found


def _object(cls: type[Struct]) -> Read:
    """An object's plan is made when it is first needed: types may contain themselves."""

    def read(data: bytes, at: int, end: int) -> dict[str, Any]:
        table = _tables.get(cls)
        if table is None:
            table = _table(cls)
        out: dict[str, Any] = {}
        _fill(out, data, at, end, table)
        return out

    return read


def _items(shape: Shape) -> Read:
    """The items of a list that is a message of its own."""
    put = _each("items", _read(shape))

    def read(data: bytes, at: int, end: int) -> list[Any]:
        out: dict[str, Any] = {}
        _fill(out, data, at, end, {1: _Entry("items", BYTES, put, None, True, False)})
        found: list[Any] = out.get("items", [])
        return found

    return read


def _choice(shape: Choice) -> Read:
    """A schema, or what may stand in its place: a boolean, or a list. Each has a field of its own in a message."""
    schema, other = shape.options
    if isinstance(other, ListOf):
        table = {1: _entry(Field(1, "schema", "", schema, True)), 2: _entry(Field(2, "list", "", other))}
    else:
        table = {1: _entry(Field(1, "allows", "", other, True)), 2: _entry(Field(2, "schema", "", schema, True))}
    default: Any = [] if isinstance(other, ListOf) else False

    def read(data: bytes, at: int, end: int) -> Any:
        out: dict[str, Any] = {}
        _fill(out, data, at, end, table)
        return out["schema"] if "schema" in out else out.get("list", out.get("allows", default))

    return read


def _text(data: bytes, at: int, end: int) -> str:
    return data[at:end].decode()


def _bytes(data: bytes, at: int, end: int) -> str:
    return base64.b64encode(data[at:end]).decode()


def _float(data: bytes, at: int, end: int) -> float:
    found: float = _double(data, at)[0]
    return found


def _quantity(data: bytes, at: int, end: int) -> str:
    return _quantity_of(data[at:end])


@short(4096, 64)
def _quantity_of(raw: bytes) -> str:
    return str(dict(scan(raw)).get(1, b"0"), "utf-8")


def _int_or_string(data: bytes, at: int, end: int) -> int | str:
    parts = dict(scan(data[at:end]))
    return str(parts.get(3, b""), "utf-8") if parts.get(1) else _signed(parts.get(2, 0))


def _any(data: bytes, at: int, end: int) -> Any:
    text = dict(scan(data[at:end])).get(1)
    return json.loads(text) if text else None


def _time(data: bytes, at: int, end: int) -> str | None:
    return _seconds_of(data[at:end])


def _micro_time(data: bytes, at: int, end: int) -> str | None:
    return _time_of(data[at:end], format_micro_time)


@short(4096, 64)
def _seconds_of(raw: bytes) -> str | None:
    return _time_of(raw, format_time)


def _time_of(raw: bytes, write: Callable[[datetime], str]) -> str | None:
    parts = dict(scan(raw))
    seconds = _signed(parts.get(1, 0))
    if not parts or seconds == _YEAR_ONE:
        return None
    return write(_EPOCH + timedelta(seconds=seconds, microseconds=parts.get(2, 0) // 1000))


_LEAVES: Mapping[Leaf, Read] = {
    Leaf.STRING: _text,
    Leaf.BYTES: _bytes,
    Leaf.FLOAT: _float,
    Leaf.QUANTITY: _quantity,
    Leaf.INT_OR_STRING: _int_or_string,
    Leaf.TIME: _time,
    Leaf.MICRO_TIME: _micro_time,
    Leaf.ANY: _any,
}
