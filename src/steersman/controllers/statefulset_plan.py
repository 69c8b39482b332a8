"""The next step of a StatefulSet: which pods to make, delete or mend, in the order of their ordinals.

In order (OrderedReady) a step stops at the first pod that is not as it should be; in parallel nothing waits for anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from steersman.controllers.fenceposts import scaled
from steersman.controllers.statefulset_pods import (
    INDEX_LABEL,
    NAME_LABEL,
    ordinal_of,
    ordinals_of,
    revision_of,
    start_of,
)
from steersman.kinds.core.pod_state import available_in, is_available, is_ready, is_terminal
from steersman.kinds.types.apps_v1 import StatefulSet
from steersman.kinds.types.core_v1 import Pod


@dataclass(frozen=True, slots=True)
class Revisions:
    """Names of the revisions that pods are moved from and to."""

    current: str
    update: str


@dataclass(slots=True)
class Plan:
    """`create` are ordinals; `claims` are pods whose claims may be missing; `relabel` pods that lack their identity."""

    create: list[int] = field(default_factory=list)
    delete: list[Pod] = field(default_factory=list)
    claims: list[Pod] = field(default_factory=list)
    relabel: list[Pod] = field(default_factory=list)


@dataclass(slots=True)
class Counts:
    """The numbers of the status."""

    replicas: int = 0
    ready: int = 0
    available: int = 0
    current: int = 0
    updated: int = 0


@dataclass(frozen=True, slots=True)
class Look:
    """What a step is decided on: pods by ordinal, those within the range and those beyond."""

    stateful_set: StatefulSet
    replicas: dict[int, Pod]
    condemned: list[Pod]
    now: datetime

    @classmethod
    def at(cls, stateful_set: StatefulSet, pods: Sequence[Pod], now: datetime) -> Look:
        wanted = ordinals_of(stateful_set)
        by_ordinal = {ordinal_of(pod): pod for pod in pods if ordinal_of(pod) >= 0}
        replicas = {o: by_ordinal[o] for o in wanted if o in by_ordinal}
        condemned = [by_ordinal[o] for o in sorted(by_ordinal, reverse=True) if o not in wanted]
        return cls(stateful_set, replicas, condemned, now)

    @property
    def ordered(self) -> bool:
        return self.stateful_set.spec.podManagementPolicy != "Parallel"

    def is_up(self, pod: Pod) -> bool:
        """Running, ready, and so for long enough."""
        ready_seconds = self.stateful_set.spec.minReadySeconds or 0
        return pod.status.phase == "Running" and is_available(pod, ready_seconds, self.now)

    def is_healthy(self, pod: Pod) -> bool:
        return self.is_up(pod) and not pod.metadata.deletionTimestamp

    @property
    def first_unhealthy(self) -> Pod | None:
        """Of the pods beyond the range, the one that may go though it is not up; None while one within is not."""
        if any(o not in self.replicas or not self.is_healthy(self.replicas[o]) for o in ordinals_of(self.stateful_set)):
            return None
        return next((pod for pod in reversed(self.condemned) if not self.is_healthy(pod)), None)


def plan(look: Look, revisions: Revisions) -> Plan:
    """The next step. A set that is being deleted takes none."""
    step = Plan()
    if look.stateful_set.metadata.deletionTimestamp:
        return step
    if _fill(look, step) or _shrink(look, step):
        return step
    strategy = look.stateful_set.spec.updateStrategy
    if strategy is not None and strategy.type == "OnDelete":
        return step
    _update(look, step, revisions)
    return step


def _fill(look: Look, step: Plan) -> bool:
    """Every ordinal has its pod. True: go no further now."""
    for ordinal in ordinals_of(look.stateful_set):
        pod = look.replicas.get(ordinal)
        if pod is None:
            step.create.append(ordinal)
        elif is_terminal(pod):
            # Evicted, or stopped with its node: it is made anew, whatever its containers said.
            if not pod.metadata.deletionTimestamp:
                step.delete.append(pod)
        else:
            if pod.status.phase == "Pending":
                step.claims.append(pod)
            if _lacks_identity(pod):
                step.relabel.append(pod)
            if look.is_healthy(pod):
                continue
        if look.ordered:
            return True
    return False


def _lacks_identity(pod: Pod) -> bool:
    labels = pod.metadata.labels or {}
    return labels.get(NAME_LABEL) != pod.metadata.name or labels.get(INDEX_LABEL) != str(ordinal_of(pod))


def _shrink(look: Look, step: Plan) -> bool:
    """Pods beyond the range go, the highest first. True: go no further now."""
    for pod in look.condemned:
        if pod.metadata.deletionTimestamp:
            if look.ordered:
                return True
            continue
        if look.ordered and not look.is_up(pod) and pod is not look.first_unhealthy:
            return True
        step.delete.append(pod)
        if look.ordered:
            return True
    return False


def _update(look: Look, step: Plan, revisions: Revisions) -> None:
    """Take pods of other revisions down, the highest ordinals first, as many as may be missing."""
    stateful_set = look.stateful_set
    strategy = stateful_set.spec.updateStrategy
    rolling = strategy.rollingUpdate if strategy is not None else None
    lowest = start_of(stateful_set) + ((rolling.partition or 0) if rolling is not None else 0)
    wanted = ordinals_of(stateful_set)
    unavailable = rolling.maxUnavailable if rolling is not None else None
    most = 1 if unavailable is None else max(1, scaled(unavailable, len(wanted), up=False))
    left = most - sum(1 for o in wanted if o not in look.replicas or not look.is_healthy(look.replicas[o]))
    for ordinal in reversed(wanted):
        pod = look.replicas.get(ordinal)
        if ordinal < lowest:
            return
        if pod is None or pod in step.delete or pod.metadata.deletionTimestamp or revision_of(pod) == revisions.update:
            continue
        # A pod that is not up is missing already.
        if look.is_healthy(pod):
            if left <= 0:
                continue
            left -= 1
        step.delete.append(pod)


def revision_for(stateful_set: StatefulSet, ordinal: int, revisions: Revisions) -> str:
    """The revision that a new pod is made of: those below the partition stay behind."""
    strategy = stateful_set.spec.updateStrategy
    if strategy is None or strategy.type == "RollingUpdate":
        rolling = strategy.rollingUpdate if strategy is not None else None
        if rolling is None:
            behind = stateful_set.status.currentReplicas
        else:
            behind = rolling.partition or 0
        if ordinal < start_of(stateful_set) + behind:
            return revisions.current
    return revisions.update


def count(pods: Sequence[Pod], look: Look, revisions: Revisions) -> Counts:
    counts = Counts()
    for pod in pods:
        counts.replicas += 1
        if pod.status.phase == "Running" and is_ready(pod):
            counts.ready += 1
            counts.available += look.is_up(pod)
        if not pod.metadata.deletionTimestamp:
            counts.current += revision_of(pod) == revisions.current
            counts.updated += revision_of(pod) == revisions.update
    return counts


def is_complete(stateful_set: StatefulSet, counts: Counts) -> bool:
    """Whether every pod is of the newest revision, and ready."""
    strategy = stateful_set.spec.updateStrategy
    if strategy is not None and strategy.type != "RollingUpdate":
        return False
    wanted = len(ordinals_of(stateful_set))
    return counts.updated == counts.replicas == counts.ready == wanted


def until_available(pods: Sequence[Pod], look: Look) -> float | None:
    """Seconds until the next pod that is ready becomes available."""
    ready_seconds = look.stateful_set.spec.minReadySeconds or 0
    waits = (available_in(pod, ready_seconds, look.now) for pod in pods)
    return min((wait for wait in waits if wait), default=None)
