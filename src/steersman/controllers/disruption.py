"""Saying on a pod that the system ends it, and why."""

from __future__ import annotations

from typing import Any

from steersman.api.clock import Clock
from steersman.api.meta import format_time
from steersman.client.rest import Client
from steersman.kinds.core.pod_state import DISRUPTION_TARGET, has_condition, is_terminal
from steersman.kinds.types.core_v1 import Pod, PodCondition


async def mark(client: Client, clock: Clock, pod: Pod, reason: str, message: str, *, failed: bool = False) -> Pod:
    """Set the condition DisruptionTarget, and with `failed` the phase of a pod that has nobody left to do so."""
    told = has_condition(pod, DISRUPTION_TARGET)
    if told and (not failed or is_terminal(pod)):
        return pod
    status: dict[str, Any] = {}
    if not told:
        target = PodCondition(
            type=DISRUPTION_TARGET,
            status="True",
            reason=reason,
            message=message,
            lastTransitionTime=format_time(clock.now()),
        )
        status["conditions"] = [target]
    if failed and not is_terminal(pod):
        status["phase"] = "Failed"
    meta = pod.metadata
    # A patch: not everybody who ends pods may replace their status.
    body = {"metadata": {"uid": meta.uid}, "status": status}
    return await client.patch(Pod, meta.name, body, meta.namespace, "strategic", "status")
