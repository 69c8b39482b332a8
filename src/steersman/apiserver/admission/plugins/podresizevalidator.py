"""A pod on a node asks for no more than the node has, and changes its resources on Linux only."""

from __future__ import annotations

from steersman.api import quantity
from steersman.api.errors import Forbidden
from steersman.apiserver.admission.framework import UPDATE, Admission, Environment, Interest, Review
from steersman.kinds.core import pod_resources
from steersman.kinds.core.node_labels import OS
from steersman.kinds.types.core_v1 import Node, Pod


async def validate(review: Review, environment: Environment) -> None:
    pod: Pod = review.object
    if not pod.spec.nodeName or pod.spec == review.old.spec:
        return
    node = environment.reader.get(Node, "", pod.spec.nodeName)
    if node is None:
        raise Forbidden.of(review.resource, review.name, f'node "{pod.spec.nodeName}" not found')
    for why, cause in ((_other_system(node), "UnsupportedPlatform"), (_too_much(pod, node), "NodeCapacity")):
        if why:
            error = Forbidden.of(review.resource, review.name, why)
            error.details["causes"] = [{"reason": cause}]
            raise error


def _too_much(pod: Pod, node: Node) -> str:
    requests = pod_resources.with_overhead(pod, pod_resources.requests(pod))
    allocatable = node.status.allocatable or {}
    # Millicores and bytes, as the scheduler counts.
    cpu = [quantity.milli(amounts.get("cpu", "0")) for amounts in (requests, allocatable)]
    memory = [quantity.value(amounts.get("memory", "0")) for amounts in (requests, allocatable)]
    parts = [
        f"{name}, requested: {requested}, allocatable: {offered}"
        for name, (requested, offered) in (("cpu", cpu), ("memory", memory))
        if requested > offered
    ]
    return f"node didn't have enough allocatable resources: {'; '.join(parts)}" if parts else ""


def _other_system(node: Node) -> str:
    found = (node.metadata.labels or {}).get(OS, "linux")
    if found == "linux":
        return ""
    return f'pod resize is only supported on linux nodes, node "{node.metadata.name}" is "{found}"'


ADMISSION = Admission(
    name="PodResizeValidator",
    order=3_500,
    interests=(Interest(frozenset({UPDATE}), "pods", subresource="resize"),),
    validate=validate,
)
