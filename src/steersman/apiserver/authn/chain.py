"""The chain of all ways of authentication, in upstream's order: front proxy, certificate, token, and then anonymous."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from steersman.api.clock import Clock
from steersman.api.errors import Unauthorized
from steersman.api.http import Request, User
from steersman.api.identities import authenticated
from steersman.apiserver import frontproxy
from steersman.apiserver.authn import bearer
from steersman.apiserver.authn.counting import Counts
from steersman.apiserver.authn.serviceaccounts import Lookup, SecretLookup, ServiceAccounts, ServiceAccountTokens
from steersman.apiserver.authn.settings import Anonymous, Authentication
from steersman.apiserver.authn.tokenfile import StaticTokens
from steersman.apiserver.authn.users import (
    ANONYMOUS,
    Agnostic,
    Method,
    Refusals,
    Refused,
    Rejected,
    Verdict,
)
from steersman.apiserver.seldom import Seldom
from steersman.http.head import is_text

if TYPE_CHECKING:
    from steersman.apiserver.config import FrontProxy
    from steersman.kinds.types.core_v1 import Secret, ServiceAccount

_REMEMBERED = 4096
# What a token claims may be long; there are no longer lines than so many characters.
_TELL_LENGTH = 2000
log = logging.getLogger(__name__)


class Authenticator:
    """Finds the user of a request, or of a bare token (TokenReview).

    `bind` gives it what most methods need. Methods that may have to wait are `added` at the end of the chain.
    """

    def __init__(
        self,
        clock: Clock,
        static: Mapping[str, User] | None = None,
        service_accounts: ServiceAccountTokens | None = None,
        lookup: Lookup | None = None,
        secrets: SecretLookup | None = None,
        front_proxy: FrontProxy | None = None,
        *,
        settings: Authentication | None = None,
    ) -> None:
        self._clock = clock
        self._front_proxy = front_proxy
        self._headers = frontproxy.Reader(front_proxy) if front_proxy is not None else None
        self._strips = self._headers is not None and self._headers.has_others
        self._settings = settings or Authentication()
        self._static = {**self._settings.static, **(static or {})}
        self._service_accounts = service_accounts
        self.audiences = service_accounts.audiences if service_accounts is not None else ()
        """Those that the API server answers to."""
        self.anonymous = self._settings.anonymous
        self._local: tuple[Method, ...] = ()
        self._remote: tuple[Method, ...] = ()
        self._certified: dict[object, User] = {}
        self._seldom = Seldom(clock)
        self.counts = Counts()
        """Kept by the server, request by request."""
        self.bind(lookup, secrets)

    def bind(
        self,
        lookup: Lookup | None,
        secrets: SecretLookup | None = None,
        used: Callable[[Secret], None] | None = None,
        accounts: Callable[[str, str], ServiceAccount | None] | None = None,
    ) -> None:
        """Say where service accounts, pods, nodes and secrets are looked up; without it no such token is good.

        `used` is told of a Secret each time that its token proves good; `accounts` are asked whether it was made for them.
        """
        agnostic = Agnostic(self.audiences)
        methods: list[Method] = [StaticTokens(self._static, agnostic)] if self._static else []
        if self._service_accounts is not None and lookup is not None:
            methods.append(ServiceAccounts(self._clock, self._service_accounts, lookup, secrets, used, accounts))
        if self._settings.bootstrap_tokens and secrets is not None:
            from steersman.apiserver.authn.bootstraptokens import BootstrapTokens

            methods.append(BootstrapTokens(self._clock, secrets, agnostic))
        self._local = tuple(methods)

    def take(self, remote: Sequence[Method], anonymous: Anonymous | None = None) -> None:
        """From now on these methods come last, and, if that is said, this is who may be anonymous."""
        self._remote = tuple(remote)
        self.anonymous = anonymous or self._settings.anonymous

    # Requests

    def authenticate(
        self, request: Request, warnings: list[str] | None = None, notes: dict[str, str] | None = None
    ) -> User | Coroutine[Any, Any, User]:
        """The request's user, or what must be awaited to know it. Raises Unauthorized, now or then.

        `warnings` are for the client, `notes` for the audit. A token among a WebSocket's subprotocols is taken out of the request.
        """
        proxied = self._proxied(request) if request.front_proxy else None
        if self._strips and self._headers is not None:
            request.headers = self._headers.stripped(request.headers)
        if proxied is not None:
            return proxied
        if request.user is not None:
            # As upstream: a certificate goes before whatever token there is.
            return self._known(request.user)
        header = request.headers.get("authorization")
        token = bearer.token_of(header, [] if warnings is None else warnings) if header else ""
        if token:
            return self._by_token(token, notes)
        if bearer.PROTOCOLS in request.headers and (found := self._by_protocol(request, notes)) is not None:
            return found
        # A certificate that is no client's is not the same as none.
        if not request.front_proxy and self.anonymous.admits(request.path):
            return ANONYMOUS
        raise Unauthorized

    def _known(self, user: User) -> User:
        """Whom the transport names: the users of a few certificates, again and again."""
        key = user.name, user.groups, user.uid, tuple(user.extra.items()) if user.extra else ()
        found = self._certified.get(key)
        if found is None:
            if len(self._certified) >= _REMEMBERED:
                self._certified.clear()
            found = self._certified[key] = authenticated(user)
        return found

    def _proxied(self, request: Request) -> User | None:
        """Whom the front proxy that has sent the request names, if it is one that may."""
        settings, headers = self._front_proxy, self._headers
        if settings is None or headers is None:
            return None
        if settings.allowed_names and request.front_proxy not in settings.allowed_names:
            return None
        return headers.user_of(request.headers)

    def _by_protocol(self, request: Request, notes: dict[str, str] | None) -> User | Coroutine[Any, Any, User] | None:
        try:
            token, others = bearer.protocol_token(request)
        except Refused as error:
            self._tell(error)
            raise Unauthorized from error
        if not token:
            return None
        # Who reads on must not take the token for a protocol that could be spoken.
        request.headers = bearer.without_token(request.headers, others)
        return self._by_token(token, notes)

    def _by_token(self, token: str, notes: dict[str, str] | None) -> User | Coroutine[Any, Any, User]:
        if not is_text(token):
            self._tell("the token is no text")
            raise Unauthorized
        found = self.review(token, self.audiences)
        if isinstance(found, Verdict):
            return _noted(found, notes)
        return self._awaited(found, notes)

    async def _awaited(self, found: Awaitable[Verdict], notes: dict[str, str] | None) -> User:
        return _noted(await found, notes)

    # Tokens

    def review(self, token: str, audiences: Sequence[str] = ()) -> Verdict | Coroutine[Any, Any, Verdict]:
        """What to think of a token, or what must be awaited to know it. Raises Rejected, now or then."""
        # The very tuple of one's own audiences tells methods that it is they.
        wanted, refusals = tuple(audiences) or self.audiences, Refusals()
        methods = (*self._local, *self._remote) if self._remote else self._local
        found = self._first(methods, token, wanted, refusals)
        if found is None:
            raise self._rejected(refusals)
        if isinstance(found, Verdict):
            return found
        return self._rest(found, token, wanted, refusals)

    def _first(
        self, methods: Sequence[Method], token: str, wanted: Sequence[str], refusals: Refusals
    ) -> Verdict | tuple[Awaitable[Verdict | None], Sequence[Method]] | None:
        """What the first says that takes the token, or that must be awaited, with those that come after it."""
        for i, method in enumerate(methods):
            try:
                found = method.verdict(token, wanted)
            except Refused as error:
                refusals.add(error)
                continue
            if isinstance(found, Verdict):
                return found
            if found is not None:
                return found, methods[i + 1 :]
        return None

    async def _rest(
        self,
        begun: tuple[Awaitable[Verdict | None], Sequence[Method]],
        token: str,
        wanted: Sequence[str],
        refusals: Refusals,
    ) -> Verdict:
        pending: tuple[Awaitable[Verdict | None], Sequence[Method]] | None = begun
        while pending is not None:
            waiting, methods = pending
            pending = None
            try:
                said = await waiting
            except Refused as error:
                refusals.add(error)
                said = None
            if said is not None:
                return said
            found = self._first(methods, token, wanted, refusals)
            if isinstance(found, Verdict):
                return found
            pending = found
        raise self._rejected(refusals)

    def _rejected(self, refusals: Refusals) -> Rejected:
        why = str(refusals)
        self._tell(why)
        return Rejected(why)

    def _tell(self, why: object) -> None:
        """Log a failure, but not each of a flood."""
        if count := self._seldom.count():
            more = f" ({count - 1} more since the last such line)" if count > 1 else ""
            # Claims are part of it, which could hold the ends of lines.
            log.info("unable to authenticate the request: %s%s", " ".join(str(why).split())[:_TELL_LENGTH], more)


def _noted(verdict: Verdict, notes: dict[str, str] | None) -> User:
    if notes is not None and verdict.notes:
        notes.update(verdict.notes)
    return verdict.user
