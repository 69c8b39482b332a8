"""What the API server decides about a pod: its first status, and what of a status update counts."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from steersman.kinds.core import app_armor, pod_resources
from steersman.kinds.core.pod_qos import qos_class

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import Affinity, Pod, PodStatus
    from steersman.kinds.types.meta_v1 import LabelSelector


def on_create(pod: Pod) -> None:
    """A new pod is Pending, and says so of its gates if it has any; whom it goes with may depend on its labels."""
    from steersman.kinds.types.core_v1 import PodCondition

    if pod.spec.affinity is not None:
        _select_by_labels(pod.spec.affinity, pod)
    for constraint in pod.spec.topologySpreadConstraints or ():
        _extend(constraint.labelSelector, "In", constraint.matchLabelKeys, pod)
    app_armor.adopt(pod)
    pod_resources.default_pod_level(pod.spec)
    pod.status.phase = "Pending"
    pod.status.qosClass = qos_class(pod.spec)
    if pod.spec.schedulingGates:
        pod.status.conditions = [
            PodCondition(
                type="PodScheduled",
                status="False",
                reason="SchedulingGated",
                message="Scheduling is blocked due to non-empty scheduling gates",
            )
        ]


def on_update(pod: Pod, old: Pod) -> None:
    """Clients that do not know of resources of the whole pod leave them as they are."""
    if pod.spec.resources is None and old.spec.resources is not None:
        pod.spec.resources = copy.deepcopy(old.spec.resources)


def _select_by_labels(affinity: Affinity, pod: Pod) -> None:
    for kind in (affinity.podAffinity, affinity.podAntiAffinity):
        if kind is None:
            continue
        preferred = (w.podAffinityTerm for w in kind.preferredDuringSchedulingIgnoredDuringExecution or ())
        for term in (*(kind.requiredDuringSchedulingIgnoredDuringExecution or ()), *preferred):
            _extend(term.labelSelector, "In", term.matchLabelKeys, pod)
            _extend(term.labelSelector, "NotIn", term.mismatchLabelKeys, pod)


def _extend(selector: LabelSelector | None, operator: str, keys: list[str] | None, pod: Pod) -> None:
    """Makes a selector ask for the pod's own values of some labels, or for others."""
    from steersman.kinds.types.meta_v1 import LabelSelectorRequirement

    labels = pod.metadata.labels or {}
    if selector is None or not keys:
        return
    asked = [LabelSelectorRequirement(key=k, operator=operator, values=[labels[k]]) for k in keys if k in labels]
    selector.matchExpressions = [*(selector.matchExpressions or ()), *asked] or None


_KEPT = ("resourceClaimStatuses", "extendedResourceClaimStatus", "nodeAllocatableResourceClaimStatuses")


def on_status_update(pod: Pod, old: Pod) -> None:
    """Keeps the service class and what older clients do not know of, and podIP and podIPs saying the same."""
    from steersman.kinds.types.core_v1 import PodIP

    status = pod.status
    status.qosClass = status.qosClass or old.status.qosClass
    for name in _KEPT:
        if getattr(status, name) is None:
            setattr(status, name, copy.deepcopy(getattr(old.status, name)))
    _keep_generations(status, old.status)
    if status.podIP and (not status.podIPs or status.podIPs[0].ip != status.podIP):
        status.podIPs = [PodIP(ip=status.podIP)]
    elif status.podIPs and not status.podIP:
        status.podIP = status.podIPs[0].ip


def _keep_generations(status: PodStatus, old: PodStatus) -> None:
    """Which generation something was said about is not forgotten; conditions of one type are told apart by order."""
    status.observedGeneration = status.observedGeneration or old.observedGeneration
    known: dict[str, list[int | None]] = {}
    for condition in old.conditions or ():
        known.setdefault(condition.type, []).append(condition.observedGeneration)
    for condition in status.conditions or ():
        of_type = known.get(condition.type)
        before = of_type.pop(0) if of_type else None
        condition.observedGeneration = condition.observedGeneration or before
