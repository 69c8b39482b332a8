"""Certificates and private keys that belong together, and those that do not."""

from __future__ import annotations

import base64
import datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import NameOID

from steersman.kinds.certificates import pem
from steersman.kinds.certificates.pairs import problem

ONE, OTHER = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
EDWARDS = ed25519.Ed25519PrivateKey.generate()


def _certificate() -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a")])
    start = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    builder = x509.CertificateBuilder(name, name, ONE.public_key(), 1, start, start + datetime.timedelta(days=1))
    return builder.sign(ONE, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def _key(key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey, form: str = "PKCS8") -> bytes:
    formats = {"PKCS8": serialization.PrivateFormat.PKCS8, "old": serialization.PrivateFormat.TraditionalOpenSSL}
    return key.private_bytes(serialization.Encoding.PEM, formats[form], serialization.NoEncryption())


CERTIFICATE, KEY = _certificate(), _key(ONE)
PARAMETERS = pem.encode([b"x"], "EC PARAMETERS")


@pytest.mark.parametrize(
    ("certificate", "key", "want"),
    [
        (CERTIFICATE, KEY, ""),
        (CERTIFICATE + b"more" + CERTIFICATE, KEY, ""),
        (CERTIFICATE, PARAMETERS + _key(ONE, "old"), ""),
        (b"", KEY, "tls: failed to find any PEM data in certificate input"),
        (KEY, CERTIFICATE, "tls: failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may have been switched"),
        (PARAMETERS + KEY, KEY, 'tls: failed to find "CERTIFICATE" PEM block in certificate input after skipping PEM blocks of the following types: [EC PARAMETERS PRIVATE KEY]'),
        (CERTIFICATE, b"", "tls: failed to find any PEM data in key input"),
        (CERTIFICATE, CERTIFICATE, "tls: found a certificate rather than a key in the PEM for the private key"),
        (CERTIFICATE, PARAMETERS, 'tls: failed to find PEM block with type ending in "PRIVATE KEY" in key input after skipping PEM blocks of the following types: [EC PARAMETERS]'),
        (CERTIFICATE, pem.encode([b"x"], "PRIVATE KEY"), "tls: failed to parse private key"),
        (CERTIFICATE, _key(EDWARDS), "tls: private key type does not match public key type"),
        (CERTIFICATE, _key(OTHER), "tls: private key does not match public key"),
    ],
)  # fmt: skip
def test_pairs(certificate: bytes, key: bytes, want: str) -> None:
    assert problem(certificate, key) == want


def test_something_else_than_a_certificate() -> None:
    broken = pem.encode([base64.b64decode("AAAA")])
    assert problem(broken, KEY).startswith("x509: malformed certificate")
