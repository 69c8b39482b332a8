"""Continue tokens: where a paged list stopped, and at which revision, as text that clients hand back."""

from __future__ import annotations

import base64
import binascii
from typing import Any

import msgspec

from steersman.api.errors import BadRequest, Expired

# The version word of upstream's tokens, so that tools that look inside see what they know.
_VERSION = "meta.k8s.io/v1"
_TOO_OLD = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without "
    "the continue parameter, or use the continue token in this response to retrieve the remainder of the results. "
    "Continuing with the provided token results in an inconsistent list - objects that were created, modified, or "
    "deleted between the time the first chunk was returned and now may show up in the list."
)


class Token(msgspec.Struct):
    """`start` is the key after the prefix, with a NUL behind it: the next key possible. A revision of -1 means the newest."""

    v: str
    rv: int
    start: str


_decode = msgspec.json.Decoder(Token).decode


def encode(key: str, revision: int) -> str:
    """The token to go on after `key` (relative to the list's prefix)."""
    data = msgspec.json.encode(Token(_VERSION, revision, key + "\0"))
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text: str) -> tuple[str, int]:
    """(key after which to go on, revision). Raises BadRequest."""
    try:
        token = _decode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (msgspec.DecodeError, binascii.Error, ValueError) as error:
        raise BadRequest(f"continue key is not valid: {error}") from error
    if token.v != _VERSION or not token.rv:
        raise BadRequest("continue key is not valid: incorrect encoded version or resourceVersion")
    if ".." in token.start.split("/"):
        raise BadRequest("continue key is not valid: it is not relative to the list")
    return token.start.rstrip("\0"), token.rv


class TokenExpired(Expired):
    """The 410 for a token whose revision is gone; its Status carries a token to go on at the newest revision."""

    def __init__(self, key: str) -> None:
        super().__init__(_TOO_OLD)
        self._token = encode(key, -1)

    def status(self) -> dict[str, Any]:
        return {**super().status(), "metadata": {"continue": self._token}}
