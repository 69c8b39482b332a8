"""Probes: one task for each probe of each running container, whose verdicts the pod worker and the status read."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from dataclasses import dataclass

from steersman.api.clock import Clock
from steersman.kinds.types.core_v1 import Container, Pod, Probe
from steersman.kubelet.handlers import HandlerError, Outcome, Target, run_handler
from steersman.kubelet.instruments import Instruments
from steersman.kubelet.pod_plan import ProbeVerdict
from steersman.kubelet.runtime.protocol import Runtime

_log = logging.getLogger(__name__)

# Tells of a verdict: (pod, container, kind of probe, outcome).
Report = Callable[[Pod, Container, str, Outcome], None]
KINDS = ("startup", "liveness", "readiness")


@dataclass(slots=True)
class Counter:
    """Counts results in a row against a probe's thresholds."""

    probe: Probe
    verdict: ProbeVerdict
    last: bool | None = None
    run: int = 0

    def record(self, success: bool) -> bool:
        """Take one result; True when the verdict changed."""
        self.run = self.run + 1 if success == self.last else 1
        self.last = success
        threshold = (self.probe.successThreshold or 1) if success else (self.probe.failureThreshold or 3)
        if self.run < threshold:
            return False
        verdict = ProbeVerdict.PASSING if success else ProbeVerdict.FAILING
        changed, self.verdict = verdict is not self.verdict, verdict
        return changed


def probe_of(container: Container, kind: str) -> Probe | None:
    probe: Probe | None = getattr(container, f"{kind}Probe")
    return probe


class ContainerProbes:
    """The probes of one run of one container. `changed` is called when a verdict changes."""

    def __init__(
        self,
        pod: Pod,
        target: Target,
        runtime: Runtime,
        clock: Clock,
        instruments: Instruments,
        changed: Callable[[], None],
        report: Report,
    ) -> None:
        self._pod = pod
        self._target = target
        self._runtime = runtime
        self._clock = clock
        self._instruments = instruments
        self._changed = changed
        self._report = report
        meta = pod.metadata
        self._names = target.container.name, meta.name, meta.namespace, meta.uid
        # Until the first result a container counts as not ready, as alive, and as not started.
        self.verdicts = {kind: ProbeVerdict.UNKNOWN for kind in KINDS if probe_of(target.container, kind) is not None}
        self._started = asyncio.Event()
        self._remember(pod)
        if self.verdicts.get("startup", ProbeVerdict.PASSING) is ProbeVerdict.PASSING:
            self._started.set()

    def _remember(self, pod: Pod) -> None:
        """Go on from what was reported of this very run: a kubelet that starts again must not take a pod out of service."""
        known = [*(pod.status.containerStatuses or []), *(pod.status.initContainerStatuses or [])]
        reported = next((s for s in known if s.containerID.endswith(f"//{self._target.container_id}")), None)
        if reported is None:
            return
        for kind, passed in (("startup", reported.started), ("readiness", reported.ready)):
            if passed and kind in self.verdicts:
                self.verdicts[kind] = ProbeVerdict.PASSING

    @property
    def started(self) -> bool:
        return self._started.is_set()

    @property
    def ready(self) -> bool:
        return self.started and self.verdicts.get("readiness", ProbeVerdict.PASSING) is ProbeVerdict.PASSING

    async def run(self) -> None:
        """Probe until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                for kind in self.verdicts:
                    if kind != "startup" or not self.started:
                        group.create_task(self._loop(kind))
        finally:
            for kind in self.verdicts:
                self._instruments.forget_probes(kind.capitalize(), self._names)

    async def _loop(self, kind: str) -> None:
        probe = probe_of(self._target.container, kind)
        if probe is None:
            return
        if kind != "startup":
            await self._started.wait()
        counter = Counter(probe, self.verdicts[kind])
        period = float(probe.periodSeconds or 10)
        began = self._clock.monotonic()
        await self._clock.sleep(float(probe.initialDelaySeconds or 0))
        if not probe.initialDelaySeconds:
            # Many pods that start together are not to be probed in step; the first look comes early all the same.
            await self._clock.sleep(random.uniform(0.0, min(0.2, period)))
        while True:
            asked = self._clock.monotonic()
            outcome = await self._once(probe, kind)
            result = "unknown" if outcome is None else "successful" if outcome.success else "failed"
            self._instruments.probe(kind.capitalize(), result, self._names, self._clock.monotonic() - asked)
            if outcome is not None and not outcome.success:
                self._report(self._pod, self._target.container, kind, outcome)
            if outcome is not None and counter.record(outcome.success):
                self.verdicts[kind] = counter.verdict
                if kind == "startup" and counter.verdict is ProbeVerdict.PASSING:
                    self._started.set()
                self._changed()
                # A container that has failed is about to be killed: asking it meanwhile would only add noise.
                if kind == "startup" or (kind == "liveness" and counter.verdict is ProbeVerdict.FAILING):
                    return
            await self._clock.sleep(self._pause(kind, counter, period, began))

    def _pause(self, kind: str, counter: Counter, period: float, began: float) -> float:
        """A container that has not become ready yet is asked every second at first, so that it serves sooner."""
        fresh = self._clock.monotonic() - began < 2 * period
        if kind == "readiness" and counter.verdict is ProbeVerdict.UNKNOWN and fresh:
            return min(1.0, period)
        return period

    async def _once(self, probe: Probe, kind: str) -> Outcome | None:
        """One look; None, which counts neither way, when it could not be made."""
        try:
            return await run_handler(probe, self._target, self._runtime, float(probe.timeoutSeconds or 1))
        except HandlerError as error:
            _log.info("%s probe of %s: %s", kind, self._target.container_id, error)
        except Exception:  # noqa: BLE001 - logged, and not counted
            # A broken probe says nothing of its container, and must not end the pod's worker.
            _log.exception("%s probe of %s", kind, self._target.container_id)
        return None


class ProbeManager:
    """The probes of all containers of one pod, by container id."""

    def __init__(
        self, runtime: Runtime, clock: Clock, instruments: Instruments, changed: Callable[[], None], report: Report
    ) -> None:
        self._runtime = runtime
        self._clock = clock
        self._instruments = instruments
        self._changed = changed
        self._report = report
        self._running: dict[str, tuple[ContainerProbes, asyncio.Task[None] | None]] = {}

    def start(self, group: asyncio.TaskGroup, pod: Pod, container: Container, container_id: str, pod_ip: str) -> None:
        """Probe a running container; nothing happens when it is probed already."""
        if container_id in self._running:
            return
        probes = ContainerProbes(
            pod,
            Target(container, container_id, pod_ip),
            self._runtime,
            self._clock,
            self._instruments,
            self._changed,
            self._report,
        )
        # Nothing runs in a simulated container that could be asked: it is well as long as it is there.
        task = group.create_task(probes.run()) if probes.verdicts and not self._runtime.simulated else None
        if self._runtime.simulated:
            probes.verdicts.clear()
            probes._started.set()
        self._running[container_id] = (probes, task)

    def keep_only(self, container_ids: set[str]) -> None:
        """Stop probing containers that no longer run."""
        for container_id in [c for c in self._running if c not in container_ids]:
            _, task = self._running.pop(container_id)
            if task:
                task.cancel()

    def stop_all(self) -> None:
        self.keep_only(set())

    def verdicts(self, kind: str) -> dict[str, ProbeVerdict]:
        return {i: p.verdicts.get(kind, ProbeVerdict.PASSING) for i, (p, _) in self._running.items()}

    def ready(self) -> frozenset[str]:
        return frozenset(i for i, (p, _) in self._running.items() if p.ready)

    def started(self) -> frozenset[str]:
        return frozenset(i for i, (p, _) in self._running.items() if p.started)
