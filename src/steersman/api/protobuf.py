"""The bytes of protocol buffers: numbers of variable length, keys, fields of bytes, and the fields of any message."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, lru_cache
from typing import Any

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
SHORT = 128
"""Numbers below this take one byte."""

BROKEN = (IndexError, ValueError)
"""What reading raises: bytes that end too early, and bytes that are no message."""


@lru_cache(maxsize=4096)
def varint(value: int) -> bytes:
    """A number; a negative one as its 64 bits."""
    value &= 2**64 - 1
    out = bytearray()
    while value >= SHORT:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def tag(number: int, wire: int) -> bytes:
    """What a field begins with."""
    return varint(number << 3 | wire)


@cache
def tags(number: int, wire: int) -> tuple[bytes, ...]:
    """A field's key with each number or length that is one byte long."""
    return tuple(tag(number, wire) + bytes((n,)) for n in range(SHORT))


def delimited(number: int, raw: bytes) -> bytes:
    """A field of bytes."""
    size = len(raw)
    if size < SHORT:
        return tags(number, BYTES)[size] + raw
    return b"%b%b%b" % (tag(number, BYTES), varint(size), raw)


def scan(data: bytes) -> Iterator[tuple[int, Any]]:
    """The (number, value) of a message's fields: an int for varints, 8 or 4 bytes for fixed ones, bytes for the rest.

    Raises BROKEN.
    """
    at, end = 0, len(data)
    while at < end:
        head, at = read_varint(data, at)
        if head & 7 == VARINT:
            value, at = read_varint(data, at)
            yield head >> 3, value
            continue
        at, stop = bounds(data, at, end, head & 7)
        yield head >> 3, data[at:stop]
        at = stop


def bounds(data: bytes, at: int, end: int, wire: int) -> tuple[int, int]:
    """Where the bytes of a value begin and end. Raises BROKEN."""
    if wire == BYTES:
        size, at = read_varint(data, at)
    elif wire in (FIXED64, FIXED32):
        size = 8 if wire == FIXED64 else 4
    else:
        raise ValueError(f"proto: illegal wireType {wire}")
    if at + size > end:
        raise IndexError(at)
    return at, at + size


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    """The number at a place, and the place behind it. Raises BROKEN."""
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < SHORT:
            return value, at
        shift += 7
        if shift > 63:
            raise ValueError("proto: integer overflow")
