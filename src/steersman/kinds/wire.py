"""Reads objects in Kubernetes' protobuf encoding, which typed clients (kubectl among them) send; `wire_encode` writes it."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec import Struct

from steersman.api.codec import DecodeError
from steersman.api.meta import format_micro_time, format_time
from steersman.api.shape import Choice, Leaf, ListOf, MapOf, ObjectOf, Shape
from steersman.kinds.wire_fields import MAGIC, Field, fields

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_INTEGERS = (Leaf.INT32, Leaf.INT64)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC).timestamp()
_YEAR_ONE = -62135596800
_BROKEN = (IndexError, ValueError, TypeError, AttributeError, struct.error)


def decode(cls: type[Struct], data: bytes) -> dict[str, Any]:
    """The body of a request as plain values of the type `cls`, with kind and apiVersion. DecodeError for broken input."""
    version, kind, raw = _open(data)
    try:
        out = _object(raw, fields(cls))
    except _BROKEN as error:
        raise DecodeError(_worded(error)) from error
    head = {"kind": kind, "apiVersion": version}
    return {**{k: v for k, v in head.items() if v}, **out}


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
        types = dict(scan(envelope.get(1, b"")))
        return types.get(1, b"").decode(), types.get(2, b"").decode(), bytes(envelope.get(2, b""))
    except _BROKEN as error:
        raise DecodeError(_worded(error), syntax=True) from error


def _worded(error: Exception) -> str:
    if isinstance(error, IndexError):
        return "unexpected EOF"
    return str(error) if isinstance(error, ValueError) else "proto: wrong wireType"


def scan(data: bytes) -> Iterator[tuple[int, Any]]:
    """(number, value): an int for varints, 8 or 4 bytes for fixed ones, bytes for the rest."""
    at, end = 0, len(data)
    while at < end:
        key, at = _varint(data, at)
        wire = key & 7
        if wire == _VARINT:
            value, at = _varint(data, at)
            yield key >> 3, value
            continue
        if wire == _BYTES:
            size, at = _varint(data, at)
        elif wire in (_FIXED64, _FIXED32):
            size = 8 if wire == _FIXED64 else 4
        else:
            raise ValueError(f"proto: illegal wireType {wire}")
        if at + size > end:
            raise ValueError("unexpected EOF")
        yield key >> 3, data[at : at + size]
        at += size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
        if shift > 63:
            raise ValueError("proto: integer overflow")


def _object(data: bytes, known: Mapping[int, Field]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for number, raw in scan(data):
        field = known.get(number)
        if field is None:
            continue
        if field.inline is not None:
            out.update(_object(raw, field.inline))
        elif field.shape is not None:
            _put(out, field, field.shape, raw)
    return out


def _put(out: dict[str, Any], field: Field, shape: Shape, raw: Any) -> None:
    if field.wrapped and isinstance(shape, ListOf):
        out[field.name] = [_value(shape.item, item) for _, item in scan(raw)]
        return
    if isinstance(shape, ListOf):
        items = out.setdefault(field.name, [])
        if shape.item in _INTEGERS and isinstance(raw, bytes):
            items.extend(_packed(raw))
        else:
            items.append(_value(shape.item, raw))
        return
    if isinstance(shape, MapOf) and shape.value is not Leaf.ANY:
        entry = dict(scan(raw))
        key = entry.get(1, b"").decode()
        out.setdefault(field.name, {})[key] = _map_value(shape.value, entry.get(2))
        return
    value = _value(Leaf.ANY if isinstance(shape, MapOf) else shape, raw)
    if value is None or (not field.present and value in ("", 0, False) and not isinstance(value, dict)):
        # Sent although it is zero: that is how the encoding says "absent" for what is no pointer.
        return
    out[field.name] = value


def _map_value(shape: Shape, raw: Any) -> Any:
    if isinstance(shape, ListOf):
        # A list inside a map travels as a message with the items as its first field.
        return [_value(shape.item, item) for _, item in scan(raw or b"")]
    if raw is None:
        return "" if shape in (Leaf.STRING, Leaf.BYTES) else _value(shape, 0 if shape in _INTEGERS else b"")
    return _value(shape, raw)


def _packed(raw: bytes) -> Iterator[int]:
    at = 0
    while at < len(raw):
        value, at = _varint(raw, at)
        yield _signed(value)


def _signed(value: int) -> int:
    return value - 2**64 if value >= 2**63 else value


def _value(shape: Shape, raw: Any) -> Any:
    """One value; None for one that is absent although its message is there."""
    if isinstance(shape, ObjectOf):
        return _object(raw, fields(shape.type))
    if isinstance(shape, Choice):
        return _choice(shape, raw)
    match shape:
        case Leaf.STRING:
            return raw.decode()
        case Leaf.INT32 | Leaf.INT64:
            return _signed(raw)
        case Leaf.BOOL:
            return bool(raw)
        case Leaf.FLOAT:
            return struct.unpack("<d", raw)[0]
        case Leaf.BYTES:
            return base64.b64encode(raw).decode()
        case Leaf.QUANTITY:
            return dict(scan(raw)).get(1, b"0").decode()
        case Leaf.INT_OR_STRING:
            parts = dict(scan(raw))
            return parts.get(3, b"").decode() if parts.get(1) else _signed(parts.get(2, 0))
        case Leaf.TIME | Leaf.MICRO_TIME:
            return _time(raw, micro=shape is Leaf.MICRO_TIME)
        case Leaf.ANY:
            text = dict(scan(raw)).get(1)
            return json.loads(text) if text else None
    raise ValueError("a value of this type cannot be sent as protobuf")


def _choice(shape: Choice, raw: bytes) -> Any:
    """A schema, or what may stand in its place: a boolean, or a list. Each has a field of its own in a message."""
    schema, other = shape.options
    parts = list(scan(raw))
    if isinstance(other, ListOf):
        first = [value for number, value in parts if number == 1]
        return _value(schema, first[0]) if first else [_value(other.item, v) for number, v in parts if number == 2]
    found = dict(parts)
    return _value(schema, found[2]) if 2 in found else bool(found.get(1))


def _time(raw: bytes, *, micro: bool) -> str | None:
    parts = dict(scan(raw))
    seconds = _signed(parts.get(1, 0))
    if not parts or seconds == _YEAR_ONE:
        return None
    moment = datetime.fromtimestamp(seconds + _EPOCH, UTC) + timedelta(microseconds=parts.get(2, 0) // 1000)
    return format_micro_time(moment) if micro else format_time(moment)
