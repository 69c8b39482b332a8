"""Nothing is stored that exceeds a quota of its namespace: usage is written into the quota before the object is.

A write that fails gives back what it was charged with; and whoever else writes a quota's usage cannot lower it below what is
stored and under way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from msgspec import Struct

from steersman.api import field
from steersman.api.field import Path
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
from steersman.apiserver.admission.given import Given
from steersman.apiserver.admission.quota import Account, LimitedResource, Refused
from steersman.kinds.types.core_v1 import ResourceQuota


async def mutate(review: Review, environment: Environment) -> None:
    """A counted usage must not hide what is stored or on its way to be: who counts reads a past state."""
    if (review.resource.plural, review.subresource) != ("resourcequotas", "status") or review.user == LOOPBACK:
        return
    quota: ResourceQuota = review.object
    if quota.status.used:
        ledger, reader, clock = environment.quotas, environment.reader, environment.clock
        await ledger.tallies.warm(quota, decisions.counted(quota.status.used), reader, clock)
        quota.status.used = decisions.at_least(
            review.old, quota.status.used, ledger, reader, clock.now(), clock.monotonic()
        )


async def validate(limited: Sequence[LimitedResource], review: Review, environment: Environment) -> None:
    meter = decisions.meter_for(review)
    if meter is None:
        return
    quotas = environment.reader.list(ResourceQuota, review.namespace)
    if not quotas and not limited:
        return
    if not review.dry_run:
        await quota_line.charge(review, meter, environment, limited)
        return
    try:
        decisions.charges(review, meter, [Account.of(q) for q in quotas], environment.clock.now(), limited)
    except Refused as refused:
        raise quota_line.refusal(review, refused) from None


class _Configuration(Struct, kw_only=True, forbid_unknown_fields=True):
    limitedResources: list[LimitedResource] | None = None


_TYPES = {
    ("apiserver.config.k8s.io/v1", "ResourceQuotaConfiguration"): _Configuration,
    ("resourcequota.admission.k8s.io/v1beta1", "Configuration"): _Configuration,
    ("resourcequota.admission.k8s.io/v1alpha1", "Configuration"): _Configuration,
}


def configure(given: Given | None) -> Admission:
    """Raises ConfigurationError."""
    if given is None:
        return ADMISSION
    limited = given.read(_TYPES).limitedResources or []
    path = Path("limitedResources")
    given.check([field.required(path.index(i).child("resource")) for i, one in enumerate(limited) if not one.resource])
    return replace(ADMISSION, validate=partial(validate, tuple(limited)))


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
