"""Responses: encoded bodies with headers made once, Status objects, warnings, YAML and pretty JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from steersman.api.errors import StatusError
from steersman.api.http import Response
from steersman.apiserver.negotiation import JSON, YAML, Accepted

encode = msgspec.json.encode

_JSON_HEADERS: Mapping[str, str] = {"Cache-Control": "no-cache, private", "Content-Type": JSON}
_YAML_HEADERS: Mapping[str, str] = {"Cache-Control": "no-cache, private", "Content-Type": YAML}
_WARNING_LIMIT = 4096


def body(status: int, data: bytes, accepted: Accepted, warnings: Sequence[str] = ()) -> Response:
    """An encoded JSON object, in the representation that the client accepts."""
    headers = _JSON_HEADERS
    if accepted.yaml:
        data = to_yaml(data)
        headers = _YAML_HEADERS
    if warnings:
        headers = {**headers, "Warning": warning_header(warnings)}
    return Response(status, headers, data)


def value(status: int, data: Any, accepted: Accepted, warnings: Sequence[str] = ()) -> Response:
    """Anything msgspec can encode."""
    return body(status, encode(data), accepted, warnings)


def text(status: int, data: str) -> Response:
    return Response(
        status,
        {"Cache-Control": "no-cache, private", "Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff"},
        data.encode(),
    )  # fmt: skip


def error(failure: StatusError, yaml: bool, warnings: Sequence[str] = ()) -> Response:
    """The Status object of a failed request."""
    data = encode(failure.status())
    headers = {**(_YAML_HEADERS if yaml else _JSON_HEADERS), **failure.headers}
    if warnings:
        headers["Warning"] = warning_header(warnings)
    return Response(failure.code, headers, to_yaml(data) if yaml else data)


def to_yaml(data: bytes) -> bytes:
    from steersman.api.yaml import dump

    return dump(msgspec.json.decode(data)).encode()


def warning_header(warnings: Sequence[str]) -> str:
    """The Warning header values (RFC 7234, code 299), one a line, each once."""
    lines, size = [], 0
    for warning in dict.fromkeys(warnings):
        clean = "".join(c if c.isprintable() else " " for c in warning).replace("\\", "\\\\").replace('"', '\\"')
        line = f'299 - "{clean}"'
        size += len(line)
        if size > _WARNING_LIMIT:
            break
        lines.append(line)
    return "\n".join(lines)
