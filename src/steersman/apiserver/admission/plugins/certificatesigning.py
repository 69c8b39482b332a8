"""Requests for certificates are answered only by those who may sign as their signer."""

from __future__ import annotations

from steersman.apiserver.admission import signers
from steersman.apiserver.admission.framework import UPDATE, Admission, Environment, Interest, Review
from steersman.kinds.types.certificates_v1 import CertificateSigningRequest


async def validate(review: Review, environment: Environment) -> None:
    if _answer(review.object) != _answer(review.old):
        await signers.check(review, environment, "sign", review.old.spec.signerName, "sign requests with")


def _answer(request: CertificateSigningRequest) -> tuple[object, object]:
    return request.status.certificate, request.status.conditions or []


ADMISSION = Admission(
    name="CertificateSigning",
    order=2_600,
    interests=(Interest(frozenset({UPDATE}), "certificatesigningrequests", signers.GROUP, "status"),),
    validate=validate,
)
