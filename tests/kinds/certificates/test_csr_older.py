"""Certificate signing requests of certificates.k8s.io/v1beta1: who is to sign them."""

from __future__ import annotations

import base64
import ipaddress
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.oddcertificates import REQUESTS_PEM

from steersman.api import codec
from steersman.kinds.certificates.certificatesigningrequest import KIND
from steersman.kinds.certificates.signers import KUBELET_CLIENT, KUBELET_SERVING, LEGACY
from steersman.kinds.types.certificates_v1beta1 import CertificateSigningRequest

OLD = next(s for s in KIND.served() if s.resource.version == "v1beta1")
CLIENT, SERVING = ["digital signature", "key encipherment", "client auth"], ["digital signature", "server auth"]
ADDRESS = x509.IPAddress(ipaddress.ip_address("192.0.2.1"))


def request(name: str = "system:node:a", organization: str = "system:nodes", *others: x509.GeneralName) -> str:
    subject = x509.Name([
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization), x509.NameAttribute(NameOID.COMMON_NAME, name),
    ])  # fmt: skip
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    if others:
        builder = builder.add_extension(x509.SubjectAlternativeName(others), critical=False)
    signed = builder.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    return base64.b64encode(signed.public_bytes(serialization.Encoding.PEM)).decode()


def adopted(**spec: Any) -> Any:
    plain = {"metadata": {"name": "a"}, "spec": spec}
    return OLD.adopt(codec.from_builtins(CertificateSigningRequest, plain)[0])


@pytest.mark.parametrize(
    ("given", "usages", "signer"),
    [
        (request(), CLIENT, KUBELET_CLIENT),
        (request(), ["client auth", "digital signature"], KUBELET_CLIENT),
        (request("jane"), CLIENT, LEGACY),
        (request("system:node:a", "others"), CLIENT, LEGACY),
        (request("system:node:a", "system:nodes", ADDRESS), CLIENT, LEGACY),
        (request("system:node:a", "system:nodes", ADDRESS), SERVING, KUBELET_SERVING),
        (request("system:node:a", "system:nodes", x509.DNSName("a")), SERVING, KUBELET_SERVING),
        (request("system:node:a", "system:nodes", x509.RFC822Name("a@b.example")), SERVING, LEGACY),
        (request(), SERVING, LEGACY),
        (request(), None, LEGACY),
        (request(), ["any"], LEGACY),
        ("", CLIENT, LEGACY),
        ("bm9uc2Vuc2U=", CLIENT, LEGACY),
        *((base64.b64encode(odd).decode(), CLIENT, LEGACY) for odd in REQUESTS_PEM.values()),
    ],
)
def test_the_signer_follows_from_the_request(given: str, usages: list[str] | None, signer: str) -> None:
    spec = {"request": given} | ({} if usages is None else {"usages": usages})
    found = adopted(**spec)
    assert found.spec.signerName == signer
    assert found.spec.usages == (usages or ["digital signature", "key encipherment"])


def test_a_signer_that_is_given_stays() -> None:
    assert (
        adopted(request=request(), usages=CLIENT, signerName="example.com/mine").spec.signerName == "example.com/mine"
    )


def test_a_condition_is_true() -> None:
    plain = {
        "metadata": {"name": "a"},
        "status": {"conditions": [{"type": "Approved"}, {"type": "X", "status": "False"}]},
    }
    found = OLD.adopt(codec.from_builtins(CertificateSigningRequest, plain)[0])
    assert [c.status for c in found.status.conditions] == ["True", "False"]


def test_the_legacy_signer_is_allowed() -> None:
    found = adopted(request=request("jane"), usages=CLIENT)
    assert OLD.tolerated(KIND.validate(found)) == []
