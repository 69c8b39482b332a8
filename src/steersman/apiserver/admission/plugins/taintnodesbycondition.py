"""A new node takes no pods until something has seen that it is ready."""

from __future__ import annotations

from steersman.apiserver.admission.framework import CREATE, Admission, Environment, Interest, Review
from steersman.kinds.core.node_selection import NO_SCHEDULE
from steersman.kinds.core.node_taints import NOT_READY
from steersman.kinds.types.core_v1 import Node, Taint


async def mutate(review: Review, environment: Environment) -> None:
    node: Node = review.object
    taints = node.spec.taints or []
    if not any(t.key == NOT_READY and t.effect == NO_SCHEDULE for t in taints):
        node.spec.taints = [*taints, Taint(key=NOT_READY, effect=NO_SCHEDULE)]


ADMISSION = Admission(
    name="TaintNodesByCondition",
    order=900,
    interests=(Interest(frozenset({CREATE}), "nodes"),),
    mutate=mutate,
)
