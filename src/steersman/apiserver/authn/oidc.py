"""JSON Web Tokens of issuers outside of the cluster (OpenID Connect): is this one in order, and whose is it?"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from steersman.api.clock import Clock
from steersman.api.field import quote
from steersman.api.recent import Digest
from steersman.apiserver.authn import claims as claiming
from steersman.apiserver.authn import tokencounts
from steersman.apiserver.authn.distributed import Distributed
from steersman.apiserver.authn.fetching import Fetcher
from steersman.apiserver.authn.provider import VERIFYING, Provider, issuer_of
from steersman.apiserver.authn.users import Agnostic, Refused, Verdict
from steersman.apiserver.webhook.answers import Answers
from steersman.pki import jose

if TYPE_CHECKING:
    from steersman.apiserver.authn.validation import Compiled
    from steersman.pki.jose import Compact

TOKEN_SECONDS = 10.0
"""For so long a token that was good is taken without being looked at again."""
NOT_BEFORE_LEEWAY = 60.0
_REMEMBERED = 4096


class JWTMethod:
    """Takes the tokens of one issuer."""

    def __init__(
        self,
        compiled: Compiled,
        fetcher: Fetcher,
        clock: Clock,
        audiences: Agnostic,
        algorithms: Sequence[str] = jose.ALGORITHMS,
    ) -> None:
        issuer = compiled.issuer
        self._compiled, self._clock, self._audiences = compiled, clock, audiences
        self.url = issuer.url
        ca = issuer.certificateAuthority
        self._provider = Provider(issuer.url, fetcher, clock, discovery=issuer.discoveryURL or "", ca=ca)
        self._checks = Checks(issuer.audiences or (), algorithms, clock)
        groups = compiled.mappings.groups
        self._distributed = None
        if groups is not None and groups.claim:
            issuers = {issuer.url: self._provider}
            self._distributed = Distributed(groups.claim, fetcher, clock, ca, self._checks, issuers)

    def verdict(self, token: str, wanted: Sequence[str]) -> Verdict | Callable[[], Coroutine[Any, Any, Verdict]] | None:
        """As of `Method`, for a token that claims to be of this issuer; what must be awaited is not begun."""
        good = self._audiences.good_for(wanted)
        if good is None:
            return None
        compact = parsed(token)
        self._checks(compact)
        if not self._provider.fits(compact):
            if not self._provider.may_ask:
                raise self._unsigned()
            return partial(self._asked, compact, good)
        if self._distributed is not None and self._distributed.concerns(compact.claims):
            return partial(self._expanded, compact, good)
        return self._taken(compact.claims, good)

    async def _asked(self, compact: Compact, good: tuple[str, ...]) -> Verdict:
        await self._provider.refresh()
        if not self._provider.fits(compact):
            raise self._unsigned()
        return await self._expanded(compact, good)

    async def _expanded(self, compact: Compact, good: tuple[str, ...]) -> Verdict:
        said = compact.claims
        if self._distributed is not None and self._distributed.concerns(said):
            said = await self._distributed.expanded(said)
        return self._taken(said, good)

    def _taken(self, said: Mapping[str, Any], good: tuple[str, ...]) -> Verdict:
        return Verdict(claiming.user_of(self._compiled, said), good)

    def _unsigned(self) -> Refused:
        if not self._provider.is_known:
            return Refused(self._provider.problem)
        return Refused(f"{VERIFYING}failed to verify signature: failed to verify id token signature")


class Issuers:
    """The methods of many issuers: a token is for one of them, and is read once to know which. A good one is not even read
    again for a while."""

    def __init__(self, methods: Sequence[JWTMethod], clock: Clock) -> None:
        self._methods = {method.url: method for method in methods}
        self._clock = clock
        # Tokens themselves do not stay in memory.
        self._key = Digest()
        self._answers: Answers[Verdict] = Answers(clock, _REMEMBERED)

    def verdict(self, token: str, wanted: Sequence[str]) -> Verdict | Coroutine[Any, Any, Verdict] | None:
        key = self._key(token, *wanted)
        known = self._answers.get(key)
        if known is not None:
            tokencounts.requests.add("hit")
            return known
        method = self._methods.get(issuer_of(jose.unverified_claims(token)))
        if method is None:
            return None
        since = self._clock.monotonic()
        try:
            found = method.verdict(token, wanted)
        except Refused:
            tokencounts.judged(method.url, self._clock.monotonic() - since, good=False)
            raise
        if isinstance(found, Verdict):
            tokencounts.requests.add("miss")
            tokencounts.judged(method.url, self._clock.monotonic() - since, good=True)
            self._answers.put(key, found, TOKEN_SECONDS)
            return found
        if found is None:
            return None
        return tokencounts.asked(self._answers, key, partial(self._found, method, found))

    async def _found(
        self, method: JWTMethod, found: Callable[[], Coroutine[Any, Any, Verdict]]
    ) -> tuple[Verdict, float]:
        since, good = self._clock.monotonic(), False
        try:
            verdict = await found()
            good = True
            return verdict, TOKEN_SECONDS
        finally:
            tokencounts.judged(method.url, self._clock.monotonic() - since, good=good)


def parsed(token: str) -> Compact:
    """Raises Refused."""
    try:
        return jose.parse(token)
    except jose.JoseError as error:
        raise Refused(f"{VERIFYING}oidc: malformed jwt: {error}") from error


class Checks:
    """What a token must say, whoever has signed it: how it is signed, whom it is for, and that it is good now."""

    def __init__(self, audiences: Sequence[str], algorithms: Sequence[str], clock: Clock) -> None:
        self._audiences, self._algorithms, self._clock = tuple(audiences), tuple(algorithms), clock

    def __call__(self, token: Compact) -> None:
        """Raises Refused."""
        if token.algorithm not in self._algorithms:
            listed = " ".join(map(quote, self._algorithms))
            told = f"expected [{listed}] got {quote(token.algorithm)}"
            raise _refused(f"id token signed with unsupported algorithm, {told}")
        said, now = token.claims, self._clock.time()
        audience = said.get("aud") or []
        named = audience if isinstance(audience, list) else [audience]
        if not any(one in self._audiences for one in named):
            wanted = " ".join(map(quote, self._audiences))
            got = " ".join(quote(str(one)) for one in named)
            raise _refused(f"expected audience in [{wanted}] got [{got}]")
        expires, not_before = _moment(said, "exp"), _moment(said, "nbf")
        if expires is None or expires < now:
            raise _refused("token is expired")
        if not_before is not None and now + NOT_BEFORE_LEEWAY < not_before:
            raise _refused("the token is not valid yet (nbf)")


def _moment(said: Mapping[str, Any], name: str) -> float | None:
    found = said.get(name)
    if found is None:
        return None
    if isinstance(found, bool) or not isinstance(found, int | float) or found != found:
        raise _refused(f"failed to unmarshal claims: {name} is no number")
    return found


def _refused(why: str) -> Refused:
    return Refused(f"{VERIFYING}oidc: {why}")
