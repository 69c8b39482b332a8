"""Events that come by events.k8s.io/v1 are held to its rules, which are stricter than those of the core group's."""

from __future__ import annotations

from steersman.api.errors import Invalid
from steersman.apiserver.admission.framework import CREATE, UPDATE, Admission, Environment, Interest, Review
from steersman.kinds.core import event_rules


async def validate(review: Review, environment: Environment) -> None:
    served = review.served
    if served is None or (served.resource.group, served.resource.version) != ("events.k8s.io", "v1"):
        return
    if review.old is None:
        errors = event_rules.check_events_v1(review.object)
    else:
        errors = event_rules.check_events_v1_update(review.object, review.old)
    if errors:
        raise Invalid.of(served.resource, review.name, errors)


ADMISSION = Admission(
    name="EventVersions",
    order=3_740,
    interests=(Interest(frozenset({CREATE, UPDATE}), "events"),),
    validate=validate,
)
