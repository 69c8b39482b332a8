"""One pod's worker: looks at the pod and the runtime, plans, acts, reports; again and again until nothing is left of the pod."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from msgspec.structs import replace

from steersman.api.errors import StatusError
from steersman.api.meta import parse_time
from steersman.client.waiting import wait_event
from steersman.kinds.core.pod_state import TERMINAL_PHASES, is_terminal
from steersman.kinds.types.core_v1 import Container, Pod
from steersman.kubelet.backoff import Backoff
from steersman.kubelet.handlers import Outcome
from steersman.kubelet.logs import remove_logs, tail_text
from steersman.kubelet.node_context import NodeContext
from steersman.kubelet.pod_plan import PlanContext, PodPlan, Role, plan_pod, termination_order
from steersman.kubelet.pod_runner import PodRunner, StartError, container_reference
from steersman.kubelet.pod_state import TERMINATION_MESSAGE_POLICY, PodState
from steersman.kubelet.pod_status import OWN_CONDITIONS, StatusContext, compute_status
from steersman.kubelet.probes import ProbeManager
from steersman.kubelet.runtime import types as rt
from steersman.kubelet.volumes.payload import PayloadContext
from steersman.kubelet.volumes.problem import VolumeError

_log = logging.getLogger(__name__)

# How often a pod is looked at even though nothing seems to have changed: volumes' contents are refreshed then.
RESYNC_SECONDS = 60.0
# Between tries of something that failed.
RETRY_SECONDS = 2.0
_MAX_MESSAGE_BYTES = 4096
_MAX_LOG_MESSAGE_BYTES, _MAX_LOG_MESSAGE_LINES = 2048, 80


class PodWorker:
    """Contract: `update`, `kick` and `reject` may be called at any time and only leave a note; `run` acts on the newest note
    and ends when the pod is gone from the API and from the node. Cancelling `run` leaves the containers as they are.
    """

    def __init__(self, node: NodeContext, pod: Pod) -> None:
        self.pod = pod
        self.uid = pod.metadata.uid
        self.gone = False
        self._node = node
        self._backoff = Backoff()
        self._runner = PodRunner(node, self._backoff)
        self._wake = asyncio.Event()
        self._probes = ProbeManager(node.runtime, node.clock, node.instruments, self._wake.set, self._report_probe)
        self._waiting: dict[str, tuple[str, str]] = {}
        self._messages: dict[str, str] = {}
        self._outcome: tuple[str, str] | None = None
        self._volumes_fresh_at: float | None = None
        self._released = False
        self._cleaned = False
        self._retry = RESYNC_SECONDS
        # After a failed start, the moment before which nothing is started (monotonic seconds).
        self._start_after = 0.0
        self._seen = node.clock.monotonic()
        # What the next turn is for, as the metrics say it.
        self._operation = "create"
        self._starting = pod.status.phase in ("", "Pending") and not pod.metadata.deletionTimestamp

    # Notes from outside.

    def update(self, pod: Pod) -> None:
        """The API has a new version of the pod."""
        self.pod = pod
        if self._operation != "create":
            self._operation = "update"
        self._node.status.observe(pod)
        self._wake.set()

    def remove(self) -> None:
        """The API has the pod no more."""
        self.gone = True
        self._wake.set()

    def kick(self) -> None:
        """Look again: something changed in the runtime."""
        self._wake.set()

    def reject(self, reason: str, message: str) -> None:
        """End the pod by the kubelet's decision (refused admission, eviction, deadline)."""
        self._outcome = (reason, message)
        self._wake.set()

    @property
    def active(self) -> bool:
        """Whether the pod still counts against the node's resources."""
        return not self.gone and self._outcome is None and not is_terminal(self.pod)

    # The loop.

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            if self._starting:
                self._node.instruments.worker_start.observe(self._node.clock.monotonic() - self._seen)
            while not await self._measured_turn(group):
                await wait_event(self._node.clock, self._wake, self._retry)
            self._probes.stop_all()

    async def _measured_turn(self, group: asyncio.TaskGroup) -> bool:
        operation, self._operation = self._operation, "sync"
        with self._node.instruments.timed(self._node.instruments.turns, operation):
            return await self._turn(group)

    async def _turn(self, group: asyncio.TaskGroup) -> bool:
        """Look and act once; True when the worker has nothing left to do for ever."""
        self._wake.clear()
        self._retry = RESYNC_SECONDS
        try:
            state = await self._node.pleg.refresh(self.uid)
            self._check_deadline()
            if self.gone or self.pod.metadata.deletionTimestamp or self._outcome:
                return await self._terminate(state)
            if is_terminal(self.pod) or self._reported_phase() in TERMINAL_PHASES:
                await self._finish(state)
                return False
            await self._sync(group, state)
        except rt.RuntimeCallError as error:
            _log.warning("pod %s: %s", self._name, error)
            self._retry = RETRY_SECONDS
        except (StatusError, VolumeError) as error:
            _log.info("pod %s: %s", self._name, error)
            self._retry = RETRY_SECONDS
        except Exception:  # noqa: BLE001 - the one place where a turn's error ends
            # One pod that is like no other must not take its node down: it is tried again, and the log says why.
            _log.exception("pod %s", self._name)
            self._retry = RETRY_SECONDS
        return False

    @property
    def _name(self) -> str:
        return f"{self.pod.metadata.namespace}/{self.pod.metadata.name}"

    def _reported_phase(self) -> str:
        status = self._node.status.get(self.uid)
        return status.phase if status else ""

    def _check_deadline(self) -> None:
        """activeDeadlineSeconds counts from when the kubelet first saw the pod."""
        seconds, start = self.pod.spec.activeDeadlineSeconds, self.pod.status.startTime
        if seconds is None or not start or self._outcome or is_terminal(self.pod):
            return
        left = parse_time(start).timestamp() + seconds - self._node.clock.time()
        if left <= 0:
            self._outcome = ("DeadlineExceeded", "Pod was active on the node longer than the specified deadline")
        else:
            self._retry = min(self._retry, left)

    # Running.

    async def _sync(self, group: asyncio.TaskGroup, state: PodState) -> None:
        """Bring a pod that is meant to run one step on, and say how it is."""
        self._probes.keep_only({c.id for c in state.running})
        self._start_probes(group, state)
        context = PlanContext(
            self._node.clock.time(), self._backoff, self._probes.verdicts("liveness"), self._probes.verdicts("startup")
        )
        plan = plan_pod(self.pod, state, context)
        self._note_waiting(plan)
        if plan.idle:
            await self._refresh_volumes(state, force=False)
            self._publish(state)
            await self._runner.remove_old(state)
        else:
            self._publish(state)
            await self._act(plan, state)
        if plan.retry_after is not None:
            self._retry = min(self._retry, plan.retry_after)

    def _note_waiting(self, plan: PodPlan) -> None:
        """Why containers wait: back-offs from the plan; reasons of failed starts stay until the next try."""
        starting = {s.container.name for s in plan.start}
        kept = {n: w for n, w in self._waiting.items() if n in starting and w[0] != "CrashLoopBackOff"}
        for loop in plan.crash_loops:
            if self._waiting.get(loop.name, ("", ""))[0] != "CrashLoopBackOff":
                about = container_reference(self.pod, loop.name)
                text = f"Back-off restarting failed container {loop.name} in pod {self.pod.metadata.name}_{self.pod.metadata.namespace}({self.uid})"
                self._node.recorder.event(about, "Warning", "BackOff", text)
            kept[loop.name] = ("CrashLoopBackOff", loop.message)
        self._waiting = kept

    async def _act(self, plan: PodPlan, state: PodState) -> None:
        if plan.kill_pod:
            self._wake.set()
            await self._kill_containers(state, self._runner.grace(self.pod))
            await self._runner.stop_sandboxes(state)
            if not plan.create_sandbox:
                return
        for kill in plan.kill:
            grace = self._kill_grace(kill.container)
            await self._runner.stop_container(
                self.pod, kill.container, kill.status.id, grace, kill.message, state.ready_sandbox
            )
        left = self._start_after - self._node.clock.monotonic()
        if left > 0 and (plan.create_sandbox or plan.start):
            # Notes that come meanwhile (a deletion above all) are still acted on at once.
            self._retry = min(self._retry, left)
            return
        if not plan.create_sandbox and not plan.start:
            self._wake.set()
            return
        # What fails here is tried again later, and not at once.
        await self._refresh_volumes(state, force=True)
        self._wake.set()
        try:
            sandbox = await self._ready_sandbox(plan, state)
            for start in plan.start:
                self._waiting.pop(start.container.name, None)
                self._node.instruments.starting(start.role)
                try:
                    await self._runner.start_container(self.pod, start, sandbox)
                except StartError as error:
                    self._node.instruments.not_started(start.role, error.reason)
                    self._waiting[start.container.name] = (error.reason, error.message)
                    if start.role in (Role.INIT, Role.SIDECAR):
                        raise
            failed = any(s.container.name in self._waiting for s in plan.start)
        except StartError:
            failed = True
        if failed:
            self._start_after = self._node.clock.monotonic() + RETRY_SECONDS
            self._publish(await self._node.pleg.refresh(self.uid))

    def _kill_grace(self, container: Container | None) -> float:
        """A probe may bring its own grace period for the kill that it causes."""
        for probe in (container.livenessProbe, container.startupProbe) if container else ():
            if probe and probe.terminationGracePeriodSeconds is not None:
                return float(probe.terminationGracePeriodSeconds)
        return self._runner.grace(self.pod)

    async def _ready_sandbox(self, plan: PodPlan, state: PodState) -> rt.PodSandboxStatus:
        if plan.create_sandbox:
            await self._runner.create_sandbox(self.pod, plan.sandbox_attempt)
            state = await self._node.pleg.refresh(self.uid)
        if state.ready_sandbox is None:
            raise StartError("ContainerCreating", "the pod's sandbox is not ready")
        return state.ready_sandbox

    async def _refresh_volumes(self, state: PodState, *, force: bool) -> None:
        """Set up or refresh volumes. Raises VolumeError, after telling the user why the pod does not start."""
        now = self._node.clock.monotonic()
        due = self._volumes_fresh_at is None or now - self._volumes_fresh_at >= RESYNC_SECONDS
        if not (force or due):
            return
        sandbox = state.ready_sandbox
        facts = self._node.facts()
        ips = tuple(sandbox.ips) if sandbox and sandbox.ips else facts.ips if self.pod.spec.hostNetwork else ()
        node = self._node
        context = PayloadContext(self.pod, facts, ips, node.objects, node.tokens, node.certificates)
        try:
            if not self._node.runtime.simulated:
                await self._node.volumes.set_up(context)
        except VolumeError as error:
            self._node.recorder.event(self.pod, "Warning", "FailedMount", str(error))
            raise
        self._volumes_fresh_at = now

    def _start_probes(self, group: asyncio.TaskGroup, state: PodState) -> None:
        specs = {c.name: c for c in [*self.pod.spec.containers, *(self.pod.spec.initContainers or [])]}
        sandbox = state.ready_sandbox
        facts = self._node.facts()
        ip = sandbox.ips[0] if sandbox and sandbox.ips else (facts.ips[0] if facts.ips else "")
        for running in state.running:
            container = specs.get(running.name)
            if container is not None:
                self._probes.start(group, self.pod, container, running.id, ip)

    def _report_probe(self, pod: Pod, container: Container, kind: str, outcome: Outcome) -> None:
        text = f"{kind.capitalize()} probe failed: {outcome.output}"
        self._node.recorder.event(container_reference(pod, container.name), "Warning", "Unhealthy", text)

    # Status.

    def _publish(self, state: PodState, *, terminating: bool = False, over: bool = False) -> None:
        """Compute the status and have it written; `over` says that nothing of the pod will ever run again."""
        for container in state.containers:
            if container.state is rt.ContainerState.EXITED and container.id not in self._messages:
                self._messages[container.id] = self._termination_message(container)
        facts = self._node.facts()
        pod = self._with_known_status()
        status = compute_status(
            pod,
            state,
            StatusContext(
                now=self._node.clock.now(),
                runtime_name=self._node.runtime_name,
                host_ips=facts.ips,
                waiting=self._waiting,
                ready=frozenset() if terminating and not state.running else self._probes.ready(),
                started=self._probes.started(),
                messages=self._messages,
                terminating=terminating,
                over=over,
                outcome=self._outcome,
            ),
        )
        self._note_start(status.phase)
        self._node.status.set(self.pod, status)

    def _note_start(self, phase: str) -> None:
        """How long it took until the pod ran, once."""
        if self._starting and phase not in ("", "Pending"):
            self._starting = False
            if phase == "Running":
                node, created = self._node, self.pod.metadata.creationTimestamp
                node.instruments.pod_start.observe(node.clock.monotonic() - self._seen)
                if created:
                    age = node.clock.time() - parse_time(created).timestamp()
                    node.instruments.pod_start_total.observe(max(0.0, age))

    def _with_known_status(self) -> Pod:
        """The pod with the status that was set last, which the API may not have told yet; others' conditions as it told."""
        known = self._node.status.get(self.uid)
        if known is None:
            return self.pod
        pod = self.pod
        conditions = [c for c in known.conditions or [] if c.type in OWN_CONDITIONS]
        conditions += [c for c in pod.status.conditions or [] if c.type not in OWN_CONDITIONS]
        return Pod(metadata=pod.metadata, spec=pod.spec, status=replace(known, conditions=conditions))

    def _termination_message(self, container: rt.ContainerStatus) -> str:
        """What the container left in its message file, or the end of its log when its policy says so and it failed."""
        if self._node.runtime.simulated:
            return container.message
        path = self._runner.message_path(self.uid, container.name, container.attempt)
        text = _read_head(path)
        fallback = container.annotations.get(TERMINATION_MESSAGE_POLICY) == "FallbackToLogsOnError"
        if not text and fallback and container.exit_code != 0 and container.log_path:
            try:
                text = tail_text(container.log_path, _MAX_LOG_MESSAGE_BYTES, _MAX_LOG_MESSAGE_LINES)
            except FileNotFoundError:
                text = ""
        return text or container.message

    # Ending.

    async def _finish(self, state: PodState) -> None:
        """The pod has come to its end by itself: leave its containers for their logs, stop the sandbox."""
        self._probes.stop_all()
        if not state.empty:
            await self._kill_containers(state, self._runner.grace(self.pod))
            await self._runner.stop_sandboxes(state)
            state = await self._node.pleg.refresh(self.uid)
        self._publish(state)
        if not self._released:
            await self._release()

    async def _terminate(self, state: PodState) -> bool:
        """Stop everything, report the end, release what the pod used, and have it deleted; True when it is gone."""
        if not state.empty:
            self._publish(state, terminating=True)
            await self._kill_within_grace(state)
            state = await self._node.pleg.refresh(self.uid)
        self._probes.stop_all()
        if not self.gone:
            self._publish(state, terminating=True, over=True)
            if not self.pod.metadata.deletionTimestamp:
                if not self._released:
                    await self._release()
                return False
        await self._clean_up(state)
        if self.gone:
            self._node.status.forget(self.uid)
            return True
        await self._node.status.wait_written(self.uid)
        self._node.delete_pod(self.pod)
        return False

    async def _kill_within_grace(self, state: PodState) -> None:
        """Kill all, starting over with the shorter time when the grace period is cut while it runs."""
        grace = self._runner.grace(self.pod)
        deadline = self._node.clock.monotonic() + grace
        while True:
            left = max(0.0, min(deadline - self._node.clock.monotonic(), self._runner.grace(self.pod)))
            self._wake.clear()
            if await self._kill_interruptibly(state, left, grace):
                break
            grace = self._runner.grace(self.pod)
            state = await self._node.pleg.refresh(self.uid)
        await self._runner.stop_sandboxes(state)

    async def _kill_interruptibly(self, state: PodState, left: float, grace: float) -> bool:
        """False when the pod's grace period became shorter before the kill was done."""
        finished = True
        error: BaseException | None = None
        try:
            async with asyncio.TaskGroup() as group:
                kill = group.create_task(self._kill_containers(state, left))
                while not kill.done():
                    changed = group.create_task(self._wake.wait())
                    await asyncio.wait((kill, changed), return_when=asyncio.FIRST_COMPLETED)
                    changed.cancel()
                    self._wake.clear()
                    if not kill.done() and self._runner.grace(self.pod) < grace:
                        kill.cancel()
                        finished = False
        except* rt.RuntimeCallError as failed:
            # Not raised here: early 3.11 would wrap it in a group again.
            error = failed.exceptions[0]
        if error is not None:
            raise error
        return finished

    async def _kill_containers(self, state: PodState, grace: float) -> None:
        specs = {c.name: c for c in [*self.pod.spec.containers, *(self.pod.spec.initContainers or [])]}
        clock = self._node.clock
        deadline = clock.monotonic() + grace
        for wave in termination_order(self.pod, state):
            left = max(0.0, deadline - clock.monotonic())
            await asyncio.gather(
                *(
                    self._runner.stop_container(
                        self.pod, specs.get(c.name), c.id, left, f"Stopping container {c.name}", state.ready_sandbox
                    )
                    for c in wave
                )
            )

    async def _release(self) -> None:
        """Give back what a pod that has ended needs no more; its containers and logs stay for readers."""
        await self._node.volumes.release(self.uid)
        await self._remove_cgroup()
        self._released = True

    async def _remove_cgroup(self) -> None:
        node = self._node
        if node.cgroups is not None:
            with node.instruments.timed(node.instruments.cgroups, "destroy"):
                await asyncio.to_thread(node.cgroups.remove_pod, self.uid)

    async def _clean_up(self, state: PodState) -> None:
        """Release volumes, cgroup, logs and the runtime's records."""
        if self._cleaned:
            return
        node = self._node
        await self._runner.remove_everything(state)
        await node.volumes.tear_down(self.uid)
        await self._remove_cgroup()
        if not node.runtime.simulated:
            await asyncio.to_thread(remove_logs, Path(node.logs_dir), self.uid)
        node.puller.forget(self.uid)
        node.tokens.forget(self.uid)
        node.certificates.forget(self.uid)
        self._cleaned = True


def _read_head(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_MAX_MESSAGE_BYTES).decode(errors="replace")
    except FileNotFoundError:
        return ""
