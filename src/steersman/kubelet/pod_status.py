"""Computes a pod's status from its spec, the runtime's state and the probes' results: phase, conditions, container statuses.

Plain functions; the status manager writes what they return. Semantics: the pod lifecycle page of Kubernetes' documentation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from steersman.api.meta import format_time
from steersman.kinds.core.pod_state import TERMINAL_PHASES
from steersman.kinds.types.core_v1 import (
    Container,
    ContainerState,
    ContainerStateRunning,
    ContainerStateTerminated,
    ContainerStateWaiting,
    ContainerStatus,
    HostIP,
    Pod,
    PodCondition,
    PodIP,
    PodStatus,
)
from steersman.kubelet.pod_plan import Role, ephemeral_containers, role_of
from steersman.kubelet.pod_state import PodState
from steersman.kubelet.runtime import types as rt

_NANOSECONDS = 1e9
_CREATING = "ContainerCreating"
_INITIALIZING = "PodInitializing"
# Init containers are over when their pod has come this far: they need no waiting state any more.


@dataclass(frozen=True, slots=True)
class StatusContext:
    """What is known besides the runtime's state.

    `waiting` gives the reason and message of a container that does not run, by name; `ready` and `started` hold ids of
    containers whose probes pass. `messages` are termination messages by container id.
    """

    now: datetime
    runtime_name: str
    host_ips: Sequence[str]
    waiting: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    ready: frozenset[str] = frozenset()
    started: frozenset[str] = frozenset()
    messages: Mapping[str, str] = field(default_factory=dict)
    terminating: bool = False
    # The pod is being deleted and nothing of it runs any more: its containers have all ended, seen or not.
    over: bool = False
    # An outcome that the kubelet decided over the containers' heads (eviction, deadline, refused admission).
    outcome: tuple[str, str] | None = None


def compute_status(pod: Pod, state: PodState, context: StatusContext) -> PodStatus:
    """The whole status. Conditions keep their transition time while their status stays the same."""
    inits = pod.spec.initContainers or []
    init_statuses = [_container_status(pod, c, role_of(c, True), state, context) for c in inits]
    statuses = [_container_status(pod, c, Role.MAIN, state, context) for c in pod.spec.containers]
    if context.over and pod.metadata.deletionTimestamp:
        _end_all([*init_statuses, *statuses])
    phase = "Failed" if context.outcome else compute_phase(pod, init_statuses, statuses, over=context.over)
    old = pod.status
    if old.phase in TERMINAL_PHASES and not context.outcome:
        phase = old.phase
    status = PodStatus(
        phase=phase,
        qosClass=old.qosClass,
        startTime=old.startTime or format_time(context.now),
        hostIP=context.host_ips[0] if context.host_ips else "",
        hostIPs=[HostIP(ip=ip) for ip in context.host_ips] or None,
        initContainerStatuses=init_statuses or None,
        containerStatuses=statuses or None,
        ephemeralContainerStatuses=[
            _container_status(pod, c, Role.EPHEMERAL, state, context) for c in ephemeral_containers(pod)
        ]
        or None,
        nominatedNodeName=old.nominatedNodeName,
        observedGeneration=pod.metadata.generation or 0,
        resize=old.resize,
    )
    if context.outcome:
        status.reason, status.message = context.outcome
    elif old.phase == "Failed":
        status.reason, status.message = old.reason, old.message
    ips = _pod_ips(pod, state, context)
    if ips:
        status.podIP, status.podIPs = ips[0], [PodIP(ip=ip) for ip in ips]
    status.conditions = _conditions(pod, state, status, context)
    if status.phase == "Failed" and not _has_begun(pod, state):
        # Refused when it came: of containers that never were there is nothing to say, and clients show the reason.
        status.initContainerStatuses = status.containerStatuses = status.ephemeralContainerStatuses = None
    return status


def _has_begun(pod: Pod, state: PodState) -> bool:
    """Whether anything was made for the pod's containers, or told of them before."""
    told = pod.status.containerStatuses or pod.status.initContainerStatuses
    return bool(state.sandboxes or state.containers or told)


def _pod_ips(pod: Pod, state: PodState, context: StatusContext) -> Sequence[str]:
    if pod.spec.hostNetwork:
        return context.host_ips if state.sandboxes else ()
    sandbox = state.ready_sandbox
    if sandbox and sandbox.ips:
        return sandbox.ips
    # A pod that has ended keeps the address it had, for readers of its logs and records.
    return [p.ip for p in pod.status.podIPs or []]


def _container_status(
    pod: Pod, container: Container, role: Role, state: PodState, context: StatusContext
) -> ContainerStatus:
    latest = state.latest(container.name)
    old = _previous_status(pod, container.name)
    status = ContainerStatus(name=container.name, image=container.image or "", imageID="", restartCount=0)
    if latest is None:
        if old and old.state and old.state.terminated:
            return old
        status.state = ContainerState(waiting=_waiting(pod, container, role, state, context))
        status.started = False
        if old:
            status.restartCount, status.lastState = old.restartCount, old.lastState
        return status
    status.restartCount = latest.attempt
    status.image = latest.image or container.image or ""
    status.imageID = latest.image_ref or latest.image_id
    status.containerID = f"{context.runtime_name}://{latest.id}"
    running = latest.state is rt.ContainerState.RUNNING
    status.ready = latest.id in context.ready if role in (Role.MAIN, Role.SIDECAR) else False
    status.started = latest.id in context.started
    if running:
        status.state = ContainerState(running=ContainerStateRunning(startedAt=_time(latest.started_at)))
        status.lastState = _last_state(state.previous(container.name), context, old)
        return status
    status.ready = status.started = False
    terminated = _terminated(latest, context)
    waiting = context.waiting.get(container.name)
    if waiting and not context.terminating and latest.state is not rt.ContainerState.RUNNING:
        # The container is to run again: its end becomes the last state, and the wait has the stage.
        status.state = ContainerState(waiting=ContainerStateWaiting(reason=waiting[0], message=waiting[1]))
        status.lastState = ContainerState(terminated=terminated) if terminated else None
        return status
    if terminated is None:
        status.state = ContainerState(waiting=_waiting(pod, container, role, state, context))
        return status
    status.state = ContainerState(terminated=terminated)
    status.ready = role is Role.INIT and terminated.exitCode == 0
    status.lastState = _last_state(state.previous(container.name), context, old)
    return status


def _previous_status(pod: Pod, name: str) -> ContainerStatus | None:
    status = pod.status
    known = [
        *(status.containerStatuses or []),
        *(status.initContainerStatuses or []),
        *(status.ephemeralContainerStatuses or []),
    ]
    return next((s for s in known if s.name == name), None)


def _waiting(
    pod: Pod, container: Container, role: Role, state: PodState, context: StatusContext
) -> ContainerStateWaiting:
    known = context.waiting.get(container.name)
    if known:
        return ContainerStateWaiting(reason=known[0], message=known[1])
    plain_inits = [c for c in pod.spec.initContainers or [] if role_of(c, True) is Role.INIT]
    if not plain_inits and not pod.spec.initContainers:
        return ContainerStateWaiting(reason=_CREATING)
    return ContainerStateWaiting(reason=_INITIALIZING)


def _terminated(status: rt.ContainerStatus, context: StatusContext) -> ContainerStateTerminated | None:
    if status.state is not rt.ContainerState.EXITED:
        return None
    reason = status.reason or ("Completed" if status.exit_code == 0 else "Error")
    return ContainerStateTerminated(
        exitCode=status.exit_code,
        reason=reason,
        message=context.messages.get(status.id, status.message),
        startedAt=_time(status.started_at),
        finishedAt=_time(status.finished_at),
        containerID=f"{context.runtime_name}://{status.id}",
    )


def _last_state(
    previous: rt.ContainerStatus | None, context: StatusContext, old: ContainerStatus | None
) -> ContainerState | None:
    if previous is None:
        return old.lastState if old else None
    terminated = _terminated(previous, context)
    return ContainerState(terminated=terminated) if terminated else None


def _time(nanoseconds: int) -> str:
    return format_time(datetime.fromtimestamp(nanoseconds / _NANOSECONDS, UTC)) if nanoseconds else ""


def _end_all(statuses: Sequence[ContainerStatus]) -> None:
    """A deleted pod has no container left that waits or runs; how one ended that nobody saw end is not known."""
    for status in statuses:
        if not _ended(status):
            status.state = ContainerState(
                terminated=ContainerStateTerminated(
                    exitCode=137,
                    reason="ContainerStatusUnknown",
                    message="The container could not be located when the pod was terminated",
                )
            )
            status.ready = status.started = False


def compute_phase(
    pod: Pod, inits: Sequence[ContainerStatus], mains: Sequence[ContainerStatus], *, over: bool = False
) -> str:
    """Pending, Running, Succeeded or Failed, by the containers' states and the restart policy; Succeeded or Failed for a
    pod that is `over`, whatever its policy."""
    if over:
        return "Succeeded" if all(_succeeded(s) for s in mains) else "Failed"
    policy = pod.spec.restartPolicy or "Always"
    roles = [role_of(c, True) for c in pod.spec.initContainers or []]
    plain = [s for s, role in zip(inits, roles, strict=True) if role is Role.INIT]
    sidecars_run = any(_running(s) for s, role in zip(inits, roles, strict=True) if role is Role.SIDECAR)
    if any(_failed(s) for s in plain) and policy == "Never":
        return "Failed"
    main_began = any(s.containerID for s in mains)
    if not main_began and any(not _succeeded(s) for s in plain):
        return "Pending"
    running = sum(_running(s) for s in mains)
    waiting = sum(not _running(s) and not _ended(s) and not _ended_before(s) for s in mains)
    ended = [s for s in mains if not _running(s) and (_ended(s) or _ended_before(s))]
    if waiting:
        return "Pending"
    if running:
        return "Running"
    if not ended:
        return "Pending"
    if sidecars_run:
        # They are being stopped now: the pod has ended when they have.
        return "Running"
    return _phase_when_all_ended(policy, ended, mains)


def _phase_when_all_ended(policy: str, ended: Sequence[ContainerStatus], mains: Sequence[ContainerStatus]) -> str:
    if any(s.state and s.state.waiting for s in mains) or policy == "Always":
        return "Running"
    if all(_succeeded(s) for s in ended):
        return "Succeeded"
    return "Failed" if policy == "Never" else "Running"


def _running(status: ContainerStatus) -> bool:
    return bool(status.state and status.state.running)


def _ended(status: ContainerStatus) -> bool:
    return bool(status.state and status.state.terminated)


def _ended_before(status: ContainerStatus) -> bool:
    return bool(status.lastState and status.lastState.terminated)


def _succeeded(status: ContainerStatus) -> bool:
    return bool(status.state and status.state.terminated and status.state.terminated.exitCode == 0)


def _failed(status: ContainerStatus) -> bool:
    return bool(status.state and status.state.terminated and status.state.terminated.exitCode != 0)


# What the kubelet says of a pod; all other conditions are others'.
OWN_CONDITIONS = ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled")


def _conditions(pod: Pod, state: PodState, status: PodStatus, context: StatusContext) -> list[PodCondition]:
    containers_ready = _containers_ready(pod, status)
    wanted = [
        _condition("PodReadyToStartContainers", state.ready_sandbox is not None),
        _initialized(pod, status),
        _ready(pod, status, containers_ready),
        containers_ready,
        _condition("PodScheduled", True),
    ]
    before = {c.type: c for c in pod.status.conditions or []}
    for condition in wanted:
        old = before.get(condition.type)
        same = old is not None and old.status == condition.status
        condition.lastTransitionTime = old.lastTransitionTime if old and same else format_time(context.now)
        condition.observedGeneration = pod.metadata.generation or 0
    return wanted + [c for t, c in before.items() if t not in OWN_CONDITIONS]


def _condition(type_: str, value: bool, reason: str = "", message: str = "") -> PodCondition:
    return PodCondition(type=type_, status="True" if value else "False", reason=reason, message=message)


def _initialized(pod: Pod, status: PodStatus) -> PodCondition:
    roles = [role_of(c, True) for c in pod.spec.initContainers or []]
    pending = [
        s.name
        for s, role in zip(status.initContainerStatuses or [], roles, strict=True)
        if not (_succeeded(s) if role is Role.INIT else s.started)
    ]
    if status.phase == "Succeeded":
        return _condition("Initialized", True, "PodCompleted")
    if not pending or any(s.containerID for s in status.containerStatuses or []):
        return _condition("Initialized", True)
    message = f"containers with incomplete status: [{' '.join(pending)}]"
    return _condition("Initialized", False, "ContainersNotInitialized", message)


def _containers_ready(pod: Pod, status: PodStatus) -> PodCondition:
    kind = "ContainersReady"
    if status.phase == "Succeeded":
        return _condition(kind, False, "PodCompleted")
    if status.phase == "Failed":
        return _condition(kind, False, "PodFailed")
    roles = [role_of(c, True) for c in pod.spec.initContainers or []]
    sidecars = [s for s, r in zip(status.initContainerStatuses or [], roles, strict=True) if r is Role.SIDECAR]
    unready = [s.name for s in [*sidecars, *(status.containerStatuses or [])] if not s.ready]
    if unready:
        return _condition(kind, False, "ContainersNotReady", f"containers with unready status: [{' '.join(unready)}]")
    return _condition(kind, True)


def _ready(pod: Pod, status: PodStatus, containers_ready: PodCondition) -> PodCondition:
    if containers_ready.status != "True":
        return PodCondition(
            type="Ready", status="False", reason=containers_ready.reason, message=containers_ready.message
        )
    values = {c.type: c.status for c in pod.status.conditions or []}
    missing = [g.conditionType for g in pod.spec.readinessGates or [] if values.get(g.conditionType) != "True"]
    if missing:
        text = "; ".join(
            f'the status of pod readiness gate "{g}" is not "True", but {values[g]}'
            if g in values
            else f'corresponding condition of pod readiness gate "{g}" does not exist.'
            for g in missing
        )
        return _condition("Ready", False, "ReadinessGatesNotReady", text)
    return _condition("Ready", True)
