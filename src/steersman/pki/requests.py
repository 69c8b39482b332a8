"""Certificate requests of others (PKCS#10): what one asks for, and the certificate that an authority answers with."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from steersman.pki.certs import CLOCK_SKEW, Pair, general_name, private_pem, subject_of

# Usages of a key as the API names them; what no request names is none.
_KEY_USAGES = {
    "signing": "digital_signature",
    "digital signature": "digital_signature",
    "content commitment": "content_commitment",
    "key encipherment": "key_encipherment",
    "key agreement": "key_agreement",
    "data encipherment": "data_encipherment",
    "cert sign": "key_cert_sign",
    "crl sign": "crl_sign",
    "encipher only": "encipher_only",
    "decipher only": "decipher_only",
}
_EXTENDED = {
    "any": ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,
    "server auth": ExtendedKeyUsageOID.SERVER_AUTH,
    "client auth": ExtendedKeyUsageOID.CLIENT_AUTH,
    "code signing": ExtendedKeyUsageOID.CODE_SIGNING,
    "email protection": ExtendedKeyUsageOID.EMAIL_PROTECTION,
    "s/mime": ExtendedKeyUsageOID.EMAIL_PROTECTION,
    "ipsec end system": ObjectIdentifier("1.3.6.1.5.5.7.3.5"),
    "ipsec tunnel": ObjectIdentifier("1.3.6.1.5.5.7.3.6"),
    "ipsec user": ObjectIdentifier("1.3.6.1.5.5.7.3.7"),
    "timestamping": ExtendedKeyUsageOID.TIME_STAMPING,
    "ocsp signing": ExtendedKeyUsageOID.OCSP_SIGNING,
    "microsoft sgc": ObjectIdentifier("1.3.6.1.4.1.311.10.3.3"),
    "netscape sgc": ObjectIdentifier("2.16.840.1.113730.4.1"),
}
# As volumes name them.
_RSA = {"RSA3072": 3072, "RSA4096": 4096}
_CURVES: dict[str, Callable[[], ec.EllipticCurve]] = {
    "ECDSAP256": ec.SECP256R1,
    "ECDSAP384": ec.SECP384R1,
    "ECDSAP521": ec.SECP521R1,
}
# From this life on the time before its beginning is part of it.
_LONG, _NOTHING = timedelta(hours=8), timedelta()
# What cannot be read of a request, besides what is a ValueError.
_ODD = (x509.DuplicateExtension, x509.UnsupportedGeneralNameType)
_KEYS = (ec.EllipticCurvePrivateKey, rsa.RSAPrivateKey, ed25519.Ed25519PrivateKey, ed448.Ed448PrivateKey)


class AuthorityError(Exception):
    """The authority cannot sign: no fault of who asks."""


@dataclass(frozen=True)
class Asked:
    """Who asks, and the other names that the certificate shall be good for."""

    common_name: str
    organizations: tuple[str, ...]
    dns_names: int
    addresses: int
    emails: int
    uris: int
    hosts: tuple[str, ...] = ()
    """The DNS names and addresses."""


def asked(pem: bytes) -> Asked:
    """What a request in PEM asks for. Raises ValueError for what is no request."""
    request = _load(pem)
    names = _names(request)

    def count(kind: type[x509.GeneralName]) -> int:
        return sum(isinstance(name, kind) for name in names)

    common = [str(a.value) for a in request.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    organizations = tuple(str(a.value) for a in request.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME))
    return Asked(
        common[-1] if common else "",
        organizations,
        count(x509.DNSName),
        count(x509.IPAddress),
        count(x509.RFC822Name),
        count(x509.UniformResourceIdentifier),
        tuple(str(name.value) for name in names if isinstance(name, x509.DNSName | x509.IPAddress)),
    )


def sign(ca: Pair, pem: bytes, usages: Collection[str], now: datetime, life: timedelta) -> bytes:
    """The certificate in PEM: the request's subject, key and names, and none of its other wishes.

    It begins a little before now, and a long one ends as much earlier. It ends with the authority at the latest. Raises ValueError for what is no request and for usages unknown, and
    AuthorityError.
    """
    request, authority = _load(pem), x509.load_pem_x509_certificate(ca.cert)
    key = serialization.load_pem_private_key(ca.key, None)
    if not isinstance(key, _KEYS):
        raise AuthorityError(f"an authority cannot sign with a {type(key).__name__}")
    if authority.not_valid_after_utc <= now:
        raise AuthorityError(f"the authority has ended at {authority.not_valid_after_utc}")
    builder = (
        x509.CertificateBuilder()
        .subject_name(request.subject)
        .issuer_name(authority.subject)
        .public_key(request.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(min(now + life - (CLOCK_SKEW if life >= _LONG else _NOTHING), authority.not_valid_after_utc))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key()), critical=False)  # type: ignore[arg-type]
    )
    for extension, critical in _usage_extensions(usages):
        builder = builder.add_extension(extension, critical)
    names = _names(request)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    algorithm = None if isinstance(key, (ed25519.Ed25519PrivateKey, ed448.Ed448PrivateKey)) else hashes.SHA256()
    return builder.sign(key, algorithm).public_bytes(serialization.Encoding.PEM)


def make(common_name: str, organizations: tuple[str, ...], hosts: tuple[str, ...] = ()) -> tuple[bytes, bytes]:
    """A request for a certificate, and its new key; both PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject_of(common_name, organizations))
    if hosts:
        names = x509.SubjectAlternativeName([general_name(host) for host in hosts])
        builder = builder.add_extension(names, critical=False)
    private = private_pem(key)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM), private


def stub(key_type: str) -> tuple[bytes, bytes]:
    """A new key in PEM, and a request (DER) that only proves that it is there. Raises ValueError for a sort of key unknown."""
    key = _new_key(key_type)
    algorithm = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    made = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, algorithm)
    private = private_pem(key)
    return private, made.public_bytes(serialization.Encoding.DER)


def _new_key(key_type: str) -> rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey:
    if key_type in _RSA:
        return rsa.generate_private_key(65537, _RSA[key_type])
    if key_type in _CURVES:
        return ec.generate_private_key(_CURVES[key_type]())
    if key_type == "ED25519":
        return ed25519.Ed25519PrivateKey.generate()
    raise ValueError(f"unknown key type {key_type!r}")


def ends(pem: bytes) -> datetime:
    """When the first certificate of a chain in PEM ends. Raises ValueError."""
    return x509.load_pem_x509_certificate(pem).not_valid_after_utc


def _load(pem: bytes) -> x509.CertificateSigningRequest:
    try:
        request = x509.load_pem_x509_csr(pem)
    except x509.InvalidVersion as error:
        raise ValueError(str(error)) from error
    if not request.is_signature_valid:
        raise ValueError("the request is not signed by its own key")
    return request


def _names(request: x509.CertificateSigningRequest) -> list[x509.GeneralName]:
    try:
        return list(request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except x509.ExtensionNotFound:
        return []
    except _ODD as error:
        raise ValueError(str(error)) from error


def _usage_extensions(usages: Collection[str]) -> list[tuple[x509.ExtensionType, bool]]:
    unknown = [usage for usage in usages if usage not in _KEY_USAGES and usage not in _EXTENDED]
    if unknown:
        raise ValueError(f"unrecognized usage values: {', '.join(unknown)}")
    found: list[tuple[x509.ExtensionType, bool]] = []
    wanted = {_KEY_USAGES[usage] for usage in usages if usage in _KEY_USAGES}
    if wanted:
        # These two only say something about key agreement.
        only = {"encipher_only", "decipher_only"} if "key_agreement" in wanted else set()
        flags = {name: name in wanted and (name in only or not name.endswith("_only")) for name in _KEY_USAGES.values()}
        found.append((x509.KeyUsage(**flags), True))
    extended = dict.fromkeys(_EXTENDED[usage] for usage in usages if usage in _EXTENDED)
    if extended:
        found.append((x509.ExtendedKeyUsage(list(extended)), False))
    return found
