"""Who asks? Whom a front proxy names, client certificates (told by the transport), bearer tokens, or nobody."""

from __future__ import annotations

from base64 import b64encode
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any

from steersman.api.clock import Clock
from steersman.api.errors import Unauthorized
from steersman.api.http import Request, User
from steersman.apiserver import frontproxy
from steersman.apiserver.config import FrontProxy
from steersman.pki import tokens

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import Secret

AUTHENTICATED = "system:authenticated"
ANONYMOUS = User("system:anonymous", ("system:unauthenticated",))
_PUBLIC = frozenset({"/healthz", "/livez", "/readyz", "/version"})
_CREDENTIAL = "authentication.kubernetes.io/credential-id"
_BOUND_EXTRA = {"pod": "authentication.kubernetes.io/pod", "node": "authentication.kubernetes.io/node"}

# Set on a Secret by whoever found that its token is not used any more.
_INVALID_SINCE = "kubernetes.io/legacy-token-invalid-since"

_REMEMBERED = 4096

# Plural, namespace, name and uid of an object.
_Needed = tuple[str, str, str, str]
# (plural, namespace, name) → uid of the object in the core group, or "" when there is none.
Lookup = Callable[[str, str, str], str]
# (namespace, name) → the Secret, or None.
SecretLookup = Callable[[str, str], "Secret | None"]


@dataclass(frozen=True)
class ServiceAccountTokens:
    """How service account tokens are made and checked. `audiences` are those the API server answers to."""

    signing_key: tokens.Key
    keys: tuple[tokens.Key, ...]
    issuer: str = tokens.ISSUER
    audiences: tuple[str, ...] = (tokens.ISSUER,)


class Authenticator:
    """Finds the user of a request, or of a bare token (TokenReview)."""

    def __init__(
        self,
        clock: Clock,
        static: Mapping[str, User] | None = None,
        service_accounts: ServiceAccountTokens | None = None,
        lookup: Lookup | None = None,
        secrets: SecretLookup | None = None,
        front_proxy: FrontProxy | None = None,
    ) -> None:
        self._clock = clock
        self._front_proxy = front_proxy
        self._static = dict(static or {})
        self._service_accounts = service_accounts
        self._lookup = lookup
        self._secrets = secrets
        self._used: Callable[[Secret], None] | None = None
        self._claims: OrderedDict[str, dict[str, Any]] = OrderedDict()
        # Whom a token that is in order names, and which objects must still be there.
        self._accounts: dict[str, tuple[User, tuple[_Needed, ...]]] = {}
        self._certified: dict[tuple[str, tuple[str, ...]], User] = {}

    def bind(
        self, lookup: Lookup, secrets: SecretLookup | None = None, used: Callable[[Secret], None] | None = None
    ) -> None:
        """Say where service accounts, pods, nodes and secrets are looked up; without it no such token is good.

        `used` is told of a Secret each time that its token proves good.
        """
        self._lookup, self._secrets, self._used = lookup, secrets, used

    def authenticate(self, request: Request) -> User:
        """The request's user. Raises Unauthorized for bad credentials, and for none unless the path is public."""
        if request.front_proxy and (named := self._proxied(request)) is not None:
            return named
        if request.user is not None:
            # As upstream: a certificate goes before whatever token there is.
            return self._known(request.user)
        header = request.headers.get("authorization")
        if header:
            scheme, _, token = header.partition(" ")
            if scheme.lower() == "bearer":
                return self.user_of_token(token.strip())[0]
            raise Unauthorized
        path = request.path
        if path in _PUBLIC or path.startswith(("/livez/", "/readyz/", "/healthz/")):
            return ANONYMOUS
        raise Unauthorized

    def _known(self, user: User) -> User:
        """Whom the transport names: the users of a few certificates, again and again."""
        if user.uid or user.extra:
            return _authenticated(user)
        key = user.name, user.groups
        found = self._certified.get(key)
        if found is None:
            if len(self._certified) >= _REMEMBERED:
                self._certified.clear()
            found = self._certified[key] = _authenticated(user)
        return found

    def _proxied(self, request: Request) -> User | None:
        """Whom the front proxy that has sent the request names, if it is one that may."""
        settings = self._front_proxy
        if settings is None or (settings.allowed_names and request.front_proxy not in settings.allowed_names):
            return None
        return frontproxy.user_of(request.headers)

    def user_of_token(self, token: str, audiences: Sequence[str] = ()) -> tuple[User, list[str]]:
        """The user of a token and the audiences it is good for; `audiences` are those wanted (none: the API server's)."""
        known = self._static.get(token)
        if known is not None:
            return _authenticated(known), list(audiences)
        settings = self._service_accounts
        verified = self._claims.get(token)
        issuer = tokens.unverified_issuer(token) if verified is None else verified.get("iss")
        if settings is None or self._lookup is None or issuer not in (settings.issuer, tokens.LEGACY_ISSUER):
            raise Unauthorized
        claims = self._verified(token, settings)
        legacy = issuer == tokens.LEGACY_ISSUER
        wanted = tuple(audiences) or settings.audiences
        # A token in a Secret names nobody it is meant for: it is for the API server.
        good = [a for a in (settings.audiences if legacy else claims.get("aud", ())) if a in wanted]
        if not good:
            raise Unauthorized
        if legacy:
            return self._legacy_account(token, claims, self._lookup), good
        return self._service_account(token, claims, self._lookup), good

    def _verified(self, token: str, settings: ServiceAccountTokens) -> dict[str, Any]:
        now = self._clock.time()
        claims = self._claims.get(token)
        if claims is not None and claims.get("exp", inf) > now:
            self._claims.move_to_end(token)
            return claims
        try:
            claims = tokens.verify(token, settings.keys, now)
        except tokens.TokenError as error:
            raise Unauthorized from error
        self._claims[token] = claims
        self._accounts.pop(token, None)
        if len(self._claims) > _REMEMBERED:
            self._accounts.pop(self._claims.popitem(last=False)[0], None)
        return claims

    def _service_account(self, token: str, claims: dict[str, Any], lookup: Lookup) -> User:
        known = self._accounts.get(token)
        if known is None:
            known = self._accounts[token] = _account_of(claims)
        user, needed = known
        for plural, namespace, name, uid in needed:
            if lookup(plural, namespace, name) != uid:
                raise Unauthorized
        return user

    def _legacy_account(self, token: str, claims: Mapping[str, Any], lookup: Lookup) -> User:
        """The user of a token that is good as long as the Secret holds it."""
        try:
            said = tokens.LegacyClaims.from_json(claims)
        except tokens.TokenError as error:
            raise Unauthorized from error
        secret = self._secrets(said.namespace, said.secret) if self._secrets is not None else None
        if secret is None or secret.metadata.deletionTimestamp or _INVALID_SINCE in (secret.metadata.labels or {}):
            raise Unauthorized
        if (secret.data or {}).get("token") != b64encode(token.encode()).decode():
            raise Unauthorized
        account = said.service_account
        if lookup("serviceaccounts", said.namespace, account.name) != account.uid:
            raise Unauthorized
        if self._used is not None:
            self._used(secret)
        return _account_user(said.namespace, account.name, account.uid, {})


def _account_of(claims: Mapping[str, Any]) -> tuple[User, tuple[_Needed, ...]]:
    """The user of a token that is bound to objects, and these. Raises Unauthorized."""
    bound = claims.get("kubernetes.io") or {}
    namespace = bound.get("namespace", "")
    account = bound.get("serviceaccount") or {}
    if not account.get("uid"):
        raise Unauthorized
    needed: list[_Needed] = [("serviceaccounts", namespace, account.get("name", ""), account["uid"])]
    extra: dict[str, tuple[str, ...]] = {}
    if claims.get("jti"):
        extra[_CREDENTIAL] = (f"JTI={claims['jti']}",)
    for kind, plural in (("pod", "pods"), ("secret", "secrets"), ("node", "nodes")):
        reference = bound.get(kind)
        if reference is None:
            continue
        # A token bound to a pod names the pod's node too, but dies only with the pod.
        if kind != "node" or "pod" not in bound:
            needed.append((plural, "" if kind == "node" else namespace, reference["name"], reference["uid"]))
        prefix = _BOUND_EXTRA.get(kind)
        if prefix:
            extra[f"{prefix}-name"] = (reference["name"],)
            extra[f"{prefix}-uid"] = (reference["uid"],)
    return _account_user(namespace, account.get("name", ""), account["uid"], extra), tuple(needed)


def _account_user(namespace: str, name: str, uid: str, extra: Mapping[str, tuple[str, ...]]) -> User:
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", AUTHENTICATED)
    return User(f"system:serviceaccount:{namespace}:{name}", groups, uid, extra)


def _authenticated(user: User) -> User:
    if AUTHENTICATED in user.groups:
        return user
    return replace(user, groups=(*user.groups, AUTHENTICATED))


def read_token_file(path: Path) -> dict[str, User]:
    """Static tokens, one a line: `token,user,uid[,"group1,group2"]`, as upstream's --token-auth-file."""
    import csv

    users = {}
    with path.open(newline="", encoding="utf-8") as lines:
        for row in csv.reader(lines):
            if len(row) < 3 or row[0].startswith("#"):
                continue
            groups = tuple(g.strip() for g in row[3].split(",")) if len(row) > 3 and row[3] else ()
            users[row[0].strip()] = User(row[1].strip(), groups, row[2].strip())
    return users
