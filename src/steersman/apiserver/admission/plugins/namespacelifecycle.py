"""Nothing is created in a namespace that is absent or going away, and the namespaces the cluster needs stay."""

from __future__ import annotations

from steersman.api.errors import Forbidden, NotFound
from steersman.apiserver.admission.framework import CREATE, DELETE, Admission, Environment, Interest, Review
from steersman.kinds.types.core_v1 import Namespace

_IMMORTAL = frozenset({"default", "kube-system", "kube-public"})


async def validate(review: Review, environment: Environment) -> None:
    if review.resource.plural == "namespaces" and not review.resource.group:
        if review.operation == DELETE and review.name in _IMMORTAL:
            raise Forbidden.of(review.resource, review.name, "this namespace may not be deleted")
        return
    if review.operation == CREATE and review.namespace:
        _check(review, environment)


def _check(review: Review, environment: Environment) -> None:
    namespace = environment.reader.get(Namespace, "", review.namespace)
    if namespace is None:
        raise NotFound.of(Namespace.__resource__, review.namespace)
    if namespace.status.phase != "Terminating" and not namespace.metadata.deletionTimestamp:
        return
    error = Forbidden.of(
        review.resource,
        review.name,
        f"unable to create new content in namespace {review.namespace} because it is being terminated",
    )
    error.details["causes"] = [
        {
            "reason": "NamespaceTerminating",
            "message": f"namespace {review.namespace} is being terminated",
            "field": "metadata.namespace",
        }
    ]
    raise error


ADMISSION = Admission(
    name="NamespaceLifecycle",
    order=300,
    interests=(
        Interest(frozenset({CREATE, DELETE})),
        # What is created of a part counts as well, though it is stored nowhere.
        Interest(frozenset({CREATE}), "pods", subresource="binding"),
        Interest(frozenset({CREATE}), "pods", subresource="eviction"),
        Interest(frozenset({CREATE}), "serviceaccounts", subresource="token"),
    ),
    # In the mutating phase, so that every later plugin can rely on the namespace; a deletion has no mutating phase.
    mutate=validate,
    validate=validate,
)
