"""A pod that names a RuntimeClass takes its overhead and its place from it; nobody else sets an overhead."""

from __future__ import annotations

from steersman.api.errors import Forbidden
from steersman.apiserver.admission.framework import CREATE, Admission, Environment, Interest, Review
from steersman.kinds.core.tolerations import merged
from steersman.kinds.types.core_v1 import Pod
from steersman.kinds.types.node_v1 import RuntimeClass

_OTHER_OVERHEAD = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead"
_OWN_OVERHEAD = "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead"


async def mutate(review: Review, environment: Environment) -> None:
    found = _class_of(review, environment)
    if found is None:
        return
    spec = review.object.spec
    if found.overhead is not None:
        if spec.overhead and spec.overhead != found.overhead.podFixed:
            raise _refused(review, _OTHER_OVERHEAD)
        spec.overhead = dict(found.overhead.podFixed or {}) or None
    if found.scheduling is not None:
        spec.nodeSelector = _selector(review, found.scheduling.nodeSelector or {}) or None
        spec.tolerations = merged(spec.tolerations or (), found.scheduling.tolerations or ()) or None


def _class_of(review: Review, environment: Environment) -> RuntimeClass | None:
    """The pod's class, if it names one. Raises Forbidden when there is no such class."""
    pod: Pod = review.object
    name = pod.spec.runtimeClassName
    if not name:
        return None
    found = environment.reader.get(RuntimeClass, "", name)
    if found is None:
        raise _refused(review, f'pod rejected: RuntimeClass "{name}" not found')
    return found


def _selector(review: Review, wanted: dict[str, str]) -> dict[str, str]:
    """The pod's selector and the class's; they must not contradict each other."""
    own = review.object.spec.nodeSelector or {}
    for key, value in wanted.items():
        if own.get(key, value) != value:
            raise _refused(
                review,
                f"conflict: runtimeClass.scheduling.nodeSelector[{key}] = {value}; "
                f"pod.spec.nodeSelector[{key}] = {own[key]}",
            )
    return {**own, **wanted}


async def validate(review: Review, environment: Environment) -> None:
    """What came after `mutate` must not have changed the overhead."""
    found = _class_of(review, environment)
    overhead = review.object.spec.overhead
    if found is None or found.overhead is None:
        if overhead is not None:
            raise _refused(review, _OWN_OVERHEAD)
    elif (overhead or None) != (found.overhead.podFixed or None):
        raise _refused(review, _OTHER_OVERHEAD)


def _refused(review: Review, text: str) -> Forbidden:
    return Forbidden.of(review.resource, review.name, text)


ADMISSION = Admission(
    name="RuntimeClass",
    order=2_400,
    interests=(Interest(frozenset({CREATE}), "pods"),),
    mutate=mutate,
    validate=validate,
)
