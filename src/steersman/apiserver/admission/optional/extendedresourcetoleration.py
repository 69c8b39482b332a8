"""A pod that asks for an extended resource tolerates the taint of that name, so that nodes with it can be kept for such pods."""

from __future__ import annotations

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
    """Any value and effect of the taint; a toleration of it without effect is replaced."""
    wanted = Toleration(key=name, operator="Exists")
    tolerations = pod.spec.tolerations or []
    if wanted in tolerations:
        return
    same = [index for index, t in enumerate(tolerations) if t.key == name and not t.effect and t.operator == "Exists"]
    if same:
        pod.spec.tolerations = [wanted if index == same[0] else t for index, t in enumerate(tolerations)]
    else:
        pod.spec.tolerations = [*tolerations, wanted]


ADMISSION = Admission(
    name="ExtendedResourceToleration",
    order=1_800,
    interests=(Interest(frozenset({CREATE, UPDATE}), "pods"),),
    mutate=mutate,
)
