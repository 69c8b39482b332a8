"""Refuses every write but the server's own; for tests of clients."""

from __future__ import annotations

from steersman.api.errors import Forbidden
from steersman.apiserver.admission.framework import (
    CONNECT,
    CREATE,
    DELETE,
    LOOPBACK,
    UPDATE,
    Admission,
    Environment,
    Interest,
    Review,
)


async def refuse(review: Review, environment: Environment) -> None:
    # The server itself could not start.
    if review.user != LOOPBACK:
        raise Forbidden.of(review.resource, review.name, "admission control is denying all modifications")


ADMISSION = Admission(
    name="AlwaysDeny",
    order=4_100,
    interests=(Interest(frozenset({CREATE, UPDATE, DELETE, CONNECT})),),
    mutate=refuse,
    validate=refuse,
)
