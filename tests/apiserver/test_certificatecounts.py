"""Certificates for which a duration was asked for."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime

import pytest
from tests.oddcertificates import CERTIFICATE_PEM

from steersman.apiserver.certificatecounts import concerns, issued
from steersman.apiserver.metrics import PROCESS
from steersman.kinds.types.certificates_v1 import (
    CertificateSigningRequest,
    CertificateSigningRequestSpec,
    CertificateSigningRequestStatus,
)
from steersman.kinds.types.meta_v1 import ObjectMeta
from steersman.pki import certs

DAY = 86400


def value(line: str) -> float:
    """What a series has now, 0 without it."""
    found = [told for told in PROCESS.render().splitlines() if told.startswith(f"{line} ")]
    return float(found[0].rsplit(" ", 1)[1]) if found else 0.0


def request(signer: str, seconds: int | None, certificate: bytes = b"") -> CertificateSigningRequest:
    return CertificateSigningRequest(
        metadata=ObjectMeta(name="a"),
        spec=CertificateSigningRequestSpec(request="", signerName=signer, expirationSeconds=seconds),
        status=CertificateSigningRequestStatus(certificate=b64encode(certificate).decode()),
    )


@pytest.mark.parametrize(
    ("before", "after", "seconds", "found"),
    [(b"", b"c", 600, True), (b"c", b"c", 600, False), (b"", b"", 600, False), (b"", b"c", None, False)],
)
def test_which(before: bytes, after: bytes, seconds: int | None, found: bool) -> None:
    assert concerns(request("x/y", seconds, after), request("x/y", seconds, before)) is found


def test_a_certificate_that_no_library_reads_is_not_honored() -> None:
    line = 'apiserver_certificates_registry_csr_honored_duration_total{signerName="other"}'
    before = value(line)
    issued(request("example.com/mine", 600, CERTIFICATE_PEM))
    assert value(line) == before


@pytest.mark.parametrize(
    ("signer", "told", "wanted", "honored"),
    [
        ("kubernetes.io/kube-apiserver-client", "kubernetes.io/kube-apiserver-client", 365 * DAY, 1),
        ("kubernetes.io/kube-apiserver-client", "kubernetes.io/kube-apiserver-client", 3 * DAY, 0),
        ("example.com/mine", "other", 365 * DAY, 1),
    ],
)
def test_issued(signer: str, told: str, wanted: int, honored: int) -> None:
    now = datetime.now(UTC)
    authority = certs.new_ca("ca", now)
    pair = certs.issue(authority, certs.Request("a", usages=("client",)), now)
    labels = f'{{signerName="{told}"}}'
    names = [f"apiserver_certificates_registry_csr_{what}_duration_total{labels}" for what in ("requested", "honored")]
    before = [value(name) for name in names]
    issued(request(signer, wanted, pair.cert))
    assert [value(name) - b for name, b in zip(names, before, strict=True)] == [1, honored]


def test_what_is_no_certificate_is_not_what_was_asked_for() -> None:
    name = 'apiserver_certificates_registry_csr_honored_duration_total{signerName="other"}'
    before = value(name)
    issued(request("x/y", DAY, b"nothing"))
    assert value(name) == before
