"""A scalar scheduler, slow and plain: one node after the other, in upstream's integers. What the arrays must agree with."""

from dataclasses import dataclass, field
from zlib import crc32

from steersman.kinds.core.host_ports import conflict
from steersman.kinds.core.node_selection import matches_term, selects, untolerated
from steersman.scheduler.pod_info import amount

UNSCHEDULABLE = "node.kubernetes.io/unschedulable"


@dataclass
class OracleNode:
    node: object
    pods: list = field(default_factory=list)
    placements: int = 0

    @property
    def name(self):
        return self.node.metadata.name

    def capacity(self, resource):
        return amount(resource, (self.node.status.allocatable or {}).get(resource, "0"))

    def used(self, resource):
        return sum(p.requests.get(resource, 0) for p in self.pods)


def reasons(pod, n):
    """Why the pod does not fit the node; the first plugin's words only."""
    tolerations, taints = pod.tolerations, n.node.spec.taints or []
    if n.node.spec.unschedulable and not any(
        t.operator == "Exists" and t.key in ("", UNSCHEDULABLE) and t.effect in ("", "NoSchedule") for t in tolerations
    ):
        return ["node(s) were unschedulable"]
    if untolerated(taints, tolerations, "NoSchedule", "NoExecute"):
        return ["node(s) had untolerated taint(s)"]
    if not selects(pod.pod.spec, n.node):
        return ["node(s) didn't match Pod's node affinity/selector"]
    if any(conflict(pod.host_ports, p.host_ports) for p in n.pods):
        return ["node(s) didn't have free ports for the requested pod ports"]
    short = ["Too many pods"] if len(n.pods) + 1 > n.capacity("pods") else []
    return short + [f"Insufficient {r}" for r, v in pod.requests.items() if v > 0 and n.used(r) + v > n.capacity(r)]


def least_allocated(pod, n):
    total = weights = 0
    for i, resource in enumerate(("cpu", "memory")):
        capacity = n.capacity(resource)
        if not capacity:
            continue
        weights += 1
        requested = sum(p.nonzero[i] for p in n.pods) + pod.nonzero[i]
        if requested <= capacity:
            total += (capacity - requested) * 100 // capacity
    return total // weights if weights else 0


def balanced(pod, n):
    if pod.best_effort:
        return 0
    shares = []
    for resource in ("cpu", "memory"):
        capacity = n.capacity(resource)
        if capacity:
            shares.append(min((n.used(resource) + pod.requests.get(resource, 0)) / capacity, 1.0))
    deviation = abs((shares[0] - shares[1]) / 2) if len(shares) == 2 else 0.0
    return int((1 - deviation) * 100)


def normalized(raw, reverse):
    largest = max(raw.values())
    if not largest:
        return dict.fromkeys(raw, 100 if reverse else 0)
    scaled = {n: v * 100 // largest for n, v in raw.items()}
    return {n: 100 - v for n, v in scaled.items()} if reverse else scaled


def intolerable(pod, n):
    soft = [t for t in pod.tolerations if t.effect in ("", "PreferNoSchedule")]
    return sum(untolerated([t], soft, "PreferNoSchedule") for t in n.node.spec.taints or [])


def liked(pod, n):
    terms = (pod.node_affinity and pod.node_affinity.preferredDuringSchedulingIgnoredDuringExecution) or []
    return sum(t.weight for t in terms if matches_term(t.preference, n.node))


def place(pod, nodes):
    """The chosen node, or (None, reasons with their counts)."""
    counts, feasible = {}, []
    for n in nodes:
        found = reasons(pod, n)
        for reason in found:
            counts[reason] = counts.get(reason, 0) + 1
        if not found:
            feasible.append(n)
    if not feasible:
        return None, counts
    taints = normalized({n.name: intolerable(pod, n) for n in feasible}, True)
    affinity = normalized({n.name: liked(pod, n) for n in feasible}, False)
    score = {
        n.name: 3 * taints[n.name] + 2 * affinity[n.name] + least_allocated(pod, n) + balanced(pod, n) for n in feasible
    }
    best = min(feasible, key=lambda n: (-score[n.name], n.placements, crc32(f"{pod.uid}/{n.name}".encode())))
    best.pods.append(pod)
    best.placements += 1
    return best.name, {}
