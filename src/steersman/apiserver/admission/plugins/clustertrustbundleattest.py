"""Which authorities a signer has is said only by those who may attest for it."""

from __future__ import annotations

from steersman.apiserver.admission import signers
from steersman.apiserver.admission.collection import only_for_garbage_collection
from steersman.apiserver.admission.framework import CREATE, UPDATE, Admission, Environment, Interest, Review


async def validate(review: Review, environment: Environment) -> None:
    signer = review.object.spec.signerName
    if not signer or only_for_garbage_collection(review.object, review.old):
        return
    await signers.check(review, environment, "attest", signer, "attest for")


ADMISSION = Admission(
    name="ClusterTrustBundleAttest",
    order=2_700,
    interests=(Interest(frozenset({CREATE, UPDATE}), "clustertrustbundles", signers.GROUP),),
    validate=validate,
)
