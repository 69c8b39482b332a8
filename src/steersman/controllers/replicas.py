"""What ReplicaSets and ReplicationControllers have in common: which pods to make, which to delete, and what to report.

Pure functions; the reconcilers are in replicaset and replicationcontroller.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from steersman.api.labels import Selector
from steersman.api.meta import parse_time
from steersman.kinds.core.annotations import DELETION_COST
from steersman.kinds.core.pod_state import available_in, condition, is_ready, is_terminating
from steersman.kinds.types.core_v1 import Pod

# Pods made or deleted in one reconcile at the most.
BURST = 500
_PHASES = {"Pending": 0, "Unknown": 1, "Running": 2}


@dataclass(frozen=True, slots=True)
class Change:
    """So many pods to create, or these to delete."""

    create: int = 0
    delete: tuple[Pod, ...] = ()


def plan(active: Sequence[Pod], desired: int, related: Iterable[Pod], now: datetime) -> Change:
    """How to get from the active pods to the desired number.

    `related` are the active pods of all that share a controller with the owner, its own included: pods on nodes that hold
    many of them go first.
    """
    surplus = len(active) - desired
    if surplus < 0:
        return Change(create=min(-surplus, BURST))
    if surplus == 0:
        return Change()
    return Change(delete=tuple(rank(active, related, now)[: min(surplus, BURST)]))


def rank(pods: Sequence[Pod], related: Iterable[Pod], now: datetime) -> list[Pod]:
    """The pods in the order in which they should be deleted: those that are missed least come first."""
    crowd = Counter(pod.spec.nodeName for pod in related)

    def key(pod: Pod) -> tuple[bool, int, bool, int, int, int, int, int, str]:
        ready = is_ready(pod)
        return (
            bool(pod.spec.nodeName),
            _PHASES.get(pod.status.phase, 0),
            ready,
            deletion_cost(pod),
            -crowd[pod.spec.nodeName],
            _age(_ready_time(pod), now) if ready else 0,
            -max((s.restartCount for s in pod.status.containerStatuses or ()), default=0),
            _age(pod.metadata.creationTimestamp, now),
            pod.metadata.uid,
        )

    return sorted(pods, key=key)


def deletion_cost(pod: Pod) -> int:
    try:
        return int((pod.metadata.annotations or {}).get(DELETION_COST, "0"))
    except ValueError:
        return 0


def _ready_time(pod: Pod) -> str:
    ready = condition(pod, "Ready")
    return ready.lastTransitionTime if ready is not None else ""


def _age(since: str, now: datetime) -> int:
    """The order of magnitude of an age: pods of about the same age are equal, younger ones are smaller."""
    if not since:
        return -2
    nanoseconds = (now - parse_time(since)).total_seconds() * 1e9
    return int(math.log2(nanoseconds)) if nanoseconds > 0 else -1


@dataclass(frozen=True, slots=True)
class Count:
    """The numbers of a status, and the seconds until another pod becomes available by age (None: no such pod)."""

    replicas: int
    fully_labeled: int
    ready: int
    available: int
    terminating: int
    next_available: float | None


def count(
    active: Sequence[Pod], all_pods: Iterable[Pod], template_labels: Selector, min_ready_seconds: int, now: datetime
) -> Count:
    waits = [available_in(pod, min_ready_seconds, now) for pod in active]
    return Count(
        replicas=len(active),
        fully_labeled=sum(template_labels.matches(pod.metadata.labels) for pod in active),
        ready=sum(is_ready(pod) for pod in active),
        available=sum(wait == 0.0 for wait in waits),
        terminating=sum(is_terminating(pod) for pod in all_pods),
        next_available=min((wait for wait in waits if wait), default=None),
    )
