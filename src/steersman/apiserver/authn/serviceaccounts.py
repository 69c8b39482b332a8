"""Service account tokens: those that are bound to objects and die with them, and those that are kept in Secrets."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Any

from steersman.api import identities
from steersman.api.clock import Clock
from steersman.api.field import quote
from steersman.api.http import User
from steersman.api.identities import CREDENTIAL_ID
from steersman.apiserver.authn import tokencounts
from steersman.apiserver.authn.tokencounts import Hits
from steersman.apiserver.authn.users import Refused, Verdict, common
from steersman.kinds.core.legacytoken import INVALID_SINCE, TOKEN
from steersman.pki import tokens

if TYPE_CHECKING:
    from steersman.apiserver.authn.externalsigner import ExternalSigner
    from steersman.kinds.types.core_v1 import Secret, ServiceAccount

_EXTRA = "authentication.kubernetes.io"
_NOTE = "authentication.k8s.io"
_INVALIDATED = "service account token has been invalidated"

# Tokens that are remembered, and how long they may be for that: whoever makes one chooses its audiences, and so its length.
_REMEMBERED, _LONGEST = 4096, 4096
_YEAR = 365 * 24 * 3600

# (plural, namespace, name) → uid of the object in the core group, or "" when there is none any more.
Lookup = Callable[[str, str, str], str]
# (namespace, name) → the Secret, or None.
SecretLookup = Callable[[str, str], "Secret | None"]


@dataclass(frozen=True)
class ServiceAccountTokens:
    """How service account tokens are made and checked. `audiences` are those the API server answers to.

    Tokens are signed by `signing_key` in the name of `issuer`; those of `issuers` and of every key in `keys` are taken, too.
    `max_expiration` is in seconds (0: as long as one likes); `extend_expiration` gives pods' tokens a year, because of clients
    that read theirs only once, or `max_extended` seconds. `jwks_uri` is where verifiers find the keys, if not here. With
    `external` somebody else signs, and no key is ours.
    """

    signing_key: tokens.Key | None
    keys: tuple[tokens.Key, ...]
    issuer: str = tokens.ISSUER
    audiences: tuple[str, ...] = (tokens.ISSUER,)
    issuers: tuple[str, ...] = ()
    max_expiration: int = 0
    extend_expiration: bool = True
    jwks_uri: str = ""
    max_extended: int = _YEAR
    external: ExternalSigner | None = None

    @property
    def verifying(self) -> Sequence[tokens.Verifying]:
        """The keys whose tokens are good."""
        return self.keys if self.external is None else self.external.keys

    @property
    def published(self) -> Sequence[tokens.Verifying]:
        """Those that verifiers elsewhere are told of."""
        return self.keys if self.external is None else [key for key in self.external.keys if not key.excluded]

    async def signed(self, claims: Mapping[str, Any]) -> str:
        """A token of these claims. Raises SignerError."""
        if self.external is not None:
            return await self.external.sign(claims)
        if self.signing_key is None:
            raise ValueError("there is neither a key nor a signer")
        if self.signing_key.signs_slowly:
            # Another processor does it: eight times what it takes with ECDSA would be felt by everybody's requests.
            return await asyncio.to_thread(tokens.sign, claims, self.signing_key)
        return tokens.sign(claims, self.signing_key)

    def issues(self, issuer: object) -> bool:
        """Whether tokens of this issuer are service account tokens."""
        return issuer == self.issuer or issuer in self.issuers or issuer == tokens.LEGACY_ISSUER


@dataclass(frozen=True, slots=True)
class _Needed:
    """An object that a token dies with: what it is called in the token, and where it is."""

    claim: str
    plural: str
    namespace: str
    name: str
    uid: str


@dataclass(slots=True)
class _Account:
    """Whom a token that is in order names, and which objects must still be there."""

    user: User
    needed: tuple[_Needed, ...]
    warn_after: float = 0.0
    own: Verdict | None = None
    """What is thought of the token by the API server itself, and until when."""
    until: float = 0.0


class ServiceAccounts:
    """Takes service account tokens, as long as `lookup` finds what they are bound to.

    `secrets` finds those that hold a token, and `used` is told of each that proves good.
    """

    def __init__(
        self,
        clock: Clock,
        settings: ServiceAccountTokens,
        lookup: Lookup,
        secrets: SecretLookup | None = None,
        used: Callable[[Secret], None] | None = None,
        accounts: Callable[[str, str], ServiceAccount | None] | None = None,
    ) -> None:
        self._clock, self._settings = clock, settings
        self._lookup, self._secrets, self._used, self._accounts_of = lookup, secrets, used, accounts
        # Signatures do not change; whatever else a token depends on is looked up each time.
        self._claims: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self._accounts: dict[str, _Account] = {}
        self._foreign: set[int] = set()
        self._external = settings.external
        self._keys: Sequence[tokens.Verifying] = () if self._external is None else self._external.keys

    def verdict(self, token: str, wanted: Sequence[str]) -> Verdict | Coroutine[Any, Any, Verdict] | None:
        if self._external is not None and self._keys is not self._external.keys:
            # Whoever has signed a token may be trusted no more.
            self._keys = self._external.keys
            self._claims.clear()
            self._accounts.clear()
        account = self._accounts.get(token)
        # Nearly all requests are like the one before: only what may have changed is looked at.
        known = account is not None and wanted is self._settings.audiences and self._clock.time() <= account.until
        if account is not None and known and account.own is not None:
            self._check(account)
            Hits.count += 1
            return account.own
        claims = self._claims.get(token)
        if claims is None:
            if self._is_foreign(token):
                return None
            if self._external is not None and self._external.may_ask and not self._external.knows(tokens.key_id(token)):
                return self._with_new_keys(self._external, token, wanted)
        return self._judged(token, self._verified(token, claims), wanted)

    async def _with_new_keys(self, external: ExternalSigner, token: str, wanted: Sequence[str]) -> Verdict:
        await external.find(tokens.key_id(token))
        return self._judged(token, self._verified(token, None), wanted)

    def _judged(self, token: str, claims: dict[str, Any], wanted: Sequence[str]) -> Verdict:
        legacy = claims.get("iss") == tokens.LEGACY_ISSUER
        settings = self._settings
        # A token in a Secret names nobody it is meant for: it is for the API server.
        named = _audiences(claims) or settings.audiences
        good = common(named, wanted or settings.audiences)
        if not good and settings.audiences:
            raise Refused(f"token audiences {_quoted(named)} is invalid for the target audiences {_quoted(wanted)}")
        return self._legacy_account(token, claims, good) if legacy else self._account(token, claims, good, wanted)

    def _is_foreign(self, token: str) -> bool:
        """Whether a token is somebody else's; who shows one again and again is not read again and again."""
        mark = hash(token)
        if mark in self._foreign:
            return True
        if self._settings.issues(tokens.unverified_issuer(token)):
            return False
        if len(self._foreign) >= _REMEMBERED:
            self._foreign.clear()
        self._foreign.add(mark)
        return True

    def _verified(self, token: str, claims: dict[str, Any] | None) -> dict[str, Any]:
        now = self._clock.time()
        if claims is not None:
            expires = claims.get("exp")
            if expires is None or now <= expires + tokens.LEEWAY:
                self._claims.move_to_end(token)
                return claims
        try:
            claims = tokens.verify(token, self._settings.verifying, now)
        except tokens.TokenError as error:
            raise Refused(str(error)) from error
        if len(token) > _LONGEST:
            return claims
        self._claims[token] = claims
        self._accounts.pop(token, None)
        if len(self._claims) > _REMEMBERED:
            self._accounts.pop(self._claims.popitem(last=False)[0], None)
        return claims

    def _account(self, token: str, claims: dict[str, Any], good: tuple[str, ...], wanted: Sequence[str]) -> Verdict:
        account = self._accounts.get(token)
        if account is None:
            account = _account_of(claims)
            if token in self._claims:
                self._accounts[token] = account
        self._check(account)
        if account.warn_after and (late := int(self._clock.time() - account.warn_after)) > 0:
            tokencounts.stale.add()
            told = f"subject: {claims.get('sub')}, seconds after warning threshold: {late}"
            return Verdict(account.user, good, {f"{_NOTE}/stale-token": told})
        tokencounts.valid.add()
        found = Verdict(account.user, good)
        if wanted is self._settings.audiences:
            account.own = found
            account.until = min(claims["exp"] + tokens.LEEWAY, account.warn_after or inf)
        return found

    def _check(self, account: _Account) -> None:
        """Raises Refused when something that the token needs is gone."""
        for needed in account.needed:
            uid = self._lookup(needed.plural, needed.namespace, needed.name)
            if uid != needed.uid:
                raise Refused(_gone(needed, uid))

    def _legacy_account(self, token: str, claims: Mapping[str, Any], good: tuple[str, ...]) -> Verdict:
        """The user of a token that is good as long as the Secret holds it."""
        try:
            said = tokens.LegacyClaims.from_json(claims)
        except tokens.TokenError as error:
            raise Refused(str(error)) from error
        secret = self._secrets(said.namespace, said.secret) if self._secrets is not None else None
        # A Secret that is on its way out is so for a moment only, unlike what has a grace period.
        if secret is None or secret.metadata.deletionTimestamp:
            raise Refused(_INVALIDATED)
        if (secret.data or {}).get(TOKEN) != b64encode(token.encode()).decode():
            raise Refused("service account token does not match server's copy")
        account, namespace = said.service_account, said.namespace
        needed = _Needed("service account", "serviceaccounts", namespace, account.name, account.uid)
        uid = self._lookup("serviceaccounts", namespace, account.name)
        if uid != account.uid:
            raise Refused(_gone(needed, uid))
        if INVALID_SINCE in (secret.metadata.labels or {}):
            tokencounts.invalid_legacy.add()
            raise Refused(
                f"the token in secret {namespace}/{said.secret} for service account {namespace}/{account.name} has been "
                f"marked invalid. Use tokens from the TokenRequest API or manually created secret-based tokens, or remove "
                f"the '{INVALID_SINCE}' label from the secret to temporarily allow use of this token"
            )
        tokencounts.legacy.add()
        found = self._accounts_of(namespace, account.name) if self._accounts_of is not None else None
        made_for_it = found is not None and any(of.name == said.secret for of in found.secrets or ())
        (tokencounts.legacy_auto if made_for_it else tokencounts.legacy_manual).add()
        if self._used is not None:
            self._used(secret)
        user = _user(namespace, account.name, account.uid, {})
        origin = "autogenerated" if made_for_it else "manual"
        notes = {f"{_NOTE}/legacy-token": user.name, f"{_NOTE}/legacy-token-{origin}-secret": said.secret}
        return Verdict(user, good, notes)


def _audiences(claims: Mapping[str, Any]) -> tuple[str, ...]:
    found = claims.get("aud") or ()
    return (found,) if isinstance(found, str) else tuple(found)


def _quoted(texts: Sequence[str]) -> str:
    return f"[{' '.join(map(quote, texts))}]"


def _gone(needed: _Needed, uid: str) -> str:
    """Why a token is no longer good, with what is there now under the name of its object."""
    if needed.plural == "serviceaccounts":
        if not uid:
            return f"serviceaccounts {quote(needed.name)} not found"
        return f"service account UID ({uid}) does not match claim ({needed.uid})"
    if not uid:
        return _INVALIDATED
    return f"{needed.claim} UID ({uid}) does not match service account {needed.claim} ref claim ({needed.uid})"


def _account_of(claims: Mapping[str, Any]) -> _Account:
    """The user of a token that is bound to objects, and these. Raises Refused."""
    bound = claims.get("kubernetes.io") or {}
    namespace = bound.get("namespace", "")
    account = bound.get("serviceaccount") or {}
    if not account.get("uid"):
        raise Refused("the token names no service account")
    needed = [_Needed("service account", "serviceaccounts", namespace, account.get("name", ""), account["uid"])]
    extra: dict[str, tuple[str, ...]] = {}
    if claims.get("jti"):
        extra[CREDENTIAL_ID] = (f"JTI={claims['jti']}",)
    for kind, plural in (("pod", "pods"), ("secret", "secrets"), ("node", "nodes")):
        reference = bound.get(kind)
        if reference is None:
            continue
        name, uid = reference.get("name", ""), reference.get("uid", "")
        # A token bound to a pod names the pod's node too, but dies only with the pod.
        if kind != "node" or "pod" not in bound:
            needed.append(_Needed(kind, plural, "" if kind == "node" else namespace, name, uid))
        if kind != "secret":
            extra[f"{_EXTRA}/{kind}-name"] = (name,)
            if uid:
                extra[f"{_EXTRA}/{kind}-uid"] = (uid,)
    user = _user(namespace, account.get("name", ""), account["uid"], extra)
    return _Account(user, tuple(needed), float(bound.get("warnafter") or 0))


def _user(namespace: str, name: str, uid: str, extra: Mapping[str, tuple[str, ...]]) -> User:
    groups = (*identities.service_account_groups(namespace), identities.AUTHENTICATED)
    return User(identities.service_account(namespace, name), groups, uid, extra)
