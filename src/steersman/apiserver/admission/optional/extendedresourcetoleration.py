"""A pod that asks for an extended resource tolerates the taint of that name, so that nodes with it can be kept for such pods."""

from __future__ import annotations

from msgspec.structs import replace

from steersman.apiserver.admission.framework import CREATE, UPDATE, Admission, Environment, Interest, Review
from steersman.kinds.core.resource_validation import is_extended
from steersman.kinds.types.core_v1 import Pod, Toleration


async def mutate(review: Review, environment: Environment) -> None:
    pod: Pod = review.object
    wanted: set[str] = set()
    for container in (*pod.spec.containers, *(pod.spec.initContainers or ())):
        if container.resources is not None:
            wanted.update(name for name in container.resources.requests or () if is_extended(name))
    for name in sorted(wanted):
        _tolerate(pod, name)


def _tolerate(pod: Pod, name: str) -> None:
    """Any value of the taint, for ever; a toleration that says the same for a time is replaced."""
    wanted = Toleration(key=name, operator="Exists", effect="NoSchedule")
    tolerations = [wanted if replace(t, tolerationSeconds=None) == wanted else t for t in pod.spec.tolerations or ()]
    pod.spec.tolerations = tolerations if wanted in tolerations else [*tolerations, wanted]


ADMISSION = Admission(
    name="ExtendedResourceToleration",
    order=1_800,
    interests=(Interest(frozenset({CREATE, UPDATE}), "pods"),),
    mutate=mutate,
)
