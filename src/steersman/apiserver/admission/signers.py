"""Whether a user may speak for a signer of certificates."""

from __future__ import annotations

from steersman.api.errors import Forbidden
from steersman.apiserver.admission.framework import Environment, Review
from steersman.apiserver.authz import Attributes

GROUP = "certificates.k8s.io"


async def may(review: Review, environment: Environment, verb: str, signer: str) -> bool:
    """Whether the user may do that for the signer, or for all signers of its domain."""
    if environment.allowed is None:
        return True
    for name in (signer, f"{signer.partition('/')[0]}/*"):
        if await environment.allowed(Attributes(review.user, verb, group=GROUP, resource="signers", name=name)):
            return True
    return False


async def check(review: Review, environment: Environment, verb: str, signer: str, what: str) -> None:
    """Raise Forbidden unless the user may do that."""
    if not await may(review, environment, verb, signer):
        raise Forbidden.of(review.resource, review.name, f'user not permitted to {what} signerName "{signer}"')
