"""Other shapes of the same objects: Tables for `kubectl get`, and metadata alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

import msgspec

from steersman.api import codec
from steersman.api.clock import Clock
from steersman.api.errors import BadRequest
from steersman.api.field import Path, invalid
from steersman.apiserver import frames
from steersman.apiserver.cached import BOOKMARK, Cached
from steersman.apiserver.context import Context, Endpoint
from steersman.apiserver.negotiation import Accepted

TABLE = "Table"
_INCLUDES = ("None", "Metadata", "Object")


class _Head(msgspec.Struct):
    metadata: msgspec.Raw


_head = msgspec.json.Decoder(_Head).decode


def include_of(ctx: Context) -> str:
    """What a Table's rows carry of their objects: None, Metadata (the default) or Object. Raises BadRequest."""
    include = ctx.query.get("includeObject") or "Metadata"
    if include not in _INCLUDES:
        error = invalid(Path("includeObject"), include, "must be 'Metadata', 'Object', 'None', or empty")
        raise BadRequest(f"Unable to convert to Table as requested: {error}")
    return include


def metadata_only(body: bytes, version: str, kind: str = "PartialObjectMetadata") -> bytes:
    """An object's bytes cut down to its metadata."""
    head = b'{"kind":"%b","apiVersion":"meta.k8s.io/%b","metadata":' % (kind.encode(), version.encode())
    return head + bytes(_head(body).metadata) + b"}"


def table(
    endpoint: Endpoint,
    items: Iterable[Cached],
    now: datetime,
    *,
    version: str,
    include: str,
    revision: int,
    continue_: str = "",
    remaining: int | None = None,
) -> bytes:
    """The objects as rows."""
    meta: dict[str, Any] = {"resourceVersion": str(revision)}
    if continue_:
        meta["continue"] = continue_
    if remaining:
        meta["remainingItemCount"] = remaining
    order = endpoint.kind.row_order
    if order is not None:
        items = sorted(items, key=lambda item: order(endpoint.registry.decode(item.body)))
    rows = [_row(endpoint, item, now, version, include) for item in items]
    return b"".join(
        (
            b'{"kind":"Table","apiVersion":"meta.k8s.io/%b","metadata":' % version.encode(),
            codec.encode(meta),
            b',"columnDefinitions":',
            endpoint.columns,
            b',"rows":[',
            b",".join(rows),
            b"]}",
        )
    )


def _row(endpoint: Endpoint, item: Cached, now: datetime, version: str, include: str) -> bytes:
    body = item.body
    cells = codec.encode(endpoint.kind.row(endpoint.registry.decode(body), now))
    if include == "Object":
        # A bookmark has metadata and nothing that could be converted.
        obj = endpoint.outgoing(body) if item.key else _mark(endpoint, item)
    elif include == "Metadata":
        obj = metadata_only(body, version)
    else:
        obj = b"null"
    return b'{"cells":%b,"object":%b}' % (cells, obj)


def _mark(endpoint: Endpoint, item: Cached) -> bytes:
    """A bookmark in the endpoint's version: it has metadata and nothing that could be converted."""
    if not endpoint.converts:
        return item.body
    resource = endpoint.served.resource
    head = b'{"kind":"%b","apiVersion":"%b","metadata":' % (resource.kind.encode(), resource.api_version.encode())
    return head + bytes(_head(item.body).metadata) + b"}"


def transform(endpoint: Endpoint, accepted: Accepted, clock: Clock, include: str) -> Callable[[str, Cached], bytes]:
    """The encoder of watch events in the shape that was negotiated."""
    if accepted.kind == TABLE:

        def event(type_: str, item: Cached) -> bytes:
            # A bookmark is a row of an object without content, so that nobody takes it for an object that was asked for.
            return table(
                endpoint, [item], clock.now(), version=accepted.version, include=include, revision=item.revision
            )

    elif accepted.protobuf:
        return frames.encoder(endpoint, accepted)
    elif accepted.kind:

        def event(type_: str, item: Cached) -> bytes:
            return metadata_only(item.body, accepted.version)

    else:

        def event(type_: str, item: Cached) -> bytes:
            return _mark(endpoint, item) if type_ == BOOKMARK else endpoint.outgoing(item.body)

    def encode(type_: str, item: Cached) -> bytes:
        return b'{"type":"%b","object":%b}\n' % (type_.encode(), event(type_, item))

    return encode
