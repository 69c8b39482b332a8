"""What the API server decides about a pod: its first status, and what of a status update counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.kinds.core.pod_qos import qos_class

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import Pod


def on_create(pod: Pod) -> None:
    """A new pod is Pending, and says so of its gates if it has any."""
    from steersman.kinds.types.core_v1 import PodCondition

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


def on_status_update(pod: Pod, old: Pod) -> None:
    """Keeps the service class, and podIP and podIPs saying the same."""
    from steersman.kinds.types.core_v1 import PodIP

    status = pod.status
    status.qosClass = status.qosClass or old.status.qosClass
    if status.podIP and (not status.podIPs or status.podIPs[0].ip != status.podIP):
        status.podIPs = [PodIP(ip=status.podIP)]
    elif status.podIPs and not status.podIP:
        status.podIP = status.podIPs[0].ip
