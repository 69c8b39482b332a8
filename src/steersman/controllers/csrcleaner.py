"""Deletes CertificateSigningRequests that nobody needs any more: answered an hour ago, or never."""

from __future__ import annotations

from base64 import b64decode
from datetime import datetime, timedelta

from steersman.api.errors import NotFound
from steersman.api.meta import parse_time
from steersman.controller.declaration import Context, Controller, own
from steersman.kinds.types.certificates_v1 import CertificateSigningRequest

ANSWERED, PENDING = timedelta(hours=1), timedelta(hours=24)


class Cleaner:
    def __init__(self, context: Context) -> None:
        self._client = context.client
        self._clock = context.clock
        self._requests = context.informers.informer(CertificateSigningRequest)

    async def reconcile(self, key: str) -> float | None:
        found = self._requests.get(key)
        if found is None:
            return None
        ends = end_of(found)
        if ends is None:
            return None
        left = (ends - self._clock.now()).total_seconds()
        if left > 0:
            return left
        try:
            await self._client.delete(CertificateSigningRequest, found.metadata.name, uid=found.metadata.uid)
        except NotFound:
            # Somebody was faster.
            return None
        return None


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
    reconciler=Cleaner,
    watches=(own(CertificateSigningRequest),),
    component="certificatesigningrequest-cleaner-controller",
    account="certificate-controller",
)
