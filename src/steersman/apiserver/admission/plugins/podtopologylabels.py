"""A pod learns by its labels in which zone and region its node is."""

from __future__ import annotations

from steersman.apiserver.admission.framework import CREATE, UPDATE, Admission, Environment, Interest, Review
from steersman.kinds.core.node_labels import REGION, ZONE
from steersman.kinds.types.core_v1 import Node, Pod

_LABELS = (ZONE, REGION)


async def mutate(review: Review, environment: Environment) -> None:
    pod: Pod = review.object
    if not pod.spec.nodeName:
        return
    node = environment.reader.get(Node, "", pod.spec.nodeName)
    there = (node.metadata.labels or {}) if node is not None else {}
    found = {name: there[name] for name in _LABELS if name in there}
    if found:
        # Whatever the pod says of itself: nobody draws traffic of other zones by that.
        pod.metadata.labels = {**(pod.metadata.labels or {}), **found}


ADMISSION = Admission(
    name="PodTopologyLabels",
    order=3_100,
    interests=(Interest(frozenset({CREATE}), "pods"), Interest(frozenset({UPDATE}), "pods", subresource="binding")),
    mutate=mutate,
)
