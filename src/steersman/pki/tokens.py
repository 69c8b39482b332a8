"""Service account tokens: JSON Web Tokens signed with RSA or ECDSA keys, their claims, and the public key set (JWKS)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from steersman.api import identities
from steersman.pki import jose

if TYPE_CHECKING:
    from steersman.pki.jose import Compact, Public

ISSUER = "https://kubernetes.default.svc.cluster.local"
# Who says to have issued a token that is kept in a Secret and never expires.
LEGACY_ISSUER = "kubernetes/serviceaccount"
_LEGACY = "kubernetes.io/serviceaccount"

LEEWAY = 60.0
"""Seconds by which two clocks may differ: so much too early, or too late, a token is still good."""


class TokenError(ValueError):
    """The token is malformed, signed by nobody we know, or not valid now. The text holds nothing of the token."""


class _Named(msgspec.Struct):
    name: str = ""
    uid: str = ""


class _Bound(msgspec.Struct):
    namespace: str = ""
    serviceaccount: _Named | None = None
    pod: _Named | None = None
    secret: _Named | None = None
    node: _Named | None = None
    warnafter: int | float | None = None


class _Shape(msgspec.Struct):
    """What readers of claims rely on: keys that are trusted may be others' that sign something else, too."""

    aud: str | list[str] | None = None
    sub: str = ""
    jti: str = ""
    exp: int | float | None = None
    nbf: int | float | None = None
    bound: _Bound | None = msgspec.field(default=None, name="kubernetes.io")


class Verifying(Protocol):
    """A key that tokens are verified with."""

    @property
    def kid(self) -> str: ...

    @property
    def algorithm(self) -> str: ...

    @property
    def public(self) -> Public: ...


@dataclass(frozen=True)
class NamedKey:
    """A public key of somebody else, by the id that he gives it. `excluded`: it signs no new tokens, and is not published."""

    kid: str
    public: Public
    excluded: bool = False

    @property
    def algorithm(self) -> str:
        return jose.algorithm_of(self.public)


@dataclass(frozen=True)
class Key:
    """An RSA or ECDSA key as PEM: private (signs and verifies), or public, or in a certificate (verifies)."""

    pem: bytes = field(repr=False)

    @property
    def kid(self) -> str:
        """The key's id: SHA-256 of its public half in DER, as upstream computes it."""
        return _kid(self.pem)

    @property
    def algorithm(self) -> str:
        """How tokens are signed with it. Raises JoseError."""
        return jose.algorithm_of(self.public)

    @property
    def public(self) -> Public:
        """Raises JoseError."""
        return jose.public_key(self.pem)

    @property
    def signs_slowly(self) -> bool:
        """Whether it is RSA: a signature takes 0.25 ms, and lets other threads run meanwhile. Raises JoseError."""
        return self.algorithm.startswith("RS")

    @property
    def is_private(self) -> bool:
        return b"PRIVATE KEY" in self.pem


@dataclass(frozen=True)
class BoundObject:
    """The name and uid of the object a token dies with; without a uid it is only told."""

    name: str
    uid: str = ""

    def to_json(self) -> dict[str, str]:
        return {"name": self.name, "uid": self.uid} if self.uid else {"name": self.name}


def load_key(path: Path) -> Key:
    """Read a private or a public key file."""
    return Key(path.read_bytes())


def load_keys(path: Path) -> tuple[Key, ...]:
    """Every key of a file, checked. Raises OSError, and TokenError for a file without one or with one of another kind."""
    found = tuple(Key(block) for block in jose.blocks(path.read_bytes()))
    if not found:
        raise TokenError("does not contain any valid RSA or ECDSA keys")
    for key in found:
        try:
            jose.public_key(key.pem)
        except jose.JoseError as error:
            raise TokenError(str(error)) from error
    return found


def service_account_claims(
    namespace: str,
    service_account: BoundObject,
    audiences: Sequence[str],
    issued: float,
    expires: float,
    *,
    jti: str,
    pod: BoundObject | None = None,
    node: BoundObject | None = None,
    secret: BoundObject | None = None,
    warn_after: float | None = None,
    issuer: str = ISSUER,
) -> dict[str, Any]:
    """The claims of a bound service account token. Times are seconds since the epoch."""
    bound: dict[str, Any] = {"namespace": namespace}
    for name, reference in (("node", node), ("pod", pod), ("secret", secret)):
        if reference is not None:
            bound[name] = reference.to_json()
    bound["serviceaccount"] = service_account.to_json()
    if warn_after is not None:
        bound["warnafter"] = int(warn_after)
    return {
        "aud": list(audiences),
        "exp": int(expires),
        "iat": int(issued),
        "iss": issuer,
        "jti": jti,
        "kubernetes.io": bound,
        "nbf": int(issued),
        "sub": identities.service_account(namespace, service_account.name),
    }


@dataclass(frozen=True)
class LegacyClaims:
    """What a token that is kept in a Secret says: the account it is of, and the Secret it dies with."""

    namespace: str
    service_account: BoundObject
    secret: str

    def to_json(self) -> dict[str, str]:
        """The claims as they are signed."""
        return {
            "iss": LEGACY_ISSUER,
            f"{_LEGACY}/namespace": self.namespace,
            f"{_LEGACY}/secret.name": self.secret,
            f"{_LEGACY}/service-account.name": self.service_account.name,
            f"{_LEGACY}/service-account.uid": self.service_account.uid,
            "sub": identities.service_account(self.namespace, self.service_account.name),
        }

    @classmethod
    def from_json(cls, claims: Mapping[str, Any]) -> LegacyClaims:
        """What verified claims say. Raises TokenError when one is missing or they contradict each other."""
        names = ("namespace", "secret.name", "service-account.name", "service-account.uid")
        namespace, secret, name, uid = (claims.get(f"{_LEGACY}/{n}") for n in names)
        for claim, value in zip(names, (namespace, secret, name, uid), strict=True):
            if not value or not isinstance(value, str):
                raise TokenError(f"the token does not say {claim}")
        found = cls(str(namespace), BoundObject(str(name), str(uid)), str(secret))
        if claims.get("sub") != found.to_json()["sub"]:
            raise TokenError("the token's subject is not its service account")
        return found


def sign(claims: Mapping[str, Any], key: Key) -> str:
    """A compact JWT over `claims`, signed with the private `key`."""
    return jose.sign({"kid": key.kid}, claims, jose.private_key(key.pem))


def verify(token: str, keys: Iterable[Verifying], now: float) -> dict[str, Any]:
    """The claims of a token that one of `keys` signed and that is valid at `now` (seconds since the epoch).

    Only a token that is kept in a Secret may have no expiry. The issuer, the audience and the bound objects are the caller's to
    check. Raises TokenError.
    """
    try:
        claims = _signed_claims(jose.parse(token), keys)
    except jose.JoseError as error:
        raise TokenError(str(error)) from error
    expires, not_before = claims.get("exp"), claims.get("nbf")
    if expires is None and claims.get("iss") == LEGACY_ISSUER:
        expires = math.inf
    if not isinstance(expires, (int, float)):
        raise TokenError("the token has no expiry")
    if now > expires + LEEWAY:
        raise TokenError("service account token has expired")
    if isinstance(not_before, (int, float)) and now + LEEWAY < not_before:
        raise TokenError("service account token is not valid yet")
    try:
        msgspec.convert(claims, _Shape)
    except msgspec.ValidationError as error:
        raise TokenError(f"the token's claims are not those of a service account: {error}") from None
    return claims


def unverified_issuer(token: str) -> str | None:
    """The issuer a token claims, without any check; None when it is no JWT. For choosing who verifies it."""
    issuer = jose.unverified_claims(token).get("iss")
    return issuer if isinstance(issuer, str) else None


def key_id(token: str) -> str:
    """The id of the key that a token claims to be signed with, without any check; empty when it names none."""
    try:
        return jose.parse(token).kid
    except jose.JoseError:
        return ""


def jwks(keys: Iterable[Verifying]) -> dict[str, Any]:
    """The public key set, as served at /openid/v1/jwks."""
    return {"keys": [{**jose.jwk_of(key.public), "kid": key.kid} for key in keys]}


def _signed_claims(token: Compact, keys: Iterable[Verifying]) -> dict[str, Any]:
    known = [key for key in keys if not token.kid or token.kid == key.kid]
    if not known:
        raise TokenError("invalid signature, no keys found")
    # A token does not choose how it is checked: a key fits only its own algorithms.
    if not any(token.algorithm == key.algorithm and jose.fits(token, key.public) for key in known):
        raise TokenError("invalid signature")
    return dict(token.claims)


@lru_cache(maxsize=32)
def _kid(pem: bytes) -> str:
    return jose.kid_of(jose.public_key(pem))
