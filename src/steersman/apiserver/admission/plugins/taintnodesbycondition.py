"""A new node takes no pods until something has seen that it is ready."""

from __future__ import annotations

from steersman.apiserver.admission.framework import CREATE, Admission, Environment, Interest, Review
from steersman.kinds.types.core_v1 import Node, Taint

_NOT_READY = "node.kubernetes.io/not-ready"


async def mutate(review: Review, environment: Environment) -> None:
    node: Node = review.object
    taints = node.spec.taints or []
    if not any(t.key == _NOT_READY and t.effect == "NoSchedule" for t in taints):
        node.spec.taints = [*taints, Taint(key=_NOT_READY, effect="NoSchedule")]


ADMISSION = Admission(
    name="TaintNodesByCondition",
    order=900,
    interests=(Interest(frozenset({CREATE}), "nodes"),),
    mutate=mutate,
)
