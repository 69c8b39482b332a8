"""Deep copies of Structs."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

T = TypeVar("T")

_packer = msgspec.msgpack.Encoder()
_unpackers: dict[Any, msgspec.msgpack.Decoder[Any]] = {}


def copy(obj: T) -> T:
    """A copy that shares nothing with the object. Through MessagePack: nothing else is as fast."""
    cls = type(obj)
    unpacker = _unpackers.get(cls)
    if unpacker is None:
        unpacker = _unpackers[cls] = msgspec.msgpack.Decoder(cls)
    try:
        copied: T = unpacker.decode(_packer.encode(obj))
    except OverflowError:
        # Free-form values can be integers of any size, which JSON writes and MessagePack does not.
        return msgspec.json.decode(msgspec.json.encode(obj), type=cls)
    return copied
