"""The node's own check of a pod that was bound to it: system, kernel parameters, resources, selector and host ports; a pod that
fails ends as Failed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from steersman.api import quantity
from steersman.kinds.core import host_ports
from steersman.kinds.core.node_selection import selects
from steersman.kinds.types.core_v1 import Node, Pod
from steersman.kubelet.resources import pod_requests
from steersman.kubelet.sysctls import Allowlist


@dataclass(frozen=True, slots=True)
class Refusal:
    reason: str
    message: str


def check(pod: Pod, others: Iterable[Pod], node: Node, sysctls: Allowlist) -> Refusal | None:
    """Why the pod may not run beside the others on this node, in the kubelet's words; None when it may."""
    others = list(others)
    return (
        _check_system(pod)
        or _check_sysctls(pod, sysctls)
        or _check_selector(pod, node)
        or _check_resources(pod, others, node.status.allocatable or {})
        or _check_ports(pod, others)
    )


def _check_system(pod: Pod) -> Refusal | None:
    """Pods of other systems are not held to all of the Pod Security Standards: they must not run here after all."""
    if pod.spec.os is not None and pod.spec.os.name != "linux":
        return Refusal("PodOSNotSupported", "Failed to admit pod as the OS field doesn't match node OS")
    return None


def _check_sysctls(pod: Pod, allowed: Allowlist) -> Refusal | None:
    """Others are written by nobody: whoever may make pods is not thereby let near the node's kernel."""
    problem = allowed.refusal(pod)
    return Refusal("SysctlForbidden", f"forbidden sysctl: {problem}") if problem else None


def _check_selector(pod: Pod, node: Node) -> Refusal | None:
    if not selects(pod.spec, node):
        return Refusal(
            "NodeAffinity", "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector"
        )
    return None


def _check_resources(pod: Pod, others: list[Pod], allocatable: Mapping[str, quantity.Quantity]) -> Refusal | None:
    limit = quantity.value(allocatable["pods"]) if "pods" in allocatable else None
    if limit is not None and len(others) + 1 > limit:
        message = f"Node didn't have enough resource: pods, requested: 1, used: {len(others)}, capacity: {limit}"
        return Refusal("OutOfpods", message)
    used: dict[str, int] = {}
    for other in others:
        for name, amount in pod_requests(other).items():
            used[name] = used.get(name, 0) + amount
    for name, amount in pod_requests(pod).items():
        capacity = quantity.milli(allocatable.get(name, "0"))
        if amount and used.get(name, 0) + amount > capacity:
            scale = 1 if name == "cpu" else 1000
            message = (
                f"Node didn't have enough resource: {name}, requested: {amount // scale}, "
                f"used: {used.get(name, 0) // scale}, capacity: {capacity // scale}"
            )
            return Refusal(f"OutOf{name}", message)
    return None


def _check_ports(pod: Pod, others: list[Pod]) -> Refusal | None:
    wanted = host_ports.of(pod)
    if wanted and any(host_ports.conflict(wanted, host_ports.of(other)) for other in others):
        message = "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports"
        return Refusal("NodePorts", message)
    return None
