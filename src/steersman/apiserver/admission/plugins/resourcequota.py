"""Nothing is stored that exceeds a quota of its namespace: usage is written into the quota before the object is.

A write that fails gives back what it was charged with; and whoever else writes a quota's usage cannot lower it below what is
stored and under way.
"""

from __future__ import annotations

from steersman.api.errors import Forbidden
from steersman.apiserver.admission import quota as decisions
from steersman.apiserver.admission import quota_line
from steersman.apiserver.admission.framework import (
    CREATE,
    LOOPBACK,
    UPDATE,
    Admission,
    Environment,
    Interest,
    Review,
)
from steersman.apiserver.admission.quota import Account, Refused
from steersman.kinds.types.core_v1 import ResourceQuota


async def mutate(review: Review, environment: Environment) -> None:
    """A counted usage must not hide what is stored or on its way to be: who counts reads a past state."""
    if (review.resource.plural, review.subresource) != ("resourcequotas", "status") or review.user == LOOPBACK:
        return
    quota: ResourceQuota = review.object
    if quota.status.used:
        promises = environment.quotas.promises(review.namespace, review.name, environment.clock.monotonic())
        now = environment.clock.now()
        quota.status.used = decisions.at_least(quota, quota.status.used, promises, environment.reader, now)


async def validate(review: Review, environment: Environment) -> None:
    meter = decisions.meter_for(review)
    if meter is None:
        return
    quotas = environment.reader.list(ResourceQuota, review.namespace)
    if not quotas:
        return
    if not review.dry_run:
        await quota_line.charge(review, meter, environment)
        return
    try:
        decisions.charges(review, meter, map(Account.of, quotas), environment.clock.now())
    except Refused as refusal:
        raise Forbidden.of(review.resource, review.name, str(refusal)) from None


ADMISSION = Admission(
    name="ResourceQuota",
    # The last of all: what it charges for should be stored.
    order=4_000,
    interests=(
        Interest(frozenset({CREATE})),
        Interest(frozenset({UPDATE}), "pods", subresource="resize"),
        Interest(frozenset({UPDATE}), "services"),
        Interest(frozenset({UPDATE}), "persistentvolumeclaims"),
        Interest(frozenset({UPDATE}), "persistentvolumeclaims", subresource="status"),
        Interest(frozenset({UPDATE}), "resourcequotas", subresource="status"),
    ),
    mutate=mutate,
    validate=validate,
)
