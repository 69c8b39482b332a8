"""JSON Web Signatures: compact tokens, the algorithms that sign them, and keys as PEM and as JSON Web Keys.

Only asymmetric algorithms verify: whoever could choose how a token is checked would sign it with a public key. `cryptography` is
imported at the first use.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey, EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
    from cryptography.hazmat.primitives.hashes import HashAlgorithm

    Private: TypeAlias = EllipticCurvePrivateKey | RSAPrivateKey
    Public: TypeAlias = EllipticCurvePublicKey | RSAPublicKey

ALGORITHMS = ("ES256", "ES384", "ES512", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512")
_CURVES = {"P-256": ("ES256", 32), "P-384": ("ES384", 48), "P-521": ("ES512", 66)}
_CURVE_NAMES = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}
# A shorter RSA key protects nothing; verifying with a longer one takes too long.
_MIN_RSA, _MAX_RSA = 1024, 16384
_BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----.*?-----END \1-----", re.DOTALL)
_KINDS = frozenset(
    (b"PRIVATE KEY", b"RSA PRIVATE KEY", b"EC PRIVATE KEY", b"PUBLIC KEY", b"RSA PUBLIC KEY", b"CERTIFICATE")
)


class JoseError(ValueError):
    """No token, no key, or neither fits the other. The text never holds a token or any part of one."""


@dataclass(frozen=True, slots=True)
class Compact:
    """A token taken apart, with nothing checked. `signed` is what the signature is over."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    signed: bytes
    signature: bytes

    @property
    def algorithm(self) -> str:
        return str(self.header.get("alg"))

    @property
    def kid(self) -> str:
        kid = self.header.get("kid")
        return kid if isinstance(kid, str) else ""


def parse(token: str) -> Compact:
    """The parts of a compact token. Raises JoseError."""
    parts = token.split(".")
    if len(parts) != 3:
        raise JoseError("the token is not a JSON Web Token")
    header = decode_json(parts[0])
    if "crit" in header:
        raise JoseError("the token asks for extensions that are not known here")
    signed = f"{parts[0]}.{parts[1]}".encode("ascii", "replace")
    return Compact(header, decode_json(parts[1]), signed, decode(parts[2]))


def unverified_claims(token: str) -> Mapping[str, Any]:
    """What a token claims, unchecked: for choosing who verifies it. Empty when it is no token."""
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        return decode_json(parts[1])
    except JoseError:
        return {}


def sign(header: Mapping[str, Any], claims: Mapping[str, Any], private: Private) -> str:
    """A compact token; the algorithm is that of the key."""
    algorithm = algorithm_of(private.public_key())
    signed = f"{encode_json({'alg': algorithm, **header})}.{encode_json(claims)}"
    return f"{signed}.{encode(_signature(algorithm, private, signed.encode()))}"


def detached(content: bytes, kid: str, secret: bytes) -> str:
    """A signature with a shared secret (HS256) over `content`, which is left out: `header..signature`."""
    header = encode_json({"alg": "HS256", "kid": kid})
    digest = hmac.new(secret, f"{header}.{encode(content)}".encode(), hashlib.sha256).digest()
    return f"{header}..{encode(digest)}"


def fits(token: Compact, public: Public) -> bool:
    """Whether this key has signed the token, by the algorithm that the token names and that the key is for."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

    algorithm, signature = token.algorithm, token.signature
    try:
        if isinstance(public, rsa.RSAPublicKey):
            if algorithm[:2] == "RS" and algorithm in ALGORITHMS:
                public.verify(signature, token.signed, padding.PKCS1v15(), _hash(algorithm))
                return True
            if algorithm[:2] == "PS" and algorithm in ALGORITHMS:
                public.verify(signature, token.signed, _pss(algorithm), _hash(algorithm))
                return True
            return False
        wanted, size = _CURVES[_CURVE_NAMES[public.curve.name]]
        if algorithm != wanted or len(signature) != 2 * size:
            return False
        der = utils.encode_dss_signature(int.from_bytes(signature[:size]), int.from_bytes(signature[size:]))
        public.verify(der, token.signed, ec.ECDSA(_hash(algorithm)))
    except InvalidSignature:
        return False
    return True


def _signature(algorithm: str, private: Private, data: bytes) -> bytes:
    from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

    if isinstance(private, rsa.RSAPrivateKey):
        return private.sign(data, padding.PKCS1v15(), _hash(algorithm))
    r, s = utils.decode_dss_signature(private.sign(data, ec.ECDSA(_hash(algorithm))))
    size = _CURVES[_CURVE_NAMES[private.curve.name]][1]
    return r.to_bytes(size) + s.to_bytes(size)


def _hash(algorithm: str) -> HashAlgorithm:
    from cryptography.hazmat.primitives import hashes

    known: dict[str, HashAlgorithm] = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
    return known[algorithm[2:]]


def _pss(algorithm: str) -> Any:
    from cryptography.hazmat.primitives.asymmetric import padding

    hashing = _hash(algorithm)
    return padding.PSS(padding.MGF1(hashing), hashing.digest_size)


# Keys


def blocks(pem: bytes) -> list[bytes]:
    """The keys and certificates of a PEM text, one by one."""
    return [found[0] for found in _BLOCK.finditer(pem) if found[1] in _KINDS]


@lru_cache(maxsize=32)
def private_key(pem: bytes) -> Private:
    """An RSA or ECDSA key (P-256, P-384, P-521) that signs. Raises JoseError."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key: Any = load_pem_private_key(pem, None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise JoseError("the private key cannot be read") from error
    _checked(key.public_key())
    found: Private = key
    return found


@lru_cache(maxsize=32)
def public_key(pem: bytes) -> Public:
    """The public half of a key, given as itself, as the private key, or as a certificate. Raises JoseError."""
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    if b"PRIVATE KEY" in pem:
        return private_key(pem).public_key()
    try:
        if b"BEGIN CERTIFICATE" in pem:
            return _checked(x509.load_pem_x509_certificate(pem).public_key())
        return _checked(load_pem_public_key(pem))
    except (TypeError, UnsupportedAlgorithm) as error:
        raise JoseError("the public key cannot be read") from error
    except ValueError as error:
        raise error if isinstance(error, JoseError) else JoseError("the public key cannot be read") from error


def der_public_key(der: bytes) -> Public:
    """A public key in DER (PKIX). Raises JoseError."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    try:
        return _checked(load_der_public_key(der))
    except (TypeError, UnsupportedAlgorithm) as error:
        raise JoseError("the public key cannot be read") from error
    except ValueError as error:
        raise error if isinstance(error, JoseError) else JoseError("the public key cannot be read") from error


def _checked(key: Any) -> Public:
    """The key, if it is of a kind that signs tokens."""
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    if isinstance(key, rsa.RSAPublicKey):
        if not _MIN_RSA <= key.key_size <= _MAX_RSA:
            raise JoseError(f"an RSA key of {key.key_size} bits is not usable")
        return key
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in _CURVE_NAMES:
        return key
    raise JoseError("a key must be an RSA or an ECDSA key (P-256, P-384 or P-521)")


def algorithm_of(public: Public) -> str:
    """How a service account token is signed with such a key."""
    from cryptography.hazmat.primitives.asymmetric import rsa

    return "RS256" if isinstance(public, rsa.RSAPublicKey) else _CURVES[_CURVE_NAMES[public.curve.name]][0]


def kid_of(public: Public) -> str:
    """A key's id: SHA-256 of its DER form, as upstream computes it."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return encode(hashlib.sha256(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest())


def jwk_of(public: Public) -> dict[str, str]:
    """The key as a JSON Web Key."""
    from cryptography.hazmat.primitives.asymmetric import rsa

    begin, alg = {"use": "sig"}, algorithm_of(public)
    if isinstance(public, rsa.RSAPublicKey):
        numbers = public.public_numbers()
        kind = {"kty": "RSA", "kid": kid_of(public), "alg": alg}
        return {**begin, **kind, "n": _encode_number(numbers.n), "e": _encode_number(numbers.e)}
    name = _CURVE_NAMES[public.curve.name]
    size, point = _CURVES[name][1], public.public_numbers()
    kind = {"kty": "EC", "kid": kid_of(public), "crv": name, "alg": alg}
    return {**begin, **kind, "x": encode(point.x.to_bytes(size)), "y": encode(point.y.to_bytes(size))}


def from_jwk(jwk: Mapping[str, Any]) -> Public:
    """The key that a JSON Web Key describes. Raises JoseError for one of another kind, too."""
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    kind = jwk.get("kty")
    try:
        if kind == "RSA":
            return _checked(rsa.RSAPublicNumbers(_number(jwk, "e"), _number(jwk, "n")).public_key())
        curves: dict[str, ec.EllipticCurve] = {
            "P-256": ec.SECP256R1(),
            "P-384": ec.SECP384R1(),
            "P-521": ec.SECP521R1(),
        }
        curve = curves.get(str(jwk.get("crv")))
        if kind == "EC" and curve is not None:
            return ec.EllipticCurvePublicNumbers(_number(jwk, "x"), _number(jwk, "y"), curve).public_key()
    except ValueError as error:
        raise error if isinstance(error, JoseError) else JoseError("the JSON Web Key is malformed") from error
    raise JoseError("the JSON Web Key is of an unknown kind")


def _number(jwk: Mapping[str, Any], name: str) -> int:
    return int.from_bytes(decode(str(jwk.get(name, ""))))


def _encode_number(number: int) -> str:
    return encode(number.to_bytes((number.bit_length() + 7) // 8))


# Base64url


def encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def encode_json(value: Mapping[str, Any]) -> str:
    return encode(json.dumps(value, separators=(",", ":")).encode())


def decode(text: str) -> bytes:
    """Raises JoseError."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise JoseError("the token is not base64url") from error


def decode_json(text: str) -> dict[str, Any]:
    """Raises JoseError."""
    data = decode(text)
    try:
        # Not as lenient as the standard library's: halves of characters and numbers without end are no JSON, and could be
        # written nowhere.
        value = msgspec.json.decode(data)
    except (ValueError, RecursionError):
        # Nothing of the token must come to light with the reason.
        raise JoseError("the token does not hold JSON") from None
    if not isinstance(value, dict):
        raise JoseError("the token does not hold a JSON object")
    return value
