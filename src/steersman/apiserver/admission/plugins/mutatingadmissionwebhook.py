"""Webhooks outside the server that may change objects."""

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


async def mutate(review: Review, environment: Environment) -> None:
    if environment.webhooks is not None:
        await environment.webhooks.mutate(review)


ADMISSION = Admission(
    name="MutatingAdmissionWebhook",
    order=3_700,
    interests=(Interest(frozenset({CREATE, UPDATE, DELETE, CONNECT})),),
    mutate=mutate,
)
