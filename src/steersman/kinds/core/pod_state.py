"""How far a pod is: what its status says, for everybody who asks."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

from steersman.api.meta import parse_time

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import Pod, PodCondition

TERMINAL_PHASES: Final = ("Succeeded", "Failed")
DISRUPTION_TARGET: Final = "DisruptionTarget"
"""Condition of a pod that somebody ends for a reason of the cluster's, not of the pod's own."""


def condition(pod: Pod, type_: str) -> PodCondition | None:
    for found in pod.status.conditions or ():
        if found.type == type_:
            return found
    return None


def has_condition(pod: Pod, type_: str) -> bool:
    """Whether the condition is there and true."""
    found = condition(pod, type_)
    return found is not None and found.status == "True"


def is_ready(pod: Pod) -> bool:
    return has_condition(pod, "Ready")


def available_in(pod: Pod, min_ready_seconds: int, now: datetime) -> float | None:
    """Seconds until the pod has been ready for long enough: 0 when it is available, None when it is not ready."""
    ready = condition(pod, "Ready")
    if ready is None or ready.status != "True":
        return None
    if min_ready_seconds == 0:
        return 0.0
    if not ready.lastTransitionTime:
        return None
    passed = (now - parse_time(ready.lastTransitionTime)).total_seconds()
    return max(0.0, min_ready_seconds - passed)


def is_available(pod: Pod, min_ready_seconds: int, now: datetime) -> bool:
    return available_in(pod, min_ready_seconds, now) == 0.0


def is_terminal(pod: Pod) -> bool:
    """Whether the pod has finished for good."""
    return pod.status.phase in TERMINAL_PHASES


def is_active(pod: Pod) -> bool:
    """Whether the pod runs or will run: neither finished nor being deleted."""
    return not is_terminal(pod) and not pod.metadata.deletionTimestamp


def is_terminating(pod: Pod) -> bool:
    """Whether the pod is being deleted and has not finished yet."""
    return not is_terminal(pod) and bool(pod.metadata.deletionTimestamp)
