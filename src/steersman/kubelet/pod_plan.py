"""Decides what to do for one pod: from its spec and the runtime's state to the containers to kill and to start.

Nothing here waits or talks to anything; the pod worker carries plans out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from steersman.kinds.types.core_v1 import Container, Pod
from steersman.kubelet.backoff import Backoff
from steersman.kubelet.pod_state import CONTAINER_HASH, PodState
from steersman.kubelet.runtime.types import ContainerState, ContainerStatus

_NANOSECONDS = 1e9


class Role(Enum):
    """What a container is in its pod."""

    INIT = "init"
    SIDECAR = "sidecar"
    MAIN = "main"
    EPHEMERAL = "ephemeral"


class ProbeVerdict(Enum):
    """What the probes say of a running container; UNKNOWN until the first result."""

    UNKNOWN = "unknown"
    PASSING = "passing"
    FAILING = "failing"


@dataclass(frozen=True, slots=True)
class ContainerStart:
    container: Container
    role: Role
    attempt: int
    backoff_key: str


@dataclass(frozen=True, slots=True)
class ContainerKill:
    """`restart` says that the container is to be started again once it is dead."""

    status: ContainerStatus
    container: Container | None
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class CrashLoop:
    """A container held back from restarting for so many more seconds."""

    name: str
    remaining: float
    message: str


@dataclass(slots=True)
class PodPlan:
    """What to do now, in this order: kill, then sandbox, then start.

    `kill_pod` stops everything including the sandbox; `retry_after` is when to plan again even if nothing changes.
    """

    kill_pod: bool = False
    create_sandbox: bool = False
    sandbox_attempt: int = 0
    kill: list[ContainerKill] = field(default_factory=list)
    start: list[ContainerStart] = field(default_factory=list)
    crash_loops: list[CrashLoop] = field(default_factory=list)

    @property
    def retry_after(self) -> float | None:
        return min((c.remaining for c in self.crash_loops), default=None)

    @property
    def idle(self) -> bool:
        return not (self.kill_pod or self.create_sandbox or self.kill or self.start)


@dataclass(frozen=True, slots=True)
class PlanContext:
    """What a decision needs besides the pod and its state. Verdicts are by container id; `now` is Unix seconds."""

    now: float
    backoff: Backoff
    liveness: Mapping[str, ProbeVerdict] = field(default_factory=dict)
    startup: Mapping[str, ProbeVerdict] = field(default_factory=dict)


def container_hash(container: Container) -> str:
    """Changes when the container must be made anew: only name and image may change in a running pod."""
    return hashlib.sha256(f"{container.name}\0{container.image}".encode()).hexdigest()[:16]


def role_of(container: Container, init: bool) -> Role:
    if not init:
        return Role.MAIN
    return Role.SIDECAR if container.restartPolicy == "Always" else Role.INIT


def should_restart(policy: str, status: ContainerStatus | None) -> bool:
    """Whether a container that is not running is to be started, by its pod's (or its own) restart policy."""
    if status is None or status.state in (ContainerState.UNKNOWN, ContainerState.CREATED):
        return True
    if status.state is ContainerState.RUNNING:
        return False
    return policy == "Always" or (policy == "OnFailure" and status.exit_code != 0)


def plan_pod(pod: Pod, state: PodState, context: PlanContext) -> PodPlan:
    """What a pod that is meant to run needs now."""
    plan = PodPlan()
    if state.ready_sandbox is None:
        return _plan_new_sandbox(pod, state, context, plan)
    progress = _InitProgress(pod, state, context, plan)
    if not progress.advance():
        return plan
    kept = sum(_plan_main(pod, container, state, context, plan) for container in pod.spec.containers)
    if not kept and not plan.start and not plan.crash_loops:
        return PodPlan(kill_pod=True)
    _plan_ephemeral(pod, state, context, plan)
    return plan


def ephemeral_containers(pod: Pod) -> Sequence[Container]:
    """The pod's ephemeral containers as ordinary ones, which they are but for what they may not have (KEP-277)."""
    return [
        Container(**{name: getattr(c, name) for name in c.__struct_fields__ if name != "targetContainerName"})
        for c in pod.spec.ephemeralContainers or []
    ]


def _plan_ephemeral(pod: Pod, state: PodState, context: PlanContext, plan: PodPlan) -> None:
    """Ephemeral containers run once: they are neither restarted nor stopped before their pod."""
    for container in ephemeral_containers(pod):
        status = state.latest(container.name)
        if status is None or status.state is ContainerState.CREATED:
            _start_or_wait(pod, container, Role.EPHEMERAL, None, context, plan)


def _plan_new_sandbox(pod: Pod, state: PodState, context: PlanContext, plan: PodPlan) -> PodPlan:
    """The pod has no live sandbox: make one if any container is still to run, else see that nothing is left over."""
    if state.sandbox is not None:
        plan.kill_pod = bool(state.running)
        plan.sandbox_attempt = state.sandbox.attempt + 1
    if state.containers and not _anything_to_run(pod, state):
        return plan
    plan.create_sandbox = True
    inits = pod.spec.initContainers or []
    if inits and not _initialized_for_good(pod, state):
        first = inits[0]
        _start_or_wait(pod, first, role_of(first, True), state.latest(first.name), context, plan)
        return plan
    for container in inits:
        if role_of(container, True) is Role.SIDECAR:
            _start_or_wait(pod, container, Role.SIDECAR, state.latest(container.name), context, plan)
    for container in pod.spec.containers:
        status = state.latest(container.name)
        if status is None or status.state is ContainerState.RUNNING or should_restart(_policy(pod), status):
            _start_or_wait(pod, container, Role.MAIN, status, context, plan)
    return plan


def _anything_to_run(pod: Pod, state: PodState) -> bool:
    inits = pod.spec.initContainers or []
    for container in inits:
        status = state.latest(container.name) if role_of(container, True) is Role.INIT else None
        failed = status and status.state is ContainerState.EXITED and status.exit_code != 0
        if failed and _policy(pod) == "Never":
            return False
    return any(
        (status := state.latest(c.name)) is None
        or status.state is ContainerState.RUNNING
        or should_restart(_policy(pod), status)
        for c in pod.spec.containers
    )


def _initialized_for_good(pod: Pod, state: PodState) -> bool:
    """Main containers have been created before under a restart policy that does not repeat initialization."""
    return _policy(pod) == "Never" and any(state.latest(c.name) for c in pod.spec.containers)


def _policy(pod: Pod) -> str:
    return pod.spec.restartPolicy or "Always"


class _InitProgress:
    """Walks the init containers in order: each plain one to completion, each sidecar until it has started."""

    def __init__(self, pod: Pod, state: PodState, context: PlanContext, plan: PodPlan) -> None:
        self.pod, self.state, self.context, self.plan = pod, state, context, plan
        sandbox = state.ready_sandbox
        self.since = sandbox.created_at if sandbox else 0

    def advance(self) -> bool:
        """True when the main containers may run. Otherwise the plan says what the next init container needs."""
        inits = self.pod.spec.initContainers or []
        main_started = any(self._current(c.name) for c in self.pod.spec.containers)
        for container in inits:
            if role_of(container, True) is Role.SIDECAR:
                done = self._sidecar(container)
            else:
                done = main_started or self._init(container)
            if not done and not main_started:
                return False
        return True

    def _current(self, name: str) -> ContainerStatus | None:
        """The newest container of that name if it was made in the present sandbox."""
        status = self.state.latest(name)
        return status if status and status.created_at >= self.since else None

    def _init(self, container: Container) -> bool:
        status = self._current(container.name)
        if status is None or status.state is not ContainerState.EXITED:
            if status is None or status.state is not ContainerState.RUNNING:
                _start_or_wait(
                    self.pod, container, Role.INIT, self.state.latest(container.name), self.context, self.plan
                )
            elif status.annotations.get(CONTAINER_HASH) != container_hash(container):
                self.plan.kill.append(_definition_changed(container, status))
            return False
        if status.exit_code == 0:
            return True
        if _policy(self.pod) == "Never":
            # A failed init container ends the pod: stop what the sandbox still holds.
            self.plan.kill_pod = True
            return False
        _start_or_wait(self.pod, container, Role.INIT, status, self.context, self.plan)
        return False

    def _sidecar(self, container: Container) -> bool:
        status = self._current(container.name)
        if status is None or status.state is not ContainerState.RUNNING:
            _start_or_wait(
                self.pod, container, Role.SIDECAR, self.state.latest(container.name), self.context, self.plan
            )
            return False
        kill = _reason_to_kill(container, status, self.context)
        if kill:
            self.plan.kill.append(kill)
            _start_or_wait(self.pod, container, Role.SIDECAR, status, self.context, self.plan)
            return False
        return container.startupProbe is None or self.context.startup.get(status.id) is ProbeVerdict.PASSING


def _plan_main(pod: Pod, container: Container, state: PodState, context: PlanContext, plan: PodPlan) -> bool:
    """Plan one main container; True when it stays as it is."""
    status = state.latest(container.name)
    if status is None or status.state is not ContainerState.RUNNING:
        if should_restart(_policy(pod), status):
            _start_or_wait(pod, container, Role.MAIN, status, context, plan)
        return False
    kill = _reason_to_kill(container, status, context)
    if kill is None:
        return True
    plan.kill.append(kill)
    changed = status.annotations.get(CONTAINER_HASH) != container_hash(container)
    if changed or _policy(pod) != "Never":
        _start_or_wait(pod, container, Role.MAIN, status, context, plan)
    return False


def _definition_changed(container: Container, status: ContainerStatus) -> ContainerKill:
    message = f"Container {container.name} definition changed, will be restarted"
    return ContainerKill(status, container, "Killing", message)


def _reason_to_kill(container: Container, status: ContainerStatus, context: PlanContext) -> ContainerKill | None:
    if status.annotations.get(CONTAINER_HASH) != container_hash(container):
        return _definition_changed(container, status)
    for probe, verdicts in (("liveness", context.liveness), ("startup", context.startup)):
        if verdicts.get(status.id) is ProbeVerdict.FAILING:
            message = f"Container {container.name} failed {probe} probe, will be restarted"
            return ContainerKill(status, container, "Killing", message)
    return None


def backoff_key(pod: Pod, container: Container) -> str:
    return f"{pod.metadata.uid}/{container.name}/{container_hash(container)}"


def _start_or_wait(
    pod: Pod, container: Container, role: Role, last: ContainerStatus | None, context: PlanContext, plan: PodPlan
) -> None:
    """Start the container, unless it ended so recently that its back-off still runs."""
    key = backoff_key(pod, container)
    attempt = last.attempt + 1 if last else 0
    if last is not None and last.state is ContainerState.EXITED:
        remaining = context.backoff.remaining(key, last.finished_at / _NANOSECONDS, context.now)
        if remaining > 0:
            meta = pod.metadata
            message = (
                f"back-off {_go_seconds(context.backoff.delay(key))} restarting failed container={container.name} "
                f"pod={meta.name}_{meta.namespace}({meta.uid})"
            )
            plan.crash_loops.append(CrashLoop(container.name, remaining, message))
            return
    plan.start.append(ContainerStart(container, role, attempt, key))


def _go_seconds(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"


def termination_order(pod: Pod, state: PodState) -> Sequence[Sequence[ContainerStatus]]:
    """Running containers in the waves they are stopped in: main ones together, then sidecars from the last to the first."""
    sidecars = [c.name for c in pod.spec.initContainers or [] if role_of(c, True) is Role.SIDECAR]
    main = [c for c in state.running if c.name not in sidecars]
    waves = [main] if main else []
    for name in reversed(sidecars):
        running = [c for c in state.running if c.name == name]
        if running:
            waves.append(running)
    return waves
