"""Webhooks outside the server that may refuse objects."""

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


async def validate(review: Review, environment: Environment) -> None:
    if environment.webhooks is not None:
        await environment.webhooks.validate(review)


ADMISSION = Admission(
    name="ValidatingAdmissionWebhook",
    order=3_900,
    interests=(Interest(frozenset({CREATE, UPDATE, DELETE, CONNECT})),),
    validate=validate,
    configure=configure,
)
