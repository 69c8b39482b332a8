"""Pods and claims keep to the LimitRanges of their namespace; containers get the defaults that these give."""

from __future__ import annotations

from steersman.api.errors import Forbidden
from steersman.apiserver.admission import limits
from steersman.apiserver.admission.framework import CREATE, UPDATE, Admission, Environment, Interest, Review
from steersman.kinds.types.core_v1 import LimitRange


async def mutate(review: Review, environment: Environment) -> None:
    if review.resource.plural != "pods" or _is_ending(review):
        return
    for limit_range in environment.reader.list(LimitRange, review.namespace):
        limits.apply_defaults(limit_range, review.object)


async def validate(review: Review, environment: Environment) -> None:
    if _is_ending(review):
        return
    check = limits.check_pod if review.resource.plural == "pods" else limits.check_claim
    for limit_range in environment.reader.list(LimitRange, review.namespace):
        # Several containers may break the same rule with the same words.
        wrong = list(dict.fromkeys(check(limit_range, review.object)))
        if wrong:
            why = wrong[0] if len(wrong) == 1 else f"[{', '.join(wrong)}]"
            raise Forbidden.of(review.resource, review.name, why)


def _is_ending(review: Review) -> bool:
    return review.old is not None and bool(review.old.metadata.deletionTimestamp)


ADMISSION = Admission(
    name="LimitRanger",
    order=600,
    interests=(
        # The resources of a pod change by a resize only.
        Interest(frozenset({CREATE}), "pods"),
        Interest(frozenset({UPDATE}), "pods", subresource="resize"),
        Interest(frozenset({CREATE, UPDATE}), "persistentvolumeclaims"),
    ),
    mutate=mutate,
    validate=validate,
)
