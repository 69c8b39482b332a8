"""Service account tokens: JSON Web Tokens signed with ES256, their claims, and the public key set (JWKS).

`sign` and `verify` are plain functions over PEM keys; `cryptography` is imported at the first use.
"""

import base64
import binascii
import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey, EllipticCurvePublicKey

ISSUER = "https://kubernetes.default.svc.cluster.local"
# Who says to have issued a token that is kept in a Secret and never expires.
LEGACY_ISSUER = "kubernetes/serviceaccount"
ALGORITHM = "ES256"
_LEGACY = "kubernetes.io/serviceaccount"
_HALF = 32  # bytes of r and of s on P-256

# A clock behind by this many seconds still accepts a token that was just issued.
LEEWAY = 10.0


class TokenError(ValueError):
    """The token is malformed, signed by nobody we know, or not valid now."""


@dataclass(frozen=True)
class Key:
    """A P-256 key as PEM: private (signs and verifies) or public (verifies)."""

    pem: bytes = field(repr=False)

    @property
    def kid(self) -> str:
        """The key's id: SHA-256 of its public half in DER, as upstream computes it."""
        return _kid(self.pem)


@dataclass(frozen=True)
class BoundObject:
    """The name and uid of the object a token dies with."""

    name: str
    uid: str


def load_key(path: Path) -> Key:
    """Read a private or a public key file."""
    return Key(path.read_bytes())


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
            bound[name] = {"name": reference.name, "uid": reference.uid}
    bound["serviceaccount"] = {"name": service_account.name, "uid": service_account.uid}
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
        "sub": f"system:serviceaccount:{namespace}:{service_account.name}",
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
            "sub": f"system:serviceaccount:{self.namespace}:{self.service_account.name}",
        }

    @classmethod
    def from_json(cls, claims: Mapping[str, Any]) -> "LegacyClaims":
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
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, utils

    header = {"alg": ALGORITHM, "kid": key.kid}
    signed = f"{_encode_json(header)}.{_encode_json(claims)}"
    r, s = utils.decode_dss_signature(_private(key.pem).sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
    return f"{signed}.{_encode(r.to_bytes(_HALF) + s.to_bytes(_HALF))}"


def verify(token: str, keys: Iterable[Key], now: float) -> dict[str, Any]:
    """The claims of a token that one of `keys` signed and that is valid at `now` (seconds since the epoch).

    Only a token that is kept in a Secret may have no expiry. The issuer, the audience and the bound objects are the caller's to check. Raises TokenError.
    """
    claims = _signed_claims(token, keys)
    expires, not_before = claims.get("exp"), claims.get("nbf")
    if expires is None and claims.get("iss") == LEGACY_ISSUER:
        expires = math.inf
    if not isinstance(expires, (int, float)):
        raise TokenError("the token has no expiry")
    if now >= expires:
        raise TokenError("the token has expired")
    if isinstance(not_before, (int, float)) and now + LEEWAY < not_before:
        raise TokenError("the token is not valid yet")
    return claims


def unverified_issuer(token: str) -> str | None:
    """The issuer a token claims, without any check; None when it is no JWT. For choosing who verifies it."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        issuer = _decode_json(parts[1]).get("iss")
    except TokenError:
        return None
    return issuer if isinstance(issuer, str) else None


def jwks(keys: Iterable[Key]) -> dict[str, Any]:
    """The public key set, as served at /openid/v1/jwks."""
    return {"keys": [_jwk(key) for key in keys]}


def _signed_claims(token: str, keys: Iterable[Key]) -> dict[str, Any]:
    parts = token.split(".")
    if len(parts) != 3:
        raise TokenError("the token is not a JSON Web Token")
    header = _decode_json(parts[0])
    # Only one algorithm: a token must not choose how it is checked.
    if header.get("alg") != ALGORITHM:
        raise TokenError("the token is not signed with ES256")
    signature = _decode(parts[2])
    if len(signature) != 2 * _HALF:
        raise TokenError("the token's signature has the wrong length")
    signed = f"{parts[0]}.{parts[1]}".encode("ascii", "replace")
    kid = header.get("kid")
    for key in keys:
        if kid in (None, key.kid) and _signature_fits(key, signed, signature):
            return _decode_json(parts[1])
    raise TokenError("the token is signed by an unknown key")


def _signature_fits(key: Key, signed: bytes, signature: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, utils

    der = utils.encode_dss_signature(int.from_bytes(signature[:_HALF]), int.from_bytes(signature[_HALF:]))
    try:
        _public(key.pem).verify(der, signed, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


def _jwk(key: Key) -> dict[str, str]:
    numbers = _public(key.pem).public_numbers()
    return {
        "use": "sig",
        "kty": "EC",
        "kid": key.kid,
        "crv": "P-256",
        "alg": ALGORITHM,
        "x": _encode(numbers.x.to_bytes(_HALF)),
        "y": _encode(numbers.y.to_bytes(_HALF)),
    }


@lru_cache(maxsize=16)
def _private(pem: bytes) -> "EllipticCurvePrivateKey":
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    key = load_pem_private_key(pem, None)
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise TypeError("a service account key must be an ECDSA P-256 key")
    return key


@lru_cache(maxsize=16)
def _public(pem: bytes) -> "EllipticCurvePublicKey":
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    if b"PRIVATE KEY" in pem:
        return _private(pem).public_key()
    key = load_pem_public_key(pem)
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise TypeError("a service account key must be an ECDSA P-256 key")
    return key


@lru_cache(maxsize=16)
def _kid(pem: bytes) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    der = _public(pem).public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return _encode(hashlib.sha256(der).digest())


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _encode_json(value: Mapping[str, Any]) -> str:
    return _encode(json.dumps(value, separators=(",", ":")).encode())


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise TokenError("the token is not base64url") from error


def _decode_json(text: str) -> dict[str, Any]:
    data = _decode(text)
    try:
        value = json.loads(data)
    except ValueError as error:
        raise TokenError("the token does not hold JSON") from error
    if not isinstance(value, dict):
        raise TokenError("the token does not hold a JSON object")
    return value
