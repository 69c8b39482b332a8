"""Deletes CertificateSigningRequests that nobody needs any more: answered an hour ago, or never."""

from __future__ import annotations

from base64 import b64decode
from datetime import datetime, timedelta

from steersman.api.meta import parse_time
from steersman.controller.declaration import Controller, own
from steersman.controller.expiry import Expiry
from steersman.kinds.types.certificates_v1 import CertificateSigningRequest

ANSWERED, PENDING = timedelta(hours=1), timedelta(hours=24)


def seconds_left(request: CertificateSigningRequest, now: datetime) -> float | None:
    ends = end_of(request)
    return None if ends is None else (ends - now).total_seconds()


def end_of(request: CertificateSigningRequest) -> datetime | None:
    """When the request has been of no use for long enough; None while that is not known."""
    conditions = request.status.conditions or ()
    ends = [parse_time(request.metadata.creationTimestamp) + PENDING] if not conditions else []
    for condition in conditions:
        answered = condition.type in ("Denied", "Failed") or (
            condition.type == "Approved" and bool(request.status.certificate)
        )
        if answered and condition.lastUpdateTime:
            ends.append(parse_time(condition.lastUpdateTime) + ANSWERED)
    expired = _certificate_end(request)
    return min([*ends, *([expired] if expired is not None else [])], default=None)


def _certificate_end(request: CertificateSigningRequest) -> datetime | None:
    """When the certificate that was issued ends, if that is soon enough to matter."""
    wished = request.spec.expirationSeconds
    if not request.status.certificate or wished is None or wished > ANSWERED.total_seconds():
        return None
    from steersman.pki import requests

    try:
        return requests.ends(b64decode(request.status.certificate))
    except ValueError:
        # Another signer's idea of a certificate: it goes with the others.
        return None


CONTROLLER = Controller(
    name="csrcleaner",
    reconciler=lambda context: Expiry(context, CertificateSigningRequest, seconds_left),
    watches=(own(CertificateSigningRequest),),
    component="certificatesigningrequest-cleaner-controller",
    account="certificate-controller",
)
