"""Signatures of tokens by every algorithm, keys in every form, and what fits nothing."""

import base64
import hashlib
import hmac
import json
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from steersman.pki import certs, jose

CURVES = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}
HASHES = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
CLAIMS = {"sub": "somebody", "n": 1}


@cache
def private(algorithm: str) -> Any:
    return ec.generate_private_key(CURVES[algorithm]) if algorithm in CURVES else rsa_key()


@cache
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def token(algorithm: str) -> str:
    """Signed without the code that is tested, where that does not sign so."""
    key = private(algorithm)
    if algorithm in CURVES or algorithm == "RS256":
        return jose.sign({"kid": "k"}, CLAIMS, key)
    signed = f"{jose.encode_json({'alg': algorithm})}.{jose.encode_json(CLAIMS)}"
    hashing: Any = HASHES[algorithm[2:]]
    pad: Any = padding.PKCS1v15()
    if algorithm.startswith("PS"):
        pad = padding.PSS(padding.MGF1(hashing), hashing.digest_size)
    return f"{signed}.{jose.encode(key.sign(signed.encode(), pad, hashing))}"


@pytest.mark.parametrize("algorithm", jose.ALGORITHMS)
def test_every_algorithm(algorithm: str) -> None:
    parsed = jose.parse(token(algorithm))
    assert (parsed.algorithm, parsed.claims) == (algorithm, CLAIMS)
    assert jose.fits(parsed, private(algorithm).public_key())
    assert jose.fits(parsed, jose.from_jwk(jose.jwk_of(private(algorithm).public_key())))
    others = [private(other) for other in CURVES if other != algorithm] + [rsa_key()] * (algorithm in CURVES)
    assert not any(jose.fits(parsed, other.public_key()) for other in others)


@pytest.mark.parametrize("algorithm", ["none", "HS256", "RS1", "RS", "PSS", "EdDSA", "ES384", ""])
def test_a_token_does_not_choose_how_it_is_checked(algorithm: str) -> None:
    for key in (private("ES256"), rsa_key()):
        _, claims, signature = jose.sign({}, CLAIMS, key).split(".")
        parsed = jose.parse(f"{jose.encode_json({'alg': algorithm})}.{claims}.{signature}")
        assert not jose.fits(parsed, key.public_key())


def test_a_public_key_is_no_shared_secret() -> None:
    pem = rsa_key().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    signed = f"{jose.encode_json({'alg': 'HS256'})}.{jose.encode_json(CLAIMS)}"
    forged = f"{signed}.{jose.encode(hmac.new(pem, signed.encode(), hashlib.sha256).digest())}"
    assert not jose.fits(jose.parse(forged), rsa_key().public_key())


def test_detached() -> None:
    signature = jose.detached(b"content", "abcdef", b"secret")
    header, empty, digest = signature.split(".")
    assert empty == ""
    assert json.loads(base64.urlsafe_b64decode(header + "==")) == {"alg": "HS256", "kid": "abcdef"}
    expected = hmac.new(b"secret", f"{header}.{jose.encode(b'content')}".encode(), hashlib.sha256).digest()
    assert digest == jose.encode(expected)


@pytest.mark.parametrize(
    "text",
    ["", "a", "a.b", "a.b.c", "....", "e30.e30", "e30.W10.e30", "bnVsbA.e30.", "e30.e30.*", "e30.e30.é", "e" * 99],
)
def test_malformed(text: str) -> None:
    with pytest.raises(jose.JoseError):
        jose.parse(text)


@given(st.text(alphabet="eyJhbGciO.-_=", max_size=60))
def test_whatever_it_is(text: str) -> None:
    with suppress(jose.JoseError):
        jose.parse(text)


@pytest.mark.parametrize(
    "claims", [b'{"a":"\\ud800"}', b'{"a":NaN}', b'{"a":1e999}', b'{"a":"\xff"}', b'{"a":1', "{}".encode("utf-16")]
)
def test_what_the_standard_library_would_take_for_json_is_none(claims: bytes) -> None:
    with pytest.raises(jose.JoseError):
        jose.parse(f"e30.{jose.encode(claims)}.")


def test_nesting_and_extensions_are_refused() -> None:
    deep = jose.encode(b"[" * 200_000)
    with pytest.raises(jose.JoseError):
        jose.parse(f"{deep}.e30.")
    with pytest.raises(jose.JoseError, match="extensions"):
        jose.parse(f"{jose.encode_json({'alg': 'ES256', 'crit': ['b64']})}.e30.")


def pem_of(key: Any, form: PrivateFormat = PrivateFormat.PKCS8) -> bytes:
    return bytes(key.private_bytes(Encoding.PEM, form, NoEncryption()))


def test_keys_in_every_form() -> None:
    authority = certs.new_ca("x", datetime.now(UTC))
    key = rsa_key()
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    old = pem_of(key, PrivateFormat.TraditionalOpenSSL)
    assert jose.kid_of(jose.public_key(pem_of(key))) == jose.kid_of(jose.public_key(public))
    assert jose.kid_of(jose.public_key(old)) == jose.kid_of(jose.public_key(public))
    assert jose.kid_of(jose.public_key(authority.cert)) == jose.kid_of(jose.public_key(authority.key))
    found = jose.blocks(b"# a comment\n" + old + public + authority.cert)
    assert [b.splitlines()[0] for b in found] == [
        b"-----BEGIN RSA PRIVATE KEY-----",
        b"-----BEGIN PUBLIC KEY-----",
        b"-----BEGIN CERTIFICATE-----",
    ]


@pytest.mark.parametrize(
    "pem",
    [
        b"",
        b"nothing",
        b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
        pem_of(ed25519.Ed25519PrivateKey.generate()),
        pem_of(ec.generate_private_key(ec.SECP256K1())),
    ],
)
def test_keys_of_no_use(pem: bytes) -> None:
    with pytest.raises(jose.JoseError):
        jose.public_key(pem)


@pytest.mark.parametrize(
    "jwk",
    [
        {},
        {"kty": "oct", "k": "AAAA"},
        {"kty": "RSA", "n": "AQ", "e": "AQAB"},
        {"kty": "EC", "crv": "P-256", "x": "AQ", "y": "AQ"},
        {"kty": "EC", "crv": "secp256k1", "x": "AQ", "y": "AQ"},
        {"kty": "EC", "crv": ["P-256"]},
        {"kty": "RSA", "n": "***", "e": 3},
    ],
)
def test_json_web_keys_of_no_use(jwk: dict[str, Any]) -> None:
    with pytest.raises(jose.JoseError):
        jose.from_jwk(jwk)
