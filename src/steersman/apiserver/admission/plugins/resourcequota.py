"""Nothing is stored that exceeds a quota of its namespace: usage is written into the quota before the object is.

A write that fails gives back what it was charged with; and whoever else writes a quota's usage cannot lower it below what is
stored and under way. What does that is loaded with the first quota.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from steersman.apiserver.admission.framework import (
    CREATE,
    LOOPBACK,
    UPDATE,
    Admission,
    Environment,
    Interest,
    Review,
)
from steersman.apiserver.admission.given import Given
from steersman.kinds.types.core_v1 import ResourceQuota

if TYPE_CHECKING:
    from steersman.apiserver.admission.quota import LimitedResource


async def mutate(review: Review, environment: Environment) -> None:
    """A counted usage must not hide what is stored or on its way to be: who counts reads a past state."""
    if (review.resource.plural, review.subresource) != ("resourcequotas", "status") or review.user == LOOPBACK:
        return
    if review.object.status.used:
        from steersman.apiserver.admission import quota_line

        await quota_line.correct(review, environment)


async def validate(limited: Sequence[LimitedResource], review: Review, environment: Environment) -> None:
    if not review.namespace or not (limited or environment.reader.list(ResourceQuota, review.namespace)):
        return
    from steersman.apiserver.admission import quota_line

    await quota_line.check(review, environment, limited)


def configure(given: Given | None) -> Admission:
    """Raises ConfigurationError."""
    if given is None:
        return ADMISSION
    from steersman.apiserver.admission.quota_configuration import limited_resources

    return replace(ADMISSION, validate=partial(validate, limited_resources(given)))


ADMISSION = Admission(
    name="ResourceQuota",
    # The last of all: what it charges for should be stored.
    order=4_000,
    interests=(
        Interest(frozenset({CREATE})),
        Interest(frozenset({UPDATE}), "pods"),
        Interest(frozenset({UPDATE}), "pods", subresource="resize"),
        Interest(frozenset({UPDATE}), "resourceclaims", "resource.k8s.io"),
        Interest(frozenset({UPDATE}), "services"),
        Interest(frozenset({UPDATE}), "persistentvolumeclaims"),
        Interest(frozenset({UPDATE}), "persistentvolumeclaims", subresource="status"),
        Interest(frozenset({UPDATE}), "resourcequotas", subresource="status"),
    ),
    mutate=mutate,
    validate=partial(validate, ()),
    configure=configure,
)
