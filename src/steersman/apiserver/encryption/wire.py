"""Protocol buffers as plugins and envelopes need them: messages of texts, bytes, numbers, other messages and maps to bytes."""

from __future__ import annotations

from collections.abc import Mapping

from steersman.api.protobuf import BROKEN, VARINT, delimited, scan, tag, varint


class WireError(ValueError):
    """Bytes that are no message."""


def field(number: int, value: bytes | str | int) -> bytes:
    """One field; nothing for what is empty or zero, which is the same."""
    if not value:
        return b""
    if isinstance(value, int):
        return tag(number, VARINT) + varint(value)
    return delimited(number, value.encode() if isinstance(value, str) else value)


def mapping(number: int, values: Mapping[str, bytes]) -> bytes:
    """A map of texts to bytes."""
    return b"".join(delimited(number, field(1, name) + field(2, value)) for name, value in sorted(values.items()))


class Message:
    """A message that was read: each field's last value, and the entries of those that repeat."""

    def __init__(self, data: bytes) -> None:
        """Raises WireError."""
        self._fields: dict[int, list[bytes | int]] = {}
        try:
            for number, value in scan(data):
                self._fields.setdefault(number, []).append(value)
        except BROKEN as error:
            raise WireError(f"the message is broken: {error}") from error

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

    def messages(self, number: int) -> list[Message]:
        """The messages in a field that may repeat. Raises WireError."""
        found = []
        for value in self._fields.get(number, ()):
            if not isinstance(value, bytes):
                raise WireError(f"field {number} holds a number")
            found.append(Message(value))
        return found

    def signed(self, number: int) -> int:
        """A field with a number that may be negative. Raises WireError."""
        value = self.number(number)
        return value - (1 << 64) if value >> 63 else value

    def mapping(self, number: int) -> dict[str, bytes]:
        """A map of texts to bytes. Raises WireError."""
        return {entry.text(1): entry.data(2) for entry in self.messages(number)}
