"""A pod on a node changes only in ways that the node says it can follow."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from steersman.api.errors import Forbidden
from steersman.api.field import quote, same
from steersman.apiserver.admission.framework import UPDATE, Admission, Environment, Interest, Review
from steersman.kinds.types.core_v1 import Node, Pod


def _of_the_pod(old: Pod, new: Pod) -> bool:
    return not same(old.spec.resources, new.spec.resources)


def _of_init_containers(old: Pod, new: Pod) -> bool:
    """Those that run to their end; sidecars are as other containers."""
    wanted = {c.name: c for c in new.spec.initContainers or ()}
    return any(
        c.restartPolicy != "Always" and c.name in wanted and not same(c.resources, wanted[c.name].resources)
        for c in old.spec.initContainers or ()
    )


# By name, in the order in which they are told.
_FEATURES: Mapping[str, Callable[[Pod, Pod], bool]] = {
    "InPlacePodLevelResourcesVerticalScaling": _of_the_pod,
    "InPlacePodVerticalScalingInitContainers": _of_init_containers,
}


async def validate(review: Review, environment: Environment) -> None:
    new, old = review.object, review.old
    if not new.spec.nodeName or new.spec == old.spec:
        return
    needed = [name for name, needs in _FEATURES.items() if needs(old, new)]
    if not needed:
        return
    name = new.spec.nodeName
    node = environment.reader.get(Node, "", name)
    if node is None:
        raise Forbidden.of(review.resource, review.name, f"node {quote(name)} not found")
    if missing := [feature for feature in needed if feature not in (node.status.declaredFeatures or ())]:
        why = f"pod update requires features {', '.join(missing)} which are not available on node {quote(name)}"
        raise Forbidden.of(review.resource, review.name, why)


ADMISSION = Admission(
    name="NodeDeclaredFeatureValidator",
    order=3_300,
    interests=(Interest(frozenset({UPDATE}), "pods"), Interest(frozenset({UPDATE}), "pods", subresource="resize")),
    validate=validate,
)
