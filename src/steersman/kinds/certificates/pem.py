"""Reads certificates, requests for them, and their public keys. Errors are X509Error, in words for the client."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cryptography.x509 import Certificate, CertificateSigningRequest

_BEGIN = re.compile(rb"-----BEGIN ([A-Z0-9 ]{1,64})-----\r?\n")
_END = re.compile(rb"-----END ([A-Z0-9 ]{1,64})-----")
_HEADER = re.compile(rb"\A((?:[^:\n]+:[^\n]*\n)+)\r?\n?")
_RSA_SIZES = (3072, 4096)
_CURVES = ("secp256r1", "secp384r1", "secp521r1")
_NAMES = {"secp224r1": "P-224"}


class X509Error(Exception):
    """Something that is no certificate, request or key; the text says why."""


@dataclass(frozen=True, slots=True)
class Block:
    """One PEM block, decoded."""

    type: str
    has_headers: bool
    data: bytes


def blocks(text: bytes) -> list[Block]:
    """The PEM blocks in a text; what is between them, and what is malformed, is passed over."""
    # In one pass: a text may begin any number of blocks and end none.
    ends: dict[bytes, list[re.Match[bytes]]] = {}
    for end in _END.finditer(text):
        ends.setdefault(end[1], []).append(end)
    found: list[Block] = []
    done = 0
    for begin in _BEGIN.finditer(text):
        known = ends.get(begin[1], [])
        at = bisect_left(known, begin.end(), key=lambda match: match.start())
        if begin.start() < done or at == len(known):
            continue
        done = known[at].end()
        body = text[begin.end() : known[at].start()]
        header = _HEADER.match(body)
        body = body[header.end() :] if header else body
        try:
            data = base64.b64decode(b"".join(body.split()), validate=True)
        except binascii.Error:
            continue
        found.append(Block(begin[1].decode(), header is not None, data))
    return found


def encode(data: Iterable[bytes], kind: str = "CERTIFICATE") -> bytes:
    """PEM blocks of what is in DER."""
    lines: list[bytes] = []
    for one in data:
        encoded = base64.b64encode(one)
        lines += [
            f"-----BEGIN {kind}-----".encode(),
            *(encoded[i : i + 64] for i in range(0, len(encoded), 64)),
            f"-----END {kind}-----".encode(),
        ]
    return b"".join(line + b"\n" for line in lines)


def certificate(data: bytes) -> Certificate:
    """A certificate in DER."""
    from cryptography import x509

    try:
        return x509.load_der_x509_certificate(data)
    except (ValueError, x509.InvalidVersion) as error:
        raise X509Error(f"x509: malformed certificate: {error}") from error


def unverified(data: bytes) -> CertificateSigningRequest:
    """A request in DER, whatever its signature."""
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm

    try:
        found = x509.load_der_x509_csr(data)
        found.public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion) as error:
        raise X509Error(f"x509: malformed certificate request: {error}") from error
    return found


def is_signed(found: CertificateSigningRequest) -> bool:
    """Whether the signature of a request is right."""
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

    try:
        return found.is_signature_valid
    except (ValueError, TypeError, UnsupportedAlgorithm, InvalidSignature):
        return False


def request(data: bytes) -> CertificateSigningRequest:
    """A request in DER, whose signature is right."""
    found = unverified(data)
    if not is_signed(found):
        raise X509Error("x509: certificate request has an invalid signature")
    return found


def request_text(text: bytes) -> CertificateSigningRequest:
    """A request in PEM, whose signature is right."""
    found = blocks(text)
    if not found or found[0].type != "CERTIFICATE REQUEST":
        raise X509Error("PEM block type must be CERTIFICATE REQUEST")
    return request(found[0].data)


def key_problem(of: CertificateSigningRequest) -> tuple[str, str] | None:
    """What the key is that a request is for ("" for what has no name), and what it should be; None when it is fine."""
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    key = of.public_key()
    if isinstance(key, ed25519.Ed25519PublicKey):
        return None
    if isinstance(key, ec.EllipticCurvePublicKey):
        found = f"curve {_NAMES.get(key.curve.name, key.curve.name)}"
        return None if key.curve.name in _CURVES else (found, "elliptic public keys must use curve P256, P384, or P521")
    if isinstance(key, rsa.RSAPublicKey):
        # In whole bytes, as its owner is told.
        size = (key.key_size + 7) // 8 * 8
        return None if size in _RSA_SIZES else (f"{size}-bit modulus", "RSA keys must have modulus size 3072 or 4096")
    return "", "unknown public key type; supported types are Ed25519, ECDSA, and RSA"


def key_id(of: Any) -> bytes:
    """What two certificates or requests share exactly if they are for one key."""
    from cryptography.hazmat.primitives import serialization

    form = serialization.PublicFormat.SubjectPublicKeyInfo
    data: bytes = of.public_key().public_bytes(serialization.Encoding.DER, form)
    return hashlib.sha256(data).digest()


def alternatives(found: Certificate) -> tuple[list[str], list[str]]:
    """The names of hosts and the mail addresses that a certificate is for."""
    from cryptography import x509

    try:
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        return [], []
    return names.get_values_for_type(x509.DNSName), names.get_values_for_type(x509.RFC822Name)


def is_authority(found: Certificate) -> bool:
    """Whether the certificate may sign others."""
    from cryptography import x509

    try:
        return found.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        return False
