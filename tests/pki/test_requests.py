"""Certificate requests: what is read of them, and what is signed."""

from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from tests.oddcertificates import REQUESTS_PEM

from steersman.pki import certs, requests

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CA = certs.new_ca("test-ca", NOW)
EC_KEY = ec.generate_private_key(ec.SECP256R1())
NAMES = [x509.DNSName("web"), x509.IPAddress(IPv4Address("10.0.0.1")), x509.RFC822Name("a@b.c")]


def request(
    name: str = "jane",
    organizations: tuple[str, ...] = ("dev", "ops"),
    names: tuple[x509.GeneralName, ...] = (),
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey = EC_KEY,
) -> bytes:
    parts = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, o) for o in organizations]
    subject = x509.Name([*parts, x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    # An authority is what nobody may become by asking.
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    algorithm = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return builder.sign(key, algorithm).public_bytes(serialization.Encoding.PEM)


def test_what_is_asked() -> None:
    hosts = ("web", "10.0.0.1")
    assert requests.asked(request(names=tuple(NAMES))) == requests.Asked("jane", ("dev", "ops"), 1, 1, 1, 0, hosts)
    assert requests.asked(request(organizations=())) == requests.Asked("jane", (), 0, 0, 0, 0)


def test_what_is_made_is_what_is_asked() -> None:
    pem, key = requests.make("system:node:n", ("system:nodes",), ("n", "10.0.0.2"))
    asked = requests.asked(pem)
    assert (asked.common_name, asked.organizations, asked.hosts) == (
        "system:node:n",
        ("system:nodes",),
        ("n", "10.0.0.2"),
    )
    made = requests.sign(CA, pem, ["server auth"], NOW, timedelta(days=1))
    assert (
        x509.load_pem_x509_certificate(made).public_key() == serialization.load_pem_private_key(key, None).public_key()
    )
    assert not requests.asked(requests.make("a", ())[0]).hosts


@pytest.mark.parametrize("pem", [b"", b"nonsense", CA.cert, *REQUESTS_PEM.values()])
def test_what_is_no_request(pem: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the library's words
        requests.asked(pem)
    with pytest.raises(ValueError):  # noqa: PT011
        requests.sign(CA, pem, ["client auth"], NOW, timedelta(days=1))


@pytest.mark.parametrize("key", [EC_KEY, rsa.generate_private_key(65537, 2048), ed25519.Ed25519PrivateKey.generate()])
def test_a_certificate(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey) -> None:
    usages = ["digital signature", "key encipherment", "client auth", "client auth"]
    pem = requests.sign(CA, request(names=tuple(NAMES), key=key), usages, NOW, timedelta(hours=1))
    cert = x509.load_pem_x509_certificate(pem)
    cert.verify_directly_issued_by(x509.load_pem_x509_certificate(CA.cert))
    assert cert.public_key() == key.public_key()
    assert cert.subject.rfc4514_string() == "CN=jane,O=ops,O=dev"
    assert requests.ends(pem) == cert.not_valid_after_utc == NOW + timedelta(hours=1)
    found = cert.extensions
    assert not found.get_extension_for_class(x509.BasicConstraints).value.ca
    assert list(found.get_extension_for_class(x509.SubjectAlternativeName).value) == NAMES
    usage = found.get_extension_for_class(x509.KeyUsage).value
    assert (usage.digital_signature, usage.key_encipherment, usage.key_cert_sign) == (True, True, False)
    assert list(found.get_extension_for_class(x509.ExtendedKeyUsage).value) == [ExtendedKeyUsageOID.CLIENT_AUTH]


@pytest.mark.parametrize(
    ("usages", "encipher"), [(["encipher only"], None), (["key agreement", "encipher only"], True), (["any"], None)]
)
def test_usages(usages: list[str], encipher: bool | None) -> None:
    cert = x509.load_pem_x509_certificate(requests.sign(CA, request(), usages, NOW, timedelta(hours=1)))
    if encipher is not None:
        assert cert.extensions.get_extension_for_class(x509.KeyUsage).value.encipher_only is encipher


def test_an_unknown_usage() -> None:
    with pytest.raises(ValueError, match="unrecognized usage values: flying"):
        requests.sign(CA, request(), ["flying", "client auth"], NOW, timedelta(hours=1))


def test_an_authority_that_has_ended() -> None:
    late = NOW + certs.CA_LIFETIME
    with pytest.raises(requests.AuthorityError, match="has ended"):
        requests.sign(CA, request(), ["client auth"], late, timedelta(hours=1))


def test_nothing_outlives_its_authority() -> None:
    pem = requests.sign(CA, request(), ["client auth"], NOW, timedelta(days=36500))
    assert requests.ends(pem) == x509.load_pem_x509_certificate(CA.cert).not_valid_after_utc
