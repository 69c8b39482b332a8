"""Requests for certificates are approved or denied only by those who may do so for the signer."""

from __future__ import annotations

from steersman.apiserver.admission import signers
from steersman.apiserver.admission.framework import UPDATE, Admission, Environment, Interest, Review


async def validate(review: Review, environment: Environment) -> None:
    await signers.check(review, environment, "approve", review.old.spec.signerName, "approve requests with")


ADMISSION = Admission(
    name="CertificateApproval",
    order=2_500,
    interests=(Interest(frozenset({UPDATE}), "certificatesigningrequests", signers.GROUP, "approval"),),
    validate=validate,
)
