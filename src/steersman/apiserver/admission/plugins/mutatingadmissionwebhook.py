"""Webhooks outside the server that may change objects."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

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

if TYPE_CHECKING:
    from steersman.apiserver.admission.given import Given


def configure(given: Given | None) -> Admission:
    """Raises ConfigurationError."""
    if given is None:
        return ADMISSION
    # Rarely needed.
    from steersman.apiserver.webhook import credentials

    return replace(ADMISSION, settings=credentials.configured(given))


async def mutate(review: Review, environment: Environment) -> None:
    if environment.webhooks is not None:
        await environment.webhooks.mutate(review)


ADMISSION = Admission(
    name="MutatingAdmissionWebhook",
    order=3_700,
    interests=(Interest(frozenset({CREATE, UPDATE, DELETE, CONNECT})),),
    mutate=mutate,
    configure=configure,
)
