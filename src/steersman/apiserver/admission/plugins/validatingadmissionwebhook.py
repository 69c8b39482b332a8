"""Webhooks outside the server that may refuse objects."""

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
    if environment.webhooks is not None:
        await environment.webhooks.validate(review)


ADMISSION = Admission(
    name="ValidatingAdmissionWebhook",
    order=3_900,
    interests=(Interest(frozenset({CREATE, UPDATE, DELETE, CONNECT})),),
    validate=validate,
)
