"""Certificates that were issued for a time that was asked for, as they are counted: by upstream's names."""

from __future__ import annotations

from base64 import b64decode
from typing import TYPE_CHECKING, Final

from steersman.api.metrics import Counter
from steersman.apiserver.metrics import PROCESS

if TYPE_CHECKING:
    from steersman.kinds.types.certificates_v1 import CertificateSigningRequest

_NAME = "apiserver_certificates_registry_csr_"
_requested: Final = PROCESS.add(
    Counter(f"{_NAME}requested_duration_total", "Certificates for which a duration was asked for.", ("signerName",))
)
_honored: Final = PROCESS.add(Counter(f"{_NAME}honored_duration_total", "Those of them that have it.", ("signerName",)))
_OWN = "kubernetes.io/"
# Signers date certificates back by five minutes; what they round is a part of the whole.
_BACKDATED, _ROUNDED = 300.0, 20


def concerns(new: CertificateSigningRequest, old: CertificateSigningRequest) -> bool:
    """Whether a request is answered with this write, and has asked for a duration."""
    return bool(old.spec.expirationSeconds is not None and new.status.certificate and not old.status.certificate)


def issued(request: CertificateSigningRequest) -> None:
    """Such a write was done."""
    signer = request.spec.signerName if request.spec.signerName.startswith(_OWN) else "other"
    _requested.add(signer)
    seconds = _seconds(request.status.certificate)
    wanted = float(request.spec.expirationSeconds or 0)
    if seconds is not None and abs(wanted - seconds) < _BACKDATED + wanted / _ROUNDED:
        _honored.add(signer)


def _seconds(encoded: str) -> float | None:
    """For how long a certificate (PEM in base64) is good; None if it is none."""
    # Only who signs needs it.
    from cryptography import x509

    try:
        certificate = x509.load_pem_x509_certificate(b64decode(encoded))
    except (ValueError, x509.InvalidVersion):
        return None
    return (certificate.not_valid_after_utc - certificate.not_valid_before_utc).total_seconds()
