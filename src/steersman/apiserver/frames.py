"""Stored objects in protobuf: each version of an object is encoded once, for all gets, lists and watches of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from steersman.api import codec
from steersman.api.errors import StatusError
from steersman.api.protobuf import delimited
from steersman.apiserver.cached import DELETED, Cached
from steersman.apiserver.joined import Joined
from steersman.apiserver.negotiation import Accepted
from steersman.apiserver.watchstream import Encoder
from steersman.kinds import wire_encode
from steersman.kinds.types.meta_v1 import ObjectMeta, Status

if TYPE_CHECKING:
    from steersman.apiserver.context import Endpoint

Make = Callable[["Endpoint", Cached], bytes]
"""Encodes an object."""

LIMIT = 64 * 1024 * 1024
# What an entry takes besides its bytes.
_ENTRY = 250
STREAMED = 2000
"""Objects of a list from which on it is sent in pieces."""
_AT_ONCE = 64


class Frames:
    """Framed messages by object and variant (a version, or the metadata alone), `limit` bytes of them at the most.

    A new version of an object takes the place of the one before; when there is no room, the oldest goes.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._size = 0
        self._known: dict[tuple[str, str], tuple[int, bytes]] = {}
        self.joined = Joined()
        """The frames of lists in stored versions."""

    def find(self, item: Cached, variant: str) -> bytes | None:
        """The frame of this version of the object, if it is kept."""
        found = self._known.get((item.key, variant))
        return found[1] if found is not None and found[0] == item.revision else None

    def get(self, endpoint: Endpoint, item: Cached, variant: str, make: Make) -> bytes:
        """The frame of this version of the object; what has no key (a bookmark) is not kept."""
        frame = self.find(item, variant)
        if frame is not None:
            return frame
        frame = make(endpoint, item)
        if item.key:
            key = item.key, variant
            self._forget(key)
            self._known[key] = item.revision, frame
            self._size += len(frame) + _ENTRY
            while self._size > self._limit:
                self._forget(next(iter(self._known)))
        return frame

    def _forget(self, key: tuple[str, str]) -> None:
        found = self._known.pop(key, None)
        if found is not None:
            self._size -= len(found[1]) + _ENTRY


class _Head(Struct):
    metadata: ObjectMeta


def one(endpoint: Endpoint, item: Cached, accepted: Accepted) -> bytes:
    """The body of an object, or of its metadata."""
    if accepted.kind:
        return wire_encode.envelope(f"meta.k8s.io/{accepted.version}", accepted.kind, _metadata(endpoint, item))
    resource = endpoint.served.resource
    return wire_encode.envelope(resource.api_version, resource.kind, _object(endpoint, item))


async def many(
    endpoint: Endpoint, items: list[Cached], accepted: Accepted, *, revision: int, continue_: str, remaining: int | None
) -> bytes | AsyncIterator[bytes]:
    """The body of a list of objects, or of their metadata; a long one in pieces."""
    if accepted.kind:
        version, kind, plain = f"meta.k8s.io/{accepted.version}", accepted.kind, False
    else:
        version, kind, plain = endpoint.served.resource.api_version, endpoint.served.kind.list_kind, endpoint.plain
    joined = endpoint.frames.joined.find(items) if plain else b""
    found = [joined] if joined else await _all(endpoint, items, accepted)
    begin, end = wire_encode.list_frame(
        version, kind, sum(map(len, found)), revision=str(revision), continue_=continue_, remaining=remaining
    )
    if len(found) > STREAMED:
        return _pieces(begin, found, end)
    if plain and not joined:
        joined = endpoint.frames.joined.items(items, lambda _: b"".join(found))
    return b"".join((begin, joined, end) if joined else (begin, *found, end))


async def _all(endpoint: Endpoint, items: list[Cached], accepted: Accepted) -> list[bytes]:
    """The frames of objects. Others get their turn while new ones are encoded."""
    frames = endpoint.frames
    variant, make = _VARIANT if accepted.kind else (endpoint.served.resource.api_version, _make_object)
    found, new = [], 0
    for item in items:
        frame = frames.find(item, variant)
        if frame is None:
            frame = frames.get(endpoint, item, variant, make)
            new += 1
            if new % _AT_ONCE == 0:
                await asyncio.sleep(0)
        found.append(frame)
    return found


async def _pieces(begin: bytes, found: list[bytes], end: bytes) -> AsyncIterator[bytes]:
    yield begin
    for start in range(0, len(found), _AT_ONCE):
        yield b"".join(found[start : start + _AT_ONCE])
        await asyncio.sleep(0)
    yield end


def transcode(endpoint: Endpoint, body: bytes, accepted: Accepted) -> bytes:
    """As `one`, of an object that was written as `body` in the stored version."""
    if accepted.kind:
        meta = codec.decode(_Head, body).metadata
        return wire_encode.envelope(f"meta.k8s.io/{accepted.version}", accepted.kind, _framed_metadata(meta))
    return wire_encode.encode(endpoint.served.from_stored(endpoint.registry.decode(body)))


def encoder(endpoint: Endpoint, accepted: Accepted) -> Encoder:
    """The encoder of watch events."""

    def encode(type_: str, item: Cached) -> bytes:
        if type_ == DELETED:
            # A state of the past under a revision that may be another state's.
            return wire_encode.event(type_, _last(endpoint, item, accepted))
        return wire_encode.event(type_, one(endpoint, item, accepted))

    return encode


def _last(endpoint: Endpoint, item: Cached, accepted: Accepted) -> bytes:
    """As `one`, of what is told about once."""
    if accepted.kind:
        return wire_encode.envelope(f"meta.k8s.io/{accepted.version}", accepted.kind, _make_metadata(endpoint, item))
    resource = endpoint.served.resource
    return wire_encode.envelope(resource.api_version, resource.kind, _make_object(endpoint, item))


def error_event(error: StatusError) -> bytes:
    """The event that ends a watch with a Status."""
    return wire_encode.event("ERROR", status(error))


def status(error: StatusError) -> bytes:
    """The body of a failure."""
    return wire_encode.encode(codec.from_builtins(Status, error.status())[0])


def _object(endpoint: Endpoint, item: Cached) -> bytes:
    return endpoint.frames.get(endpoint, item, endpoint.served.resource.api_version, _make_object)


def _make_object(endpoint: Endpoint, item: Cached) -> bytes:
    served = endpoint.served
    obj: Any = endpoint.registry.at(item.value, item.revision)
    if served.version is not None:
        # A bookmark has metadata and nothing that could be converted.
        obj = served.from_stored(obj) if item.key else served.type(metadata=obj.metadata)
    return wire_encode.frame(wire_encode.message(served.type)(obj))


def _metadata(endpoint: Endpoint, item: Cached) -> bytes:
    return endpoint.frames.get(endpoint, item, *_VARIANT)


def _make_metadata(endpoint: Endpoint, item: Cached) -> bytes:
    meta = codec.decode(_Head, item.value).metadata
    meta.resourceVersion = str(item.revision)
    return _framed_metadata(meta)


_VARIANT = "metadata", _make_metadata


def _framed_metadata(meta: ObjectMeta) -> bytes:
    return wire_encode.frame(delimited(1, wire_encode.message(ObjectMeta)(meta)))
