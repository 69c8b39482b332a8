"""Distributed claims: groups that a token does not hold, but says where they are to be had (OpenID Connect Core, 5.6.2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from steersman.api.clock import Clock
from steersman.api.field import quote
from steersman.apiserver.authn.fetching import Fetcher, FetchError
from steersman.apiserver.authn.provider import VERIFYING, Provider, issuer_of
from steersman.apiserver.authn.users import Refused
from steersman.pki import jose

if TYPE_CHECKING:
    from steersman.pki.jose import Compact

NAMES, SOURCES = "_claim_names", "_claim_sources"
_START = "oidc: could not expand distributed claims:"
# Issuers of such claims are few; whoever names more is up to something.
_MOST_PROVIDERS = 64


class Distributed:
    """Fetches one claim from where tokens say it is. `check` is applied to what comes from there.

    `issuers` are those whose keys are known already, by URL; others are found by discovery, with the authority `ca`.
    """

    def __init__(
        self,
        claim: str,
        fetcher: Fetcher,
        clock: Clock,
        ca: str,
        check: Callable[[Compact], None],
        issuers: Mapping[str, Provider],
    ) -> None:
        self._claim, self._fetcher, self._clock, self._ca, self._check = claim, fetcher, clock, ca, check
        self._issuers = issuers
        self._found: dict[str, Provider] = {}

    def concerns(self, claims: Mapping[str, Any]) -> bool:
        """Whether the claim is somewhere else. Raises Refused for claims that contradict themselves."""
        if self._claim in claims or NAMES not in claims:
            return False
        named = {} if claims[NAMES] is None else claims[NAMES]
        if not isinstance(named, dict) or not all(isinstance(source, str) for source in named.values()):
            raise Refused(f"{_START} oidc: error parsing distributed claim names")
        if SOURCES not in claims:
            raise Refused(f"{_START} oidc: no claim sources")
        sources = {} if claims[SOURCES] is None else claims[SOURCES]
        if not isinstance(sources, dict) or not all(map(_is_source, sources.values())):
            raise Refused(f"{_START} oidc: could not parse claim sources")
        if self._claim not in named:
            return False
        name = named[self._claim]
        if name not in sources:
            raise Refused(f"{_START} id token _claim_names contained a source {name} missing in _claims_sources")
        # Without an endpoint it may be an aggregated claim, which nobody reads, upstream neither.
        return bool((sources[name] or {}).get("endpoint"))

    async def expanded(self, claims: Mapping[str, Any]) -> Mapping[str, Any]:
        """The claims with this one. Raises Refused."""
        source = claims[SOURCES][claims[NAMES][self._claim]]
        endpoint, access = source["endpoint"], source.get("access_token") or ""
        try:
            answer = await self._fetcher.get(endpoint, self._ca, access)
            compact = jose.parse(answer.decode("ascii", "replace").strip())
        except FetchError as error:
            raise Refused(f"{_START} while getting distributed claim {quote(self._claim)}: {error}") from error
        except jose.JoseError as error:
            why = f"getting untrusted issuer from endpoint {endpoint} failed for claim {quote(self._claim)}: {error}"
            raise Refused(f"{_START} {why}") from error
        await self._verify(compact)
        if self._claim not in compact.claims:
            why = f"jwt returned by distributed claim endpoint {quote(endpoint)} did not contain claim: {self._claim}"
            raise Refused(f"{_START} {why}")
        return {**claims, self._claim: compact.claims[self._claim]}

    async def _verify(self, compact: Compact) -> None:
        issuer = issuer_of(compact.claims)
        provider = self._issuers.get(issuer) or self._found.get(issuer)
        if provider is None:
            if len(self._found) >= _MOST_PROVIDERS:
                self._found.clear()
            provider = self._found[issuer] = Provider(issuer, self._fetcher, self._clock, ca=self._ca)
        try:
            self._check(compact)
        except Refused as error:
            raise Refused(f"{_START} verify distributed claim token: {str(error).removeprefix(VERIFYING)}") from error
        if provider.fits(compact):
            return
        if provider.may_ask:
            await provider.refresh()
        if not provider.is_known:
            raise Refused(f"{_START} verifying untrusted issuer {issuer} failed: {provider.problem}")
        if not provider.fits(compact):
            raise Refused(f"{_START} verify distributed claim token: failed to verify signature")


def _is_source(source: object) -> bool:
    """Whether this can be read as the place of a claim; null is one that says nothing."""
    if source is None:
        return True
    texts = ("endpoint", "access_token", "JWT")
    return isinstance(source, dict) and all(isinstance(source.get(name) or "", str) for name in texts)
