"""Policies of the cluster's users that may change objects."""

from __future__ import annotations

from steersman.apiserver.admission.framework import (
    CONNECT,
    CREATE,
    UPDATE,
    Admission,
    Environment,
    Interest,
    Review,
)


async def mutate(review: Review, environment: Environment) -> None:
    if environment.policies is not None:
        await environment.policies.mutate(review)


ADMISSION = Admission(
    name="MutatingAdmissionPolicy",
    order=3_600,
    interests=(Interest(frozenset({CREATE, UPDATE, CONNECT})),),
    mutate=mutate,
)
