"""A namespace that something is created in, and that is absent, is created first."""

from __future__ import annotations

from steersman.apiserver.admission.framework import CREATE, Admission, Environment, Interest, Review
from steersman.kinds.types.core_v1 import Namespace
from steersman.kinds.types.meta_v1 import ObjectMeta


async def mutate(review: Review, environment: Environment) -> None:
    resource = review.resource
    if review.dry_run or not review.namespace or (resource.group, resource.plural) == ("", "namespaces"):
        return
    if environment.reader.get(Namespace, "", review.namespace) is None:
        await environment.reader.create(Namespace(metadata=ObjectMeta(name=review.namespace)))


ADMISSION = Admission(
    name="NamespaceAutoProvision",
    order=200,
    interests=(Interest(frozenset({CREATE})),),
    mutate=mutate,
)
