"""Nothing is created, changed or deleted in a namespace that is absent."""

from __future__ import annotations

from steersman.api.errors import NotFound
from steersman.apiserver.admission.framework import CREATE, DELETE, UPDATE, Admission, Environment, Interest, Review
from steersman.kinds.types.core_v1 import Namespace


async def validate(review: Review, environment: Environment) -> None:
    resource = review.resource
    if not review.namespace or (resource.group, resource.plural) == ("", "namespaces"):
        return
    if environment.reader.get(Namespace, "", review.namespace) is None:
        raise NotFound.of(Namespace.__resource__, review.namespace)


ADMISSION = Admission(
    name="NamespaceExists",
    order=400,
    interests=(Interest(frozenset({CREATE, UPDATE, DELETE})),),
    validate=validate,
)
