"""Policies of the cluster's users that may refuse objects."""

from __future__ import annotations

from steersman.apiserver.admission.framework import (
    CONNECT,
    CREATE,
    DELETE,
    UPDATE,
    Admission,
    Environment,
    Interest,
    Review,
)


async def validate(review: Review, environment: Environment) -> None:
    if environment.policies is not None:
        await environment.policies.validate(review)


ADMISSION = Admission(
    name="ValidatingAdmissionPolicy",
    order=3_800,
    interests=(Interest(frozenset({CREATE, UPDATE, DELETE, CONNECT})),),
    validate=validate,
)
