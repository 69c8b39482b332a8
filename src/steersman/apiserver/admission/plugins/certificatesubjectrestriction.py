"""Nobody asks for a client certificate that would be above all rules."""

from __future__ import annotations

from base64 import b64decode

from steersman.api.errors import Forbidden
from steersman.api.identities import MASTERS
from steersman.apiserver.admission.framework import CREATE, Admission, Environment, Interest, Review
from steersman.kinds.certificates.signers import CLIENT


async def validate(review: Review, environment: Environment) -> None:
    spec = review.object.spec
    if spec.signerName != CLIENT:
        return
    # The library takes long to load, and most servers are never asked.
    from steersman.pki import requests

    try:
        asked = requests.asked(b64decode(spec.request))
    except ValueError as error:
        raise Forbidden.of(review.resource, review.name, f"failed to parse CSR: {error}") from error
    if MASTERS in asked.organizations:
        text = f"use of {CLIENT} signer with {MASTERS} group is not allowed"
        raise Forbidden.of(review.resource, review.name, text)


ADMISSION = Admission(
    name="CertificateSubjectRestriction",
    order=2_800,
    interests=(Interest(frozenset({CREATE}), "certificatesigningrequests", "certificates.k8s.io"),),
    validate=validate,
)
