"""What a DaemonSet's pods should be: where they belong, which to make and delete, and how a template is rolled out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from steersman.controller.pod_control import pod_from
from steersman.controllers.fenceposts import scaled
from steersman.controllers.history import HASH_LABEL
from steersman.kinds.apps.annotations import TEMPLATE_GENERATION
from steersman.kinds.core import node_selection, node_taints
from steersman.kinds.core.node_selection import NO_EXECUTE, NO_SCHEDULE
from steersman.kinds.core.pod_state import available_in, is_available, is_ready
from steersman.kinds.types.apps_v1 import DaemonSet, RollingUpdateDaemonSet
from steersman.kinds.types.core_v1 import (
    Affinity,
    Node,
    NodeAffinity,
    NodeSelector,
    NodeSelectorRequirement,
    NodeSelectorTerm,
    Pod,
    PodSpec,
    Toleration,
)

GENERATION_LABEL = "pod-template-generation"
# No more pods are made or deleted in one go.
BURST = 250
_NAME_FIELD = "metadata.name"
# What pods of a DaemonSet live with, because they are part of the node.
_TOLERATED = (
    (node_taints.NOT_READY, NO_EXECUTE), (node_taints.UNREACHABLE, NO_EXECUTE), (node_taints.DISK_PRESSURE, NO_SCHEDULE),
    (node_taints.MEMORY_PRESSURE, NO_SCHEDULE), (node_taints.PID_PRESSURE, NO_SCHEDULE),
    (node_taints.UNSCHEDULABLE, NO_SCHEDULE),
)  # fmt: skip

ByNode = Mapping[str, Sequence[Pod]]
BackOffOf = Callable[[str], float]
"""Node → seconds for which a failed pod is left there."""


@dataclass(slots=True)
class Plan:
    """`create` names nodes. `failed` and `succeeded` are those of `delete` that ended by themselves; `wait` is how long, in
    seconds, until a failed pod may be replaced.
    """

    create: list[str] = field(default_factory=list)
    delete: list[Pod] = field(default_factory=list)
    failed: list[Pod] = field(default_factory=list)
    succeeded: list[Pod] = field(default_factory=list)
    wait: float | None = None


@dataclass(slots=True)
class Counts:
    """The numbers of the status."""

    desired: int = 0
    current: int = 0
    misscheduled: int = 0
    ready: int = 0
    available: int = 0
    updated: int = 0


# Pods


def new_pod(daemon_set: DaemonSet, node: str, digest: str) -> Pod:
    """The pod for one node, to be created."""
    pod = pod_from(daemon_set.spec.template, daemon_set)
    pod.metadata.labels = {**(pod.metadata.labels or {}), HASH_LABEL: digest}
    generation = (daemon_set.metadata.annotations or {}).get(TEMPLATE_GENERATION)
    if generation:
        pod.metadata.labels[GENERATION_LABEL] = generation
    _pin(pod.spec, node)
    pod.spec.tolerations = _tolerations(pod.spec)
    return pod


def _pin(spec: PodSpec, node: str) -> None:
    """Let the scheduler place the pod on this node and no other."""
    requirement = NodeSelectorRequirement(key=_NAME_FIELD, operator="In", values=[node])
    spec.affinity = affinity = spec.affinity or Affinity()
    affinity.nodeAffinity = places = affinity.nodeAffinity or NodeAffinity()
    places.requiredDuringSchedulingIgnoredDuringExecution = NodeSelector(
        nodeSelectorTerms=[NodeSelectorTerm(matchFields=[requirement])]
    )


def _tolerations(spec: PodSpec) -> list[Toleration]:
    wanted = [*_TOLERATED, (node_taints.NETWORK_UNAVAILABLE, NO_SCHEDULE)] if spec.hostNetwork else list(_TOLERATED)
    added = [Toleration(key=key, operator="Exists", effect=effect) for key, effect in wanted]
    said = spec.tolerations or []
    return said + [t for t in added if t not in said]


def node_of(pod: Pod) -> str:
    """The node that the pod runs on or is made for."""
    if pod.spec.nodeName:
        return str(pod.spec.nodeName)
    places = pod.spec.affinity.nodeAffinity if pod.spec.affinity is not None else None
    required = places.requiredDuringSchedulingIgnoredDuringExecution if places is not None else None
    for term in required.nodeSelectorTerms if required is not None else ():
        for requirement in term.matchFields or ():
            values = requirement.values or []
            if requirement.key == _NAME_FIELD and requirement.operator == "In" and len(values) == 1:
                return str(values[0])
    return ""


def by_node(pods: Iterable[Pod]) -> dict[str, list[Pod]]:
    """The pods of each node, oldest first and those with a place before others."""
    found: dict[str, list[Pod]] = {}
    for pod in sorted(pods, key=_age):
        found.setdefault(node_of(pod), []).append(pod)
    found.pop("", None)
    return found


def _age(pod: Pod) -> tuple[bool, str, str]:
    return not pod.spec.nodeName, pod.metadata.creationTimestamp, pod.metadata.name


def belongs(daemon_set: DaemonSet, node: Node) -> tuple[bool, bool]:
    """Whether a pod should run on the node, and whether one that runs there may stay."""
    template = daemon_set.spec.template.spec
    if not node_selection.wants(template, node):
        return False, False
    taints, tolerations = node.spec.taints or (), _tolerations(template)
    if node_selection.untolerated(taints, tolerations, NO_EXECUTE):
        return False, False
    return not node_selection.untolerated(taints, tolerations, NO_SCHEDULE), True


# Where pods must be


def manage(
    daemon_set: DaemonSet,
    nodes: Sequence[Node],
    pods: ByNode,
    digests: Collection[str],
    now: datetime,
    back_off: BackOffOf,
) -> Plan:
    """One living pod on every node that should have one."""
    plan = Plan()
    for node in nodes:
        name = node.metadata.name
        should_run, may_stay = belongs(daemon_set, node)
        found = pods.get(name, ())
        if should_run and not found:
            plan.create.append(name)
        elif not may_stay:
            plan.delete += [pod for pod in found if not pod.metadata.deletionTimestamp]
        else:
            _tidy(plan, daemon_set, name, found, digests, now, back_off)
    present = {node.metadata.name for node in nodes}
    for name, found in pods.items():
        if name not in present:
            # The scheduler will never place these; those that ran there are podgc's.
            plan.delete += [p for p in found if not p.spec.nodeName and not p.metadata.deletionTimestamp]
    return plan


def _tidy(
    plan: Plan,
    daemon_set: DaemonSet,
    node: str,
    found: Sequence[Pod],
    digests: Collection[str],
    now: datetime,
    back_off: BackOffOf,
) -> None:
    """Of a node's pods, those that have ended and those that are too many go."""
    running = []
    for pod in found:
        if pod.metadata.deletionTimestamp:
            continue
        if pod.status.phase == "Failed":
            wait = back_off(node)
            if wait > 0:
                plan.wait = wait if plan.wait is None else min(wait, plan.wait)
            else:
                plan.failed.append(pod)
                plan.delete.append(pod)
        elif pod.status.phase == "Succeeded":
            plan.succeeded.append(pod)
            plan.delete.append(pod)
        else:
            running.append(pod)
    if not surges(daemon_set):
        plan.delete += running[1:]
        return
    new = [p for p in running if is_updated(p, digests)]
    old = [p for p in running if not is_updated(p, digests)]
    plan.delete += new[1:] + old[1:]
    ready_seconds = daemon_set.spec.minReadySeconds or 0
    if new and old and (not is_ready(old[0]) or is_available(new[0], ready_seconds, now)):
        plan.delete.append(old[0])


def is_updated(pod: Pod, digests: Collection[str]) -> bool:
    """Whether the pod is of the present template, which several revisions may keep."""
    return (pod.metadata.labels or {}).get(HASH_LABEL) in digests


# Rolling out


def surges(daemon_set: DaemonSet) -> bool:
    """Whether a node may have an old and a new pod at once."""
    rolling = _rolling(daemon_set)
    return rolling is not None and scaled(rolling.maxSurge, 100, up=True) > 0


def _rolling(daemon_set: DaemonSet) -> RollingUpdateDaemonSet | None:
    strategy = daemon_set.spec.updateStrategy
    return strategy.rollingUpdate if strategy is not None and strategy.type == "RollingUpdate" else None


def roll(daemon_set: DaemonSet, nodes: Sequence[Node], pods: ByNode, digests: Collection[str], now: datetime) -> Plan:
    """The next step towards the present template: what may be taken down, or doubled, now."""
    rolling = _rolling(daemon_set)
    if rolling is None:
        return Plan()
    desired = sum(1 for node in nodes if belongs(daemon_set, node)[0])
    surge = scaled(rolling.maxSurge, desired, up=True)
    unavailable = scaled(rolling.maxUnavailable, desired, up=True)
    ready_seconds = daemon_set.spec.minReadySeconds or 0

    def available(pod: Pod) -> bool:
        return is_available(pod, ready_seconds, now)

    if surge == 0:
        return _replace(pods, digests, available, max(1, unavailable))
    return _double(pods, digests, available, surge)


def _replace(pods: ByNode, digests: Collection[str], available: Callable[[Pod], bool], unavailable: int) -> Plan:
    """Old pods go first, then their successors come: unavailable ones at once, others as many as may be missing."""
    missing = 0
    broken: list[Pod] = []
    candidates: list[Pod] = []
    for found in pods.values():
        pair = _pair(found, digests)
        if pair is None or (pair[0] is None) == (pair[1] is None):
            missing += 1
            continue
        new, old = pair
        if new is not None:
            missing += not available(new)
        elif old is not None and available(old):
            candidates.append(old)
        elif old is not None:
            broken.append(old)
            missing += 1
    return Plan(delete=broken + candidates[: max(0, unavailable - missing)])


def _double(pods: ByNode, digests: Collection[str], available: Callable[[Pod], bool], surge: int) -> Plan:
    """New pods come first, as many as may be too many, and old ones go when their successors are available."""
    plan = Plan()
    doubled = 0
    candidates: list[str] = []
    for node, found in pods.items():
        pair = _pair(found, digests)
        if pair is None:
            doubled += 1
            continue
        new, old = pair
        if old is None:
            continue
        if new is None:
            (candidates if available(old) else plan.create).append(node)
        elif available(new):
            plan.delete.append(old)
        else:
            doubled += 1
    plan.create += candidates[: max(0, surge - doubled)]
    return plan


def _pair(found: Sequence[Pod], digests: Collection[str]) -> tuple[Pod | None, Pod | None] | None:
    """A node's (new, old) pod; None when there are more than that, which must be tidied first."""
    alive = [pod for pod in found if not pod.metadata.deletionTimestamp]
    new = [pod for pod in alive if is_updated(pod, digests)]
    old = [pod for pod in alive if not is_updated(pod, digests)]
    if len(new) > 1 or len(old) > 1:
        return None
    return (new[0] if new else None), (old[0] if old else None)


# Counting


def count(
    daemon_set: DaemonSet, nodes: Sequence[Node], pods: ByNode, digests: Collection[str], now: datetime
) -> Counts:
    """How far the DaemonSet is."""
    counts = Counts()
    for node in nodes:
        should_run = belongs(daemon_set, node)[0]
        found = pods.get(node.metadata.name)
        counts.desired += should_run
        if not found:
            continue
        if not should_run:
            counts.misscheduled += 1
            continue
        counts.current += 1
        pod = found[0]
        counts.ready += is_ready(pod)
        counts.available += is_available(pod, daemon_set.spec.minReadySeconds or 0, now)
        counts.updated += is_updated(pod, digests)
    return counts


def until_available(pods: Iterable[Pod], min_ready_seconds: int, now: datetime) -> float | None:
    """Seconds until the next pod that is ready becomes available."""
    waits = (available_in(pod, min_ready_seconds, now) for pod in pods)
    return min((wait for wait in waits if wait), default=None)
