"""Continue tokens: where a paged list stopped, and at which revision, as text that clients hand back."""

from __future__ import annotations

import base64
import re
from typing import Any

import msgspec

from steersman.api.decode_error import DecodeError
from steersman.api.errors import BadRequest, Expired
from steersman.api.prune import parse_json

# The version word of upstream's tokens, so that tools that look inside see what they know.
_VERSION = "meta.k8s.io/v1"
_BASE64 = re.compile(r"[A-Za-z0-9_-]*", re.ASCII).match
_NAMES = {bool: "bool", int: "number", float: "number", str: "string", list: "array"}
_TOO_OLD = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without "
    "the continue parameter, or use the continue token in this response to retrieve the remainder of the results. "
    "Continuing with the provided token results in an inconsistent list - objects that were created, modified, or "
    "deleted between the time the first chunk was returned and now may show up in the list."
)


def encode(key: str, revision: int) -> str:
    """The token to go on after `key` (relative to the list's prefix). A revision of -1 means the newest."""
    # The key has a NUL behind it: the next key possible.
    data = msgspec.json.encode({"v": _VERSION, "rv": revision, "start": key + "\0"})
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text: str) -> tuple[str, int]:
    """(key after which to go on, revision). Raises BadRequest."""
    try:
        return _decode(text)
    except DecodeError as error:
        raise BadRequest(f"invalid continue token: continue key is not valid: {error}") from error


def _decode(text: str) -> tuple[str, int]:
    found = parse_json(_unpacked(text))
    if not isinstance(found, dict | None):
        raise DecodeError(f"json: cannot unmarshal {_json_name(found)} into Go value of type storage.continueToken")
    fields = found or {}
    version, revision, start = (_field(fields, name, cls) for name, cls in (("v", str), ("rv", int), ("start", str)))
    if version != _VERSION:
        raise DecodeError(f"server does not recognize this encoded version {version}")
    if not revision:
        raise DecodeError(f"incorrect encoded start resourceVersion (version {_VERSION})")
    if not start:
        raise DecodeError(f"encoded start key empty (version {_VERSION})")
    # None that leads out of the list.
    parts = start.removeprefix("/").split("/")
    if any(part in ("", ".", "..") for part in parts):
        raise DecodeError(start)
    return "/".join(parts).rstrip("\0"), revision


def _unpacked(text: str) -> bytes:
    good = _BASE64(text)
    if good is None or good.end() < len(text):
        raise DecodeError(f"illegal base64 data at input byte {good.end() if good else 0}")
    if len(text) % 4 == 1:
        raise DecodeError(f"illegal base64 data at input byte {len(text) - 1}")
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _field(fields: dict[str, Any], name: str, cls: type) -> Any:
    value = fields.get(name)
    if value is None:
        return cls()
    if type(value) is cls and not (isinstance(value, int) and not -(2**63) <= value < 2**63):
        return value
    found = _json_name(value)
    if cls is int and found == "number":
        found = f"number {value}"
    expected = "string" if cls is str else "int64"
    raise DecodeError(f"json: cannot unmarshal {found} into Go struct field continueToken.{name} of type {expected}")


def _json_name(value: Any) -> str:
    return _NAMES.get(type(value), "object")


class TokenExpired(Expired):
    """The 410 for a token whose revision is gone; its Status carries a token to go on at the newest revision."""

    def __init__(self, key: str) -> None:
        super().__init__(_TOO_OLD)
        self._token = encode(key, -1)

    def status(self) -> dict[str, Any]:
        return {**super().status(), "metadata": {"continue": self._token}}
