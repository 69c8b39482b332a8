"""Responses: encoded bodies with headers made once, Status objects, warnings, YAML, protobuf and JSON for people."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import msgspec

from steersman.api import codec
from steersman.api.errors import StatusError
from steersman.api.http import Response
from steersman.apiserver.negotiation import CONTENT_TYPES, Accepted, Media

encode = msgspec.json.encode

_HEADERS: Mapping[Media, Mapping[str, str]] = {
    media: {"Cache-Control": "no-cache, private", "Content-Type": name} for media, name in CONTENT_TYPES.items()
}
# Characters of all warnings, and of each where those are more.
_WARNING_LIMIT, _WARNING_ITEM = 4096, 256


def encoded(
    status: int, data: bytes | AsyncIterator[bytes], accepted: Accepted, warnings: Sequence[str] = ()
) -> Response:
    """What is in the representation already that the client accepts; as a whole, or in pieces."""
    headers = _HEADERS[accepted.media]
    if warnings:
        headers = {**headers, "Warning": warning_header(warnings)}
    return Response(status, headers, data, shrinks=True)


def body(status: int, data: bytes, accepted: Accepted, warnings: Sequence[str] = ()) -> Response:
    """An object that is encoded as JSON, in the representation that the client accepts; not for protobuf."""
    if accepted.yaml:
        data = to_yaml(data)
    elif accepted.pretty:
        data = msgspec.json.format(data, indent=2)
    return encoded(status, data, accepted, warnings)


def value(status: int, data: Any, accepted: Accepted, warnings: Sequence[str] = ()) -> Response:
    """A typed object, or one of meta/v1 as plain values."""
    if accepted.protobuf:
        return encoded(status, to_protobuf(data), accepted, warnings)
    return body(status, encode(data), accepted, warnings)


def to_protobuf(data: Any) -> bytes:
    """The body for what `value` takes."""
    from steersman.kinds import wire_encode
    from steersman.kinds.types import meta_v1

    if not isinstance(data, msgspec.Struct):
        data = codec.from_builtins(getattr(meta_v1, data["kind"]), data)[0]
    return wire_encode.encode(data)


def text(status: int, data: str) -> Response:
    return Response(
        status,
        {"Cache-Control": "no-cache, private", "Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff"},
        data.encode(),
    )  # fmt: skip


def error(failure: StatusError, accepted: Accepted, warnings: Sequence[str] = ()) -> Response:
    """The Status object of a failed request."""
    answer = value(failure.code, failure.status(), accepted, warnings)
    answer.headers = {**answer.headers, **failure.headers}
    return answer


def to_yaml(data: bytes) -> bytes:
    from steersman.api.yaml import dump

    return dump(msgspec.json.decode(data)).encode()


def warning_header(warnings: Sequence[str]) -> str:
    """The Warning header values (RFC 7234, code 299), one a line, each once.

    Those that are too long together are cut, each for itself; of too many the last are left out.
    """
    texts = list(dict.fromkeys(warnings))
    if sum(map(len, texts)) > _WARNING_LIMIT:
        kept, size = [], 0
        for text in texts:
            if size >= _WARNING_LIMIT:
                break
            kept.append(text[:_WARNING_ITEM])
            size += len(kept[-1])
        texts = kept
    return "\n".join(map(_warning, texts))


def _warning(text: str) -> str:
    clean = "".join(c if c.isprintable() else " " for c in text).replace("\\", "\\\\").replace('"', '\\"')
    return f'299 - "{clean}"'
