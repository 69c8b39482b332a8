"""Distributed claims: groups that a token does not hold, but says where they are to be had (OpenID Connect Core, 5.6.2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from steersman.api.clock import Clock
from steersman.api.field import quote
from steersman.apiserver.authn.fetching import Fetcher, FetchError
from steersman.apiserver.authn.provider import Provider
from steersman.apiserver.authn.users import Refused
from steersman.pki import jose

if TYPE_CHECKING:
    from steersman.pki.jose import Compact

NAMES, SOURCES = "_claim_names", "_claim_sources"
_START = "oidc: could not expand distributed claims:"
# Issuers of such claims are few; whoever names more is up to something.
_MOST_PROVIDERS = 64


class Distributed:
    """Fetches one claim from where tokens say it is. `check` is applied to what comes from there."""

    def __init__(self, claim: str, fetcher: Fetcher, clock: Clock, ca: str, check: Callable[[Compact], None]) -> None:
        self._claim, self._fetcher, self._clock, self._ca, self._check = claim, fetcher, clock, ca, check
        self._providers: dict[str, Provider] = {}

    def concerns(self, claims: Mapping[str, Any]) -> bool:
        """Whether the claim is somewhere else. Raises Refused for claims that contradict themselves."""
        if self._claim in claims or NAMES not in claims:
            return False
        named, sources = claims[NAMES], claims.get(SOURCES)
        if not isinstance(named, dict):
            raise Refused(f"{_START} oidc: error parsing distributed claim names")
        if self._claim not in named:
            return False
        if not isinstance(sources, dict):
            raise Refused(f"{_START} oidc: no claim sources")
        source = sources.get(str(named[self._claim]))
        if not isinstance(source, dict):
            raise Refused(f"{_START} id token _claim_names contained a source missing in _claim_sources")
        # Without an endpoint it may be an aggregated claim, which nobody here reads.
        return bool(source.get("endpoint"))

    async def expanded(self, claims: Mapping[str, Any]) -> Mapping[str, Any]:
        """The claims with this one. Raises Refused."""
        source = claims[SOURCES][str(claims[NAMES][self._claim])]
        endpoint, access = str(source["endpoint"]), str(source.get("access_token") or "")
        try:
            answer = await self._fetcher.get(endpoint, self._ca, access)
            compact = jose.parse(answer.decode("ascii", "replace").strip())
        except FetchError as error:
            raise Refused(f"{_START} while getting distributed claim {quote(self._claim)}: {error}") from error
        except jose.JoseError as error:
            raise Refused(f"{_START} getting untrusted issuer from endpoint failed: {error}") from error
        await self._verify(compact)
        if self._claim not in compact.claims:
            raise Refused(f"{_START} jwt returned by distributed claim endpoint did not contain claim: {self._claim}")
        return {**claims, self._claim: compact.claims[self._claim]}

    async def _verify(self, compact: Compact) -> None:
        issuer = str(compact.claims.get("iss") or "")
        provider = self._providers.get(issuer)
        if provider is None:
            if len(self._providers) >= _MOST_PROVIDERS:
                self._providers.clear()
            provider = self._providers[issuer] = Provider(issuer, self._fetcher, self._clock, ca=self._ca)
        self._check(compact)
        if provider.fits(compact):
            return
        if provider.may_ask:
            await provider.refresh()
        if not provider.fits(compact):
            raise Refused(f"{_START} verify distributed claim token: failed to verify signature")
