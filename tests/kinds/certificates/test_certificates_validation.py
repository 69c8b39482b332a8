"""Validation of requests for certificates and of what is trusted, with real keys and certificates."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from steersman.kinds.certificates import certificatesigningrequest, clustertrustbundle, podcertificaterequest

ErrorsOf = Callable[..., list[str]]

KEY, OTHER_KEY = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
NAME = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "x")])
START = datetime(2024, 1, 1, tzinfo=UTC)
END = START + timedelta(hours=2)


def _certificate(
    key: ec.EllipticCurvePrivateKey = KEY,
    *,
    authority: bool = False,
    end: datetime = END,
    names: tuple[x509.GeneralName, ...] = (),
) -> str:
    making = x509.CertificateBuilder(NAME, NAME, key.public_key(), x509.random_serial_number(), START, end)
    making = making.add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    if names:
        making = making.add_extension(x509.SubjectAlternativeName(names), critical=False)
    made = making.sign(key, hashes.SHA256())
    return made.public_bytes(serialization.Encoding.PEM).decode()


def _request(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey = KEY) -> x509.CertificateSigningRequest:
    return x509.CertificateSigningRequestBuilder(NAME).sign(key, hashes.SHA256())


def _base64(data: bytes | str) -> str:
    return base64.b64encode(data if isinstance(data, bytes) else data.encode()).decode()


CA = _certificate(authority=True)
LEAF = _certificate()
CSR = {
    "metadata": {"name": "a"},
    "spec": {
        "request": _base64(_request().public_bytes(serialization.Encoding.PEM)),
        "signerName": "example.com/signer",
        "usages": ["client auth"],
    },
}
APPROVED = {"type": "Approved", "status": "True"}
POD = {
    "metadata": {"name": "a", "namespace": "default"},
    "spec": {
        "signerName": "example.com/signer",
        "podName": "p",
        "podUID": "1",
        "serviceAccountName": "s",
        "serviceAccountUID": "2",
        "nodeName": "n",
        "nodeUID": "3",
        "stubPKCS10Request": _base64(_request().public_bytes(serialization.Encoding.DER)),
    },
}
BUNDLE = {"metadata": {"name": "a"}, "spec": {"trustBundle": CA}}

LABEL = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"


@pytest.mark.parametrize(
    ("change", "errors"),
    [
        ("{}", []),
        ("spec: {usages: []}", ["spec.usages: Required value"]),
        ("spec: {usages: [client auth, client auth]}", ['spec.usages[1]: Duplicate value: "client auth"']),
        ("spec: {signerName: kubernetes.io/legacy-unknown}", ['spec.signerName: Invalid value: "kubernetes.io/legacy-unknown": the legacy signerName is not allowed via this API version']),
        ("spec: {signerName: null}", ["spec.signerName: Required value"]),
        ("spec: {signerName: a.b}", ["spec.signerName: Invalid value: \"a.b\": must be a fully qualified domain and path of the form 'example.com/signer-name'"]),
        ("spec: {signerName: a/b}", ['spec.signerName: Invalid value: "a": should be a domain with at least two segments separated by dots']),
        ("spec: {signerName: a.B/c}", [f'spec.signerName: Invalid value: "a.B": validating label "B": {LABEL}']),
        ("spec: {expirationSeconds: 599}", ["spec.expirationSeconds: Invalid value: 599: may not specify a duration less than 600 seconds (10 minutes)"]),
        (f"spec: {{request: {_base64('x')}}}", ['spec.request: Invalid value: "eA==": PEM block type must be CERTIFICATE REQUEST']),
    ],
)  # fmt: skip
def test_a_new_request(change: str, errors: list[str], errors_of: ErrorsOf) -> None:
    assert errors_of(certificatesigningrequest.KIND, CSR, change) == errors


def test_usages_are_known_ones(errors_of: ErrorsOf) -> None:
    (error,) = errors_of(certificatesigningrequest.KIND, CSR, "spec: {usages: [x]}")
    assert error.startswith(
        'spec.usages[0]: Unsupported value: "x": supported values: "any", "cert sign", "client auth"'
    )


def test_the_signature_of_a_request_counts(errors_of: ErrorsOf) -> None:
    der = bytearray(_request().public_bytes(serialization.Encoding.DER))
    der[-1] ^= 1
    body = base64.encodebytes(bytes(der)).decode()
    text = f"-----BEGIN CERTIFICATE REQUEST-----\n{body}-----END CERTIFICATE REQUEST-----\n"
    (error,) = errors_of(certificatesigningrequest.KIND, CSR, {"spec": {"request": _base64(text)}})
    assert error.startswith("spec.request: Invalid value: ")


def test_the_spec_of_a_request_stays(create: Callable[..., Any]) -> None:
    kind = certificatesigningrequest.KIND
    old, new = create(kind, CSR), create(kind, CSR, "spec: {signerName: other.example.com/x}")
    kind.prepare_update(new, old)
    assert new.spec.signerName == "example.com/signer"
    assert kind.validate_update(new, old) == []


@pytest.mark.parametrize(
    ("before", "after", "errors"),
    [
        ({}, {"certificate": _base64(LEAF)}, []),
        ({}, {"certificate": _base64("x")}, ['status.certificate: Invalid value: "<certificate data>": must contain at least one CERTIFICATE PEM block']),
        ({"certificate": _base64(LEAF)}, {"certificate": _base64(CA)}, ["status.certificate: Forbidden: updates may not modify existing certificate content"]),
        ({}, {"conditions": [APPROVED]}, ['status.conditions: Forbidden: updates may not add a condition of type "Approved"']),
        # Other words for what was decided change nothing.
        ({"conditions": [APPROVED]}, {"conditions": [{**APPROVED, "message": "x"}]}, []),
        ({"certificate": _base64("x")}, {"certificate": _base64("y")}, ["status.certificate: Forbidden: updates may not modify existing certificate content"]),
        ({"conditions": [APPROVED]}, {"conditions": [], "certificate": _base64("x")}, ['status.certificate: Invalid value: "<certificate data>": must contain at least one CERTIFICATE PEM block', 'status.conditions: Forbidden: updates may not remove a condition of type "Approved"']),
        ({"conditions": [APPROVED]}, {"conditions": []}, ['status.conditions: Forbidden: updates may not remove a condition of type "Approved"']),
        ({}, {"conditions": [{"type": "Failed", "status": "False"}]}, ['status.conditions[0].status: Unsupported value: "False": supported values: "True"']),
        ({}, {"conditions": [{"type": "X", "status": "Unknown"}, {"type": "X", "status": ""}]}, ["status.conditions[1].status: Required value", 'status.conditions[1].type: Duplicate value: "X"']),
    ],
)  # fmt: skip
def test_the_status_of_a_request(before: Any, after: Any, errors: list[str], status_errors_of: ErrorsOf) -> None:
    assert status_errors_of(certificatesigningrequest.KIND, CSR, before, after) == errors


def test_approval_and_denial_exclude_each_other(create: Callable[..., Any], build: Callable[..., Any]) -> None:
    kind = certificatesigningrequest.KIND
    denied = {"type": "Denied", "status": "True"}
    old, new = create(kind, CSR), build(kind, CSR, {"status": {"conditions": [APPROVED, denied]}})
    assert [str(e) for e in kind.validate_subresource("approval", new, old)] == [
        'status.conditions: Invalid value: "Denied": Approved and Denied conditions are mutually exclusive'
    ]


@pytest.mark.parametrize(
    ("change", "errors"),
    [
        ({}, []),
        ({"spec": {"trustBundle": ""}}, ['spec.trustBundle: Invalid value: "<value omitted>": at least one trust anchor must be provided']),
        ({"spec": {"trustBundle": CA + CA}}, ['spec.trustBundle: Invalid value: "<value omitted>": duplicate trust anchor (indices [0 1])']),
        ({"spec": {"trustBundle": LEAF}}, ['spec.trustBundle: Invalid value: "<value omitted>": entry 0 does not have the CA bit set']),
        ({"spec": {"trustBundle": CA.replace("CERTIFICATE", "X")}}, ['spec.trustBundle: Invalid value: "<value omitted>": entry 0 has bad block type: X']),
        ({"spec": {"trustBundle": CA.replace("CERTIFICATE-----\n", "CERTIFICATE-----\na: b\n\n", 1)}}, ['spec.trustBundle: Invalid value: "<value omitted>": entry 0 has PEM block headers']),
        ({"metadata": {"name": "a:b"}}, ['metadata.name: Invalid value: "a:b": ClusterTrustBundle without signer name must not have ":" in its name']),
        ({"spec": {"signerName": "x.io/y"}}, ['metadata.name: Invalid value: "a": ClusterTrustBundle for signerName x.io/y must be named with prefix x.io:y:']),
        ({"metadata": {"name": "x.io:y:a"}, "spec": {"signerName": "x.io/y"}}, []),
    ],
)  # fmt: skip
def test_a_trust_bundle(change: Any, errors: list[str], errors_of: ErrorsOf) -> None:
    assert errors_of(clustertrustbundle.KIND, BUNDLE, change) == errors


def test_a_trust_bundle_stays_with_its_signer(update_errors_of: ErrorsOf) -> None:
    base = {"metadata": {"name": "x.io:y:a"}, "spec": {"signerName": "x.io/y", "trustBundle": CA}}
    change = {"spec": {"signerName": "x.io/z", "trustBundle": CA}}
    assert update_errors_of(clustertrustbundle.KIND, base, change) == [
        'spec.signerName: Invalid value: "x.io/z": field is immutable'
    ]


@pytest.mark.parametrize(
    ("change", "errors"),
    [
        ("{}", []),
        ("spec: {podUID: null}", ['spec.podUID: Invalid value: "": must not be empty']),
        (f"spec: {{nodeUID: {'x' * 129}}}", ["spec.nodeUID: Too long: may not be more than 128 bytes"]),
        ("spec: {maxExpirationSeconds: 60}", ["spec.maxExpirationSeconds: Invalid value: 60: must be in the range [3600, 7862400]"]),
        ("spec: {signerName: kubernetes.io/x, maxExpirationSeconds: 100000}", ["spec.maxExpirationSeconds: Invalid value: 100000: must be in the range [3600, 86400]"]),
        ("spec: {unverifiedUserAnnotations: {x.io/A: b}}", []),
        ("spec: {unverifiedUserAnnotations: {a: b}}", ["spec.unverifiedUserAnnotations: Invalid value: \"a\": must be a domain-prefixed key (such as 'acme.io/foo')"]),
    ],
)  # fmt: skip
def test_a_new_request_of_a_pod(change: str, errors: list[str], errors_of: ErrorsOf) -> None:
    assert errors_of(podcertificaterequest.KIND, POD, change) == errors


def test_the_key_of_a_pod(errors_of: ErrorsOf) -> None:
    at = "spec.stubPKCS10Request: Invalid value: "
    fine = _request(KEY).public_bytes(serialization.Encoding.DER)
    curve = "elliptic public keys must use curve P256, P384, or P521"
    for asked, error in (
        (_request(ec.generate_private_key(ec.SECP224R1())), f'{at}"curve P-224": {curve}'),
        (
            _request(rsa.generate_private_key(65537, 2048)),
            f'{at}"2048-bit modulus": RSA keys must have modulus size 3072 or 4096',
        ),
        (b"x", f"{at}must be a valid PKCS#10 CSR"),
        (fine[:-1] + bytes([fine[-1] ^ 1]), f"{at}invalid signature"),
        (
            b"",
            "spec: Invalid value: exactly one of (stubPKCS10Request) or (pkixPublicKey, proofOfPossession) must be set",
        ),
    ):
        data = asked if isinstance(asked, bytes) else asked.public_bytes(serialization.Encoding.DER)
        assert errors_of(podcertificaterequest.KIND, POD, {"spec": {"stubPKCS10Request": _base64(data)}}) == [error]


def _condition(kind: str) -> dict[str, str]:
    return {"type": kind, "status": "True", "reason": "R", "message": "m", "lastTransitionTime": "2024-01-01T00:00:00Z"}


ISSUED = {
    "conditions": [_condition("Issued")],
    "certificateChain": LEAF + CA,
    "notBefore": "2024-01-01T00:00:00Z",
    "notAfter": "2024-01-01T02:00:00Z",
    "beginRefreshAt": "2024-01-01T01:00:00Z",
}


@pytest.mark.parametrize(
    ("before", "after", "errors"),
    [
        ({}, ISSUED, []),
        ({}, {"conditions": [_condition("Denied")]}, []),
        (ISSUED, {"notAfter": "2025-01-01T02:00:00Z"}, ["status: Invalid value: immutable after PodCertificateRequest is issued, denied, or failed"]),
        ({}, {"certificateChain": LEAF}, ['status: Invalid value: status is immutable unless transitioning to "Issued", "Denied", or "Failed"']),
        ({}, {**ISSUED, "conditions": [_condition("Failed")]}, ["status: Invalid value: non-condition status fields must be empty when denying or failing the PodCertificateRequest"]),
        ({}, {"conditions": [_condition("Maybe")]}, ['status.conditions.[0].type: Unsupported value: "Maybe": supported values: "Issued", "Denied", "Failed"']),
        ({}, {**ISSUED, "beginRefreshAt": "2024-01-01T00:01:00Z"}, ['status.beginRefreshAt: Invalid value: "2024-01-01T00:01:00Z": must be at least 10 minutes after status.notBefore']),
        ({}, {**ISSUED, "beginRefreshAt": "2024-01-01T01:55:00Z"}, ['status.beginRefreshAt: Invalid value: "2024-01-01T01:55:00Z": must be at least 10 minutes before status.notAfter']),
        ({}, {**ISSUED, "notAfter": "2024-01-01T03:00:00Z"}, ['status.notAfter: Invalid value: "2024-01-01T03:00:00Z": must be set to the NotAfter time encoded in the leaf certificate']),
        ({}, {**ISSUED, "notBefore": ""}, ["status.notBefore: Required value: must be present and consistent with the issued certificate"]),
        ({}, {**ISSUED, "certificateChain": ""}, ['status.certificateChain: Invalid value: "": issued certificate chain must contain at least one certificate']),
    ],
)  # fmt: skip
def test_the_status_of_a_pods_request(before: Any, after: Any, errors: list[str], status_errors_of: ErrorsOf) -> None:
    found = status_errors_of(podcertificaterequest.KIND, POD, before, after)
    assert found == errors


def test_a_certificate_is_for_the_pods_key(status_errors_of: ErrorsOf) -> None:
    strange = {**ISSUED, "certificateChain": _certificate(OTHER_KEY)}
    (error,) = status_errors_of(podcertificaterequest.KIND, POD, {}, strange)
    assert error.endswith("leaf certificate was not issued to the requested public key")


def test_whom_a_pods_certificate_is_for(status_errors_of: ErrorsOf) -> None:
    names = (x509.DNSName("a..b"), x509.DNSName("c."), x509.DNSName("d.e"), x509.RFC822Name("f@g"))
    strange = {**ISSUED, "certificateChain": _certificate(names=names)}
    assert status_errors_of(podcertificaterequest.KIND, POD, {}, strange) == [
        "status.certificateChain: Invalid value: \"a..b\": leaf certificate's DNSName should not contain '..'",
        "status.certificateChain: Invalid value: \"c.\": leaf certificate's DNSName should not start or end with '.'",
    ]


def test_a_certificate_is_for_an_hour_at_least(status_errors_of: ErrorsOf) -> None:
    end = START + timedelta(minutes=30)
    short = {**ISSUED, "certificateChain": _certificate(end=end), "notAfter": "2024-01-01T00:30:00Z"}
    assert status_errors_of(podcertificaterequest.KIND, POD, {}, short) == [
        "status.certificateChain: Invalid value: 1800000000000: leaf certificate lifetime must be >= 1 hour"
    ]
