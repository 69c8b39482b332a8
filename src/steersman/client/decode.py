"""Decoding of the API server's answers by type, with one cached decoder per type and shape."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, Generic, TypeVar, cast

import msgspec

from steersman.api import codec
from steersman.api.errors import from_status

T = TypeVar("T")


class ListMeta(msgspec.Struct, rename={"continue_": "continue"}):
    resourceVersion: str = ""
    continue_: str = ""


class ListOf(msgspec.Struct, Generic[T]):
    """Any list: `items` may be null."""

    metadata: ListMeta = msgspec.field(default_factory=ListMeta)
    items: list[T] | None = None


class _Event(msgspec.Struct, Generic[T]):
    type: str
    object: T


class _Version(msgspec.Struct):
    metadata: ListMeta = msgspec.field(default_factory=ListMeta)


_RAW_EVENT = msgspec.json.Decoder(_Event[msgspec.Raw])
_RAW_LIST = msgspec.json.Decoder(ListOf[msgspec.Raw])
_VERSION = msgspec.json.Decoder(_Version)


def one(type_: type[T], data: bytes) -> T:
    try:
        return cast("T", _object_decoder(cast("Any", type_)).decode(data))
    except msgspec.ValidationError:
        # Unknown fields of a newer server, and nulls.
        return codec.decode(type_, data)


def list_of(type_: type[T], data: bytes) -> ListOf[T]:
    try:
        return _list_decoder(cast("Any", type_)).decode(data)
    except msgspec.ValidationError:
        found = _RAW_LIST.decode(data)
        return ListOf(found.metadata, [one(type_, bytes(raw)) for raw in found.items or []])


def event_decoder(type_: type[T]) -> Callable[[bytes], tuple[str, T]]:
    """From a watch's line to (event type, object); an ERROR event is raised as its StatusError."""
    fast = _event_decoder(cast("Any", type_))

    def decode(line: bytes) -> tuple[str, T]:
        try:
            event = fast.decode(line)
        except msgspec.ValidationError:
            # An ERROR event, or an object that the fast path does not take.
            return _slow_event(type_, line)
        return (event.type, event.object) if event.type != "ERROR" else _slow_event(type_, line)

    return decode


def version(data: bytes) -> str:
    """The resourceVersion of an object or Status; empty when it has none."""
    return _VERSION.decode(data).metadata.resourceVersion if data else ""


@cache
def _object_decoder(type_: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(type_)


@cache
def _list_decoder(type_: Any) -> msgspec.json.Decoder[ListOf[Any]]:
    return msgspec.json.Decoder(ListOf[type_])


@cache
def _event_decoder(type_: Any) -> msgspec.json.Decoder[_Event[Any]]:
    return msgspec.json.Decoder(_Event[type_])


def _slow_event(type_: type[T], line: bytes) -> tuple[str, T]:
    raw = _RAW_EVENT.decode(line)
    if raw.type == "ERROR":
        raise from_status(msgspec.json.decode(raw.object))
    return raw.type, one(type_, bytes(raw.object))
