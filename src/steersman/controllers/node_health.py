"""When a node counts as lost, and which taints say so. Pure functions of the node lifecycle controller."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from steersman.api import codec
from steersman.api.meta import format_time
from steersman.kinds.core.node_selection import NO_EXECUTE, NO_SCHEDULE
from steersman.kinds.core.node_taints import (
    DISK_PRESSURE,
    MEMORY_PRESSURE,
    NETWORK_UNAVAILABLE,
    NOT_READY,
    PID_PRESSURE,
    UNREACHABLE,
    UNSCHEDULABLE,
)
from steersman.kinds.types.core_v1 import Node, NodeCondition, Taint

READY = "Ready"
# The conditions that are Unknown when the node is not heard of.
WATCHED = (READY, "MemoryPressure", "DiskPressure", "PIDPressure")
# (condition, status) and the taint that keeps new pods away.
_TAINTS = {
    (READY, "False"): NOT_READY,
    (READY, "Unknown"): UNREACHABLE,
    ("MemoryPressure", "True"): MEMORY_PRESSURE,
    ("DiskPressure", "True"): DISK_PRESSURE,
    ("PIDPressure", "True"): PID_PRESSURE,
    ("NetworkUnavailable", "True"): NETWORK_UNAVAILABLE,
}
_MANAGED = frozenset(_TAINTS.values()) | {UNSCHEDULABLE}
# From this share of lost nodes on it is more likely that we cannot see them than that they are gone.
_DISRUPTED = 0.55
_FEW_NODES = 50
_SLOWER = 10


def condition(node: Node, type_: str) -> NodeCondition | None:
    for found in node.status.conditions or ():
        if found.type == type_:
            return found
    return None


def readiness(node: Node) -> str:
    """True, False or Unknown; empty for a node that has not said anything yet."""
    ready = condition(node, READY)
    return ready.status if ready is not None else ""


def lost(node: Node, now: datetime) -> list[NodeCondition] | None:
    """The conditions of a node that is not heard of any more; None when they say so already."""
    conditions = codec.clone(node).status.conditions or []
    by_type = {c.type: c for c in conditions}
    stamp, changed = format_time(now), False
    for type_ in WATCHED:
        known = by_type.get(type_)
        if known is None:
            conditions.append(
                NodeCondition(
                    type=type_,
                    status="Unknown",
                    reason="NodeStatusNeverUpdated",
                    message="Kubelet never posted node status.",
                    lastHeartbeatTime=node.metadata.creationTimestamp,
                    lastTransitionTime=stamp,
                )
            )
            changed = True
        elif known.status != "Unknown":
            known.status, known.reason = "Unknown", "NodeStatusUnknown"
            known.message, known.lastTransitionTime = "Kubelet stopped posting node status.", stamp
            changed = True
    return conditions if changed else None


def taints(node: Node, now: datetime, *, evict: bool) -> list[Taint]:
    """The taints that the node should have; `evict` allows new NoExecute ones.

    Taints of others are kept, and so is the time of those that stay.
    """
    before = node.spec.taints or []
    kept = [t for t in before if not is_ours(t)]
    present = {(t.key, t.effect): t for t in before if is_ours(t)}
    wanted = [(key, NO_SCHEDULE) for key in _no_schedule(node)]
    bad = {"False": NOT_READY, "Unknown": UNREACHABLE}.get(readiness(node))
    if bad is not None and (evict or any(effect == NO_EXECUTE for _, effect in present)):
        wanted.append((bad, NO_EXECUTE))
    stamp = format_time(now)
    return kept + [present.get(w) or Taint(key=w[0], effect=w[1], timeAdded=stamp) for w in wanted]


def is_ours(taint: Taint) -> bool:
    """Whether the node lifecycle controller sets and removes this taint."""
    if taint.effect == NO_SCHEDULE:
        return taint.key in _MANAGED
    return taint.effect == NO_EXECUTE and taint.key in (NOT_READY, UNREACHABLE)


def _no_schedule(node: Node) -> Iterable[str]:
    for found in node.status.conditions or ():
        key = _TAINTS.get((found.type, found.status))
        if key is not None:
            yield key
    if node.spec.unschedulable:
        yield UNSCHEDULABLE


def eviction_rate(nodes: Sequence[Node], normal: float) -> float:
    """How many nodes may be given up per second.

    Zero when no node at all is ready, or most of a small cluster is lost: then the fault is probably ours.
    """
    unready = sum(readiness(node) != "True" for node in nodes)
    if unready == len(nodes):
        return 0.0
    if unready > 2 and unready / len(nodes) >= _DISRUPTED:
        return normal / _SLOWER if len(nodes) > _FEW_NODES else 0.0
    return normal
