"""Certificates and requests that say what no library reads, although each of them is in order by itself."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from steersman.pki import certs

_KEY = ec.generate_private_key(ec.SECP256R1())
_SAN, _OTHER = bytes.fromhex("0603551d11"), bytes.fromhex("0603551d63")
_NAMES = bytes.fromhex("3003820161")


def _built(names: bytes, *, twice: bool = False) -> bytes:
    subject = x509.Name([
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "system:nodes"),
        x509.NameAttribute(NameOID.COMMON_NAME, "system:node:a"),
    ])  # fmt: skip
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    builder = builder.add_extension(x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.17"), names), False)
    if twice:
        other = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.99"), names)
        builder = builder.add_extension(other, critical=False)
    return builder.sign(_KEY, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def _spans(der: bytes, at: int) -> tuple[int, int]:
    """Where the content of an element begins, and where it ends."""
    length, at = der[at + 1], at + 2
    if length & 0x80:
        size, length = length & 0x7F, int.from_bytes(der[at : at + (length & 0x7F)])
        at += size
    return at, at + length


def _element(tag: int, content: bytes) -> bytes:
    size = len(content)
    length = bytes([size]) if size < 0x80 else bytes([0x82]) + size.to_bytes(2)
    return bytes([tag]) + length + content


def _signed_anew(der: bytes, old: bytes, new: bytes) -> bytes:
    """The request with other bytes of the same length in it."""
    inner, _ = _spans(der, 0)
    _, end = _spans(der, inner)
    _, algorithm = _spans(der, end)
    told = der[inner:end].replace(old, new, 1)
    signature = b"\0" + _KEY.sign(told, ec.ECDSA(hashes.SHA256()))
    return _element(0x30, told + der[end:algorithm] + _element(0x03, signature))


def _pem(der: bytes, kind: str) -> bytes:
    return f"-----BEGIN {kind}-----\n".encode() + base64.encodebytes(der) + f"-----END {kind}-----\n".encode()


REQUESTS = {
    "a name of a kind that nobody uses": _built(bytes.fromhex("3004a3020500")),
    "an extension twice": _signed_anew(_built(_NAMES, twice=True), _OTHER, _SAN),
    "a version that there is not": _signed_anew(_built(_NAMES), bytes.fromhex("020100"), bytes.fromhex("020107")),
    "names that are no names": _built(b"\x01\x02"),
}
"""In DER, signed by their own key."""
REQUESTS_PEM = {why: _pem(der, "CERTIFICATE REQUEST") for why, der in REQUESTS.items()}
_GOOD = serialization.Encoding.DER
CERTIFICATE = (
    x509.load_pem_x509_certificate(certs.new_ca("odd", datetime(2026, 1, 1, tzinfo=UTC)).cert)
    .public_bytes(_GOOD)
    .replace(bytes.fromhex("a003020102"), bytes.fromhex("a003020107"), 1)
)
"""One of a version that there is not, in DER."""
CERTIFICATE_PEM = _pem(CERTIFICATE, "CERTIFICATE")
