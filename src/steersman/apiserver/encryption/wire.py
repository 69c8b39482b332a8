"""Protocol buffers as KMS plugins and their envelopes need them: messages of texts, bytes, small numbers and maps to bytes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


class WireError(ValueError):
    """Bytes that are no message."""


def varint(number: int) -> bytes:
    """A number that is not negative."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def field(number: int, value: bytes | str | int) -> bytes:
    """One field; nothing for what is empty or zero, which is the same."""
    if not value:
        return b""
    if isinstance(value, int):
        return varint(number << 3 | VARINT) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return b"".join((varint(number << 3 | BYTES), varint(len(data)), data))


def mapping(number: int, values: Mapping[str, bytes]) -> bytes:
    """A map of texts to bytes."""
    entries = []
    for key, value in sorted(values.items()):
        entry = field(1, key) + field(2, value)
        entries.append(varint(number << 3 | BYTES) + varint(len(entry)) + entry)
    return b"".join(entries)


class Message:
    """A message that was read: each field's last value, and the entries of those that repeat."""

    def __init__(self, data: bytes) -> None:
        """Raises WireError."""
        self._fields: dict[int, list[bytes | int]] = {}
        for number, value in _fields(data):
            self._fields.setdefault(number, []).append(value)

    def data(self, number: int) -> bytes:
        """A field of bytes. Raises WireError if it is something else."""
        value = self._fields.get(number, [b""])[-1]
        if not isinstance(value, bytes):
            raise WireError(f"field {number} holds a number")
        return value

    def text(self, number: int) -> str:
        """A field of text. Raises WireError."""
        try:
            return self.data(number).decode()
        except UnicodeDecodeError:
            raise WireError(f"field {number} holds invalid UTF-8") from None

    def number(self, number: int) -> int:
        """A field with a number. Raises WireError."""
        value = self._fields.get(number, [0])[-1]
        if not isinstance(value, int):
            raise WireError(f"field {number} holds no number")
        return value

    def mapping(self, number: int) -> dict[str, bytes]:
        """A map of texts to bytes. Raises WireError."""
        found = {}
        for value in self._fields.get(number, ()):
            if not isinstance(value, bytes):
                raise WireError(f"field {number} holds a number")
            entry = Message(value)
            found[entry.text(1)] = entry.data(2)
        return found


def _fields(data: bytes) -> Iterator[tuple[int, bytes | int]]:
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        number, kind = tag >> 3, tag & 7
        if not number:
            raise WireError("there is no field 0")
        if kind == VARINT:
            value, at = _varint(data, at)
            yield number, value
            continue
        if kind == BYTES:
            size, at = _varint(data, at)
        elif kind in (FIXED64, FIXED32):
            size = 8 if kind == FIXED64 else 4
        else:
            raise WireError(f"field {number} has the unknown wire type {kind}")
        if at + size > len(data):
            raise WireError(f"field {number} is cut off")
        yield number, data[at : at + size]
        at += size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while at < len(data) and shift < 64:
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, at
        shift += 7
    raise WireError("a number is cut off or too long")
