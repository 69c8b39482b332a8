"""The figures of the kubelet's own API: /metrics and all below it, and /stats/summary. They are made when somebody asks."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter as Tally
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from steersman.api.clock import Clock
from steersman.api.metrics import Counter, Gauge, Metric, gauge
from steersman.api.version import KUBERNETES, MAJOR, MINOR
from steersman.client.waiting import wait_event
from steersman.http import process
from steersman.kinds.types.core_v1 import Pod
from steersman.kubelet import cadvisor_metrics, machine, resource_metrics
from steersman.kubelet.accounting import Accounts
from steersman.kubelet.certificates import Keeper
from steersman.kubelet.container_config import log_directory
from steersman.kubelet.kubelet import Kubelet
from steersman.kubelet.observation import Observation, observe
from steersman.kubelet.runtime.protocol import Runtime
from steersman.kubelet.runtime.types import Container, ContainerState, PodSandbox, RuntimeCallError, SandboxState
from steersman.kubelet.server_containers import PODS_KNOWN_SECONDS
from steersman.kubelet.shared import Shared
from steersman.kubelet.stats import Rates, storage, summary

_STATES = {
    ContainerState.CREATED: "created",
    ContainerState.RUNNING: "running",
    ContainerState.EXITED: "exited",
    ContainerState.UNKNOWN: "unknown",
}
_SIDES = {"kubelet-client": "client", "kubelet-server": "server"}

_log = logging.getLogger(__name__)


class Figures:
    """Contract: nothing is raised but what `summary` cannot do without (RuntimeCallError); metrics say what they lack."""

    def __init__(
        self,
        kubelet: Kubelet,
        runtime: Runtime,
        clock: Clock,
        keepers: Sequence[Keeper],
        accounts: Accounts | None = None,
    ) -> None:
        self._kubelet = kubelet
        self._runtime = runtime
        self._clock = clock
        self._keepers = keepers
        self._accounts = accounts or Accounts()
        self._rates = Rates()
        self._resource: Shared[str] = Shared()
        self._cadvisor: Shared[str] = Shared()
        self._whole: Shared[dict[str, Any]] = Shared()

    async def metrics(self) -> str:
        """What the kubelet itself does."""
        parts = [*self._kubelet.instruments.registry, *self._of_the_node(), *(await self._of_the_runtime())]
        active = [worker.pod for worker in self._kubelet.workers() if worker.active]
        parts += await asyncio.to_thread(self._of_the_disk, active)
        return "".join(f"{line}\n" for metric in sorted(parts, key=lambda m: m.name) for line in metric.lines())

    async def resource(self) -> str:
        """What containers, pods and the node use."""
        return await self._resource.get(self._make_resource)

    async def _make_resource(self) -> str:
        return resource_metrics.render(await self._observed(brief=True))

    async def cadvisor(self) -> str:
        """The same in detail, and by cAdvisor's names."""
        return await self._cadvisor.get(self._make_cadvisor)

    async def _make_cadvisor(self) -> str:
        seen = await self._observed(brief=False)
        try:
            disks = await self._runtime.list_container_stats()
        except RuntimeCallError as error:
            _log.info("usage of disks is not known: %s", error)
            disks = ()
        return cadvisor_metrics.render(seen, machine.cpu_count(), machine.memory_total(), disks)

    def probes(self) -> str:
        """What probes have found."""
        started = next(metric for metric in process.metrics() if metric.name == "process_start_time_seconds")
        metrics = [*started.lines()]
        return "".join(f"{line}\n" for line in metrics) + self._kubelet.instruments.probes.render()

    async def summary(self, *, brief: bool) -> dict[str, Any]:
        """stats.k8s.io's Summary; `brief` is processor and memory only. Raises RuntimeCallError."""
        if not brief:
            return await self._whole.get(self._make_whole)
        seen = await self._observe(brief=True)
        return summary(self._kubelet.settings.name, process.started(1), seen, self._rates)

    async def _make_whole(self) -> dict[str, Any]:
        """Volumes and logs are measured, which takes its time: one at a time, however many ask."""
        seen = await self._observe(brief=False)
        since = process.started(1)
        usages, layers = await asyncio.gather(self._runtime.image_fs_info(), self._runtime.list_container_stats())
        images = next(iter(usages), None)
        settings, volumes = self._kubelet.settings, self._kubelet.context.volumes
        disks = await asyncio.to_thread(
            storage,
            settings.root,
            seen.pods,
            {use.pod.metadata.uid: Path(log_directory(settings.pod_logs, use.pod)) for use in seen.pods},
            {
                use.pod.metadata.uid: {
                    volume.name: volumes.path(use.pod.metadata.uid, volume)
                    for volume in use.pod.spec.volumes or ()
                    # What is the host's is not the pod's, and may be everything.
                    if volume.hostPath is None
                }
                for use in seen.pods
            },
            (Path(images.mountpoint), images.used_bytes, images.inodes_used) if images else (settings.root, 0, 0),
            layers,
        )
        return summary(settings.name, since, seen, self._rates, disks)

    async def _observe(self, *, brief: bool) -> Observation:
        # A kubelet that has just been started does not know its pods yet, and their figures would seem to begin anew.
        await wait_event(self._clock, self._kubelet.pods_known, PODS_KNOWN_SECONDS)
        pods = [worker.pod for worker in self._kubelet.workers()]
        root = self._kubelet.settings.cgroup_root
        return await observe(self._runtime, self._accounts, pods, root, self._clock.time(), brief=brief)

    async def _observed(self, *, brief: bool) -> Observation | None:
        try:
            return await self._observe(brief=brief)
        except RuntimeCallError as error:
            _log.warning("usage of containers is not known: %s", error)
            return None

    def _of_the_node(self) -> Iterator[Metric]:
        workers = list(self._kubelet.workers())
        desired = sum(not worker.gone for worker in workers)
        active = sum(worker.active for worker in workers)
        static = ("static",)
        yield gauge(
            "kubelet_node_name",
            "The node's name. The count is always 1.",
            ("node",),
            [((self._kubelet.settings.name,), 1)],
        )
        yield gauge(
            "kubelet_desired_pods",
            "The number of pods the kubelet is being instructed to run. static is true if the pod is not from the apiserver.",
            static,
            [(("",), desired), (("true",), 0)],
        )
        yield gauge(
            "kubelet_active_pods",
            "The number of pods the kubelet considers active. static is true if the pod is not from the apiserver.",
            static,
            [(("",), active), (("true",), 0)],
        )
        yield gauge("kubelet_mirror_pods", "The number of mirror pods the kubelet will try to create.", (), [((), 0)])
        yield gauge("kubelet_cgroup_version", "cgroup version on the hosts.", (), [((), 2 if self._accounts.v2 else 1)])
        yield gauge(
            "kubernetes_build_info",
            "A metric with a constant '1' value labeled by the version of Kubernetes.",
            ("git_version", "major", "minor"),
            [((KUBERNETES, str(MAJOR), str(MINOR)), 1)],
        )

    def _of_the_disk(self, pods: Sequence[Pod]) -> list[Metric]:
        """What is found in files."""
        counts = self._kubelet.context.volumes.counts(pods)
        labels = ("plugin_name", "state")
        volumes = gauge("volume_manager_total_volumes", "Number of volumes in Volume Manager", labels, counts.items())
        return [volumes, *_certificates(self._keepers, self._clock), *process.metrics()]

    async def _of_the_runtime(self) -> list[Metric]:
        try:
            sandboxes, containers = await asyncio.gather(
                self._runtime.list_pod_sandboxes(), self._runtime.list_containers()
            )
        except RuntimeCallError as error:
            _log.warning("running containers are not known: %s", error)
            return []
        return list(_running(sandboxes, containers))


def _running(sandboxes: Sequence[PodSandbox], containers: Sequence[Container]) -> Iterator[Metric]:
    pods = {sandbox.uid for sandbox in sandboxes if sandbox.state is SandboxState.READY}
    states = Tally(_STATES[container.state] for container in containers)
    yield gauge("kubelet_running_pods", "Number of pods that have a running pod sandbox", (), [((), len(pods))])
    yield gauge(
        "kubelet_running_containers",
        "Number of containers currently running",
        ("container_state",),
        [((state,), count) for state, count in states.items()],
    )


def _certificates(keepers: Sequence[Keeper], clock: Clock) -> Iterator[Metric]:
    """How long the kubelet's own certificates are good for still, and how often the next one was not to be had."""
    for keeper in keepers:
        side = _SIDES[keeper.purpose.name]
        span = keeper.current()
        ttl = Gauge(
            f"kubelet_certificate_manager_{side}_ttl_seconds",
            f"Seconds until the kubelet's {side} certificate expires, negative once it has; +Inf without one.",
        )
        ttl.put((span.end - clock.now()).total_seconds() if span else float("inf"))
        yield ttl
        name = "certificate_manager_client_expiration" if side == "client" else "server_expiration"
        errors = Counter(f"kubelet_{name}_renew_errors", "Counter of certificate renewal errors.")
        errors.add(by=keeper.failures)
        yield errors
