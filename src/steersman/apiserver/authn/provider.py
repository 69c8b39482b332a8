"""The keys of one issuer: found by discovery when a token first needs them, and again when a token's key is unknown."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from steersman.api.clock import Clock
from steersman.api.field import quote
from steersman.apiserver.authn import tokencounts
from steersman.apiserver.authn.fetching import Fetcher, FetchError, get_json
from steersman.pki import jose

if TYPE_CHECKING:
    from steersman.pki.jose import Compact, Public

VERIFYING = "oidc: verify token: "
"""How what is wrong with a token begins."""
WELL_KNOWN = "/.well-known/openid-configuration"
AGAIN_SECONDS = 10.0
"""After a failure it is as long until somebody is asked again; until then tokens are refused at once."""
REFRESH_SECONDS = 1.0
"""Keys are read again no more often than this, however many tokens are signed by unknown ones."""
_MOST_KEYS = 200
_GOOGLE = "accounts.google.com"
log = logging.getLogger(__name__)

Keys = Sequence[tuple[str, "Public"]]


class Provider:
    """Keys of `issuer`. `discovery` is where its document is, if not where it belongs; `ca` whom to trust there (PEM)."""

    def __init__(self, issuer: str, fetcher: Fetcher, clock: Clock, *, discovery: str = "", ca: str = "") -> None:
        self._issuer, self._fetcher, self._clock = issuer, fetcher, clock
        self._document = discovery or issuer.removesuffix("/") + WELL_KNOWN
        self._ca = ca
        self._jwks_uri = ""
        self._keys: Keys = ()
        self._read = self._failed = float("-inf")
        self._lock = asyncio.Lock()
        self.problem = f"oidc: authenticator for issuer {quote(issuer)} is not initialized"
        """Why there are no keys, as long as there are none."""

    def fits(self, token: Compact) -> bool:
        """Whether one of the keys that are known has signed the token."""
        return any((not token.kid or kid == token.kid) and jose.fits(token, public) for kid, public in self._keys)

    @property
    def is_known(self) -> bool:
        """Whether its keys have ever been read."""
        return self._read > float("-inf")

    @property
    def may_ask(self) -> bool:
        """Whether asking the issuer is due: it has not just been asked, and has not just failed to answer."""
        now = self._clock.monotonic()
        return now >= self._read + REFRESH_SECONDS and now >= self._failed + AGAIN_SECONDS

    async def refresh(self) -> None:
        """Read the keys again; those who come while that is done wait for the same answer. Never raises."""
        async with self._lock:
            if not self.may_ask:
                return
            try:
                if not self._jwks_uri:
                    self._jwks_uri = await self._discover()
                document = await get_json(self._fetcher, self._jwks_uri, self._ca)
                self._keys = keys_of(document)
            except FetchError as error:
                tokencounts.keys_read(self._issuer, self._clock.time(), None)
                self._failed = self._clock.monotonic()
                self.problem = str(error)
                log.error("oidc: keys of issuer %s cannot be read: %s", self._issuer, error)
                return
            self._read = self._clock.monotonic()
            tokencounts.keys_read(self._issuer, self._clock.time(), json.dumps(document, sort_keys=True))

    async def _discover(self) -> str:
        document = await get_json(self._fetcher, self._document, self._ca)
        said, uri = document.get("issuer"), document.get("jwks_uri")
        if said != self._issuer:
            expected = f"expected {quote(self._issuer)} got {quote(str(said))}"
            raise FetchError(f"oidc: issuer did not match the issuer returned by provider, {expected}")
        if not isinstance(uri, str) or not uri:
            raise FetchError("oidc: provider did not return JWKS URL")
        return uri


def issuer_of(said: Mapping[str, Any]) -> str:
    """Who claims to have issued a token."""
    issuer = said.get("iss")
    if issuer == _GOOGLE:
        # It may leave the scheme out.
        return f"https://{_GOOGLE}"
    return issuer if isinstance(issuer, str) else ""


def keys_of(document: dict[str, Any]) -> Keys:
    """The usable keys of a JSON Web Key Set; others are passed over."""
    listed = document.get("keys")
    found: list[tuple[str, Public]] = []
    for jwk in listed[:_MOST_KEYS] if isinstance(listed, list) else ():
        if not isinstance(jwk, dict) or jwk.get("use", "sig") != "sig":
            continue
        try:
            found.append((str(jwk.get("kid", "")), jose.from_jwk(jwk)))
        except jose.JoseError:
            # Keys for other things, or of kinds that nobody has thought of yet.
            continue
    return found
