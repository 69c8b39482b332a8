"""The row of a Pod in `kubectl get`: one word for the state of all its containers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from steersman.api.duration import age
from steersman.kinds.columns import NONE, condition, created
from steersman.kinds.core.pod_state import is_terminal
from steersman.kinds.kind import AGE, NAME, Column, wide

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import Container, ContainerStateTerminated, ContainerStatus, Pod

COLUMNS = (
    NAME, Column("Ready", description="How many of the pod's containers are ready."), Column("Status"), Column("Restarts"),
    AGE, wide("IP"), wide("Node"), wide("Nominated Node"), wide("Readiness Gates"),
)  # fmt: skip
_NODE_LOST = "NodeLost"
_COMPLETED = "Completed"


@dataclass(slots=True)
class _Tally:
    """What the walk over the containers has found so far."""

    reason: str
    ready: int = 0
    restarts: int = 0
    last_restart: str = ""

    def count(self, status: ContainerStatus) -> None:
        self.restarts += status.restartCount
        ended = status.lastState.terminated if status.lastState else None
        if ended is not None and ended.finishedAt > self.last_restart:
            self.last_restart = ended.finishedAt


def row(pod: Pod, now: datetime) -> list[Any]:
    """The cells of COLUMNS."""
    tally = _tally(pod)
    restarts = str(tally.restarts)
    if tally.restarts and tally.last_restart:
        restarts += f" ({age(tally.last_restart, now)} ago)"
    ips = pod.status.podIPs
    return [
        pod.metadata.name,
        f"{tally.ready}/{_total(pod)}",
        tally.reason,
        restarts,
        created(pod, now),
        (ips[0].ip if ips else pod.status.podIP) or NONE,
        pod.spec.nodeName or NONE,
        pod.status.nominatedNodeName or NONE,
        _gates(pod),
    ]


def is_sidecar(container: Container | None) -> bool:
    """An init container that goes on running beside the others."""
    return container is not None and container.restartPolicy == "Always"


def _total(pod: Pod) -> int:
    return len(pod.spec.containers) + sum(is_sidecar(c) for c in pod.spec.initContainers or ())


def _tally(pod: Pod) -> _Tally:
    tally = _Tally(_first_reason(pod))
    sidecars = _Tally("")
    initializing = _initializing(pod, tally, sidecars)
    initialized = condition(pod, "Initialized")
    if not initializing or (initialized is not None and initialized.status == "True"):
        tally.restarts, tally.last_restart = sidecars.restarts, sidecars.last_restart
        _running(pod, tally)
    if pod.metadata.deletionTimestamp:
        if pod.status.reason == _NODE_LOST:
            tally.reason = "Unknown"
        elif not is_terminal(pod):
            tally.reason = "Terminating"
    return tally


def _first_reason(pod: Pod) -> str:
    scheduled = condition(pod, "PodScheduled")
    if scheduled is not None and scheduled.reason == "SchedulingGated":
        return "SchedulingGated"
    return pod.status.reason or pod.status.phase


def _initializing(pod: Pod, tally: _Tally, sidecars: _Tally) -> bool:
    """Walks the init containers up to the one that is not done; whether there is one."""
    specs = {c.name: c for c in pod.spec.initContainers or ()}
    for index, status in enumerate(pod.status.initContainerStatuses or ()):
        sidecar = is_sidecar(specs.get(status.name))
        tally.count(status)
        if sidecar:
            sidecars.count(status)
        ended = status.state.terminated if status.state else None
        if ended is not None and ended.exitCode == 0:
            continue
        if sidecar and status.started:
            tally.ready += status.ready
            continue
        waiting = status.state.waiting if status.state else None
        if ended is not None:
            tally.reason = "Init:" + _ending(ended)
        elif waiting is not None and waiting.reason not in ("", "PodInitializing"):
            tally.reason = "Init:" + waiting.reason
        else:
            tally.reason = f"Init:{index}/{len(specs)}"
        return True
    return False


def _running(pod: Pod, tally: _Tally) -> None:
    running = False
    for status in reversed(pod.status.containerStatuses or ()):
        tally.count(status)
        state = status.state
        if state is None:
            continue
        if state.waiting is not None and state.waiting.reason:
            tally.reason = state.waiting.reason
        elif state.terminated is not None:
            tally.reason = _ending(state.terminated)
        elif status.ready and state.running is not None:
            running = True
            tally.ready += 1
    if tally.reason == _COMPLETED and running:
        ready = condition(pod, "Ready")
        tally.reason = "Running" if ready is not None and ready.status == "True" else "NotReady"


def _ending(ended: ContainerStateTerminated) -> str:
    if ended.reason:
        return ended.reason
    return f"Signal:{ended.signal}" if ended.signal else f"ExitCode:{ended.exitCode}"


def _gates(pod: Pod) -> str:
    """How many of the readiness gates are open."""
    gates = [g.conditionType for g in pod.spec.readinessGates or ()]
    return f"{_true(pod, gates)}/{len(gates)}" if gates else NONE


def _true(pod: Pod, kinds: Iterable[str]) -> int:
    found = (condition(pod, kind) for kind in kinds)
    return sum(c is not None and c.status == "True" for c in found)
