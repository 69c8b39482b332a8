"""Service account tokens whose key is made at the first token: most tests need none, and the library for it loads slowly."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from steersman.apiserver.authn import ServiceAccountTokens
from steersman.pki import tokens


class LazyTokens(ServiceAccountTokens):
    """Signs with a new key of its own."""

    def __init__(self) -> None:
        object.__setattr__(self, "issuer", tokens.ISSUER)
        object.__setattr__(self, "audiences", (tokens.ISSUER,))

    @cached_property
    def signing_key(self) -> tokens.Key:
        from steersman.pki.certs import new_key

        return tokens.Key(new_key())

    @cached_property
    def keys(self) -> tuple[tokens.Key, ...]:
        return (self.signing_key,)

    def sign(self, claims: Mapping[str, Any]) -> str:
        """A token of these claims."""
        return tokens.sign(claims, self.signing_key)
