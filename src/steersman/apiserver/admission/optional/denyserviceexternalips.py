"""Services get no new external addresses, with which they could take the traffic of others."""

from __future__ import annotations

from steersman.api.errors import Forbidden
from steersman.apiserver.admission.framework import CREATE, UPDATE, Admission, Environment, Interest, Review


async def validate(review: Review, environment: Environment) -> None:
    before = set((review.old.spec.externalIPs or ()) if review.old is not None else ())
    if not before >= set(review.object.spec.externalIPs or ()):
        raise Forbidden.of(review.resource, review.name, "Use of external IPs is denied by admission control")


ADMISSION = Admission(
    name="DenyServiceExternalIPs",
    order=3_000,
    interests=(Interest(frozenset({CREATE, UPDATE}), "services"),),
    validate=validate,
)
