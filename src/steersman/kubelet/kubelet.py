"""One node's agent: takes the pods bound to its node, gives each a worker, watches the runtime, and cleans up after both."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Protocol

from steersman.api.clock import Clock
from steersman.api.errors import StatusError
from steersman.client.events import EventRecorder
from steersman.client.rest import Client
from steersman.client.waiting import wait_event
from steersman.kinds.types.core_v1 import Node, Pod, Service
from steersman.kubelet import admission
from steersman.kubelet.cgroups import Cgroups
from steersman.kubelet.dns_config import ClusterDNS, parse_resolv_conf
from steersman.kubelet.downward import NodeFacts
from steersman.kubelet.image_puller import ImagePuller
from steersman.kubelet.instruments import Instruments
from steersman.kubelet.logs import logged_pods, remove_logs
from steersman.kubelet.node_agent import NodeAgent
from steersman.kubelet.node_context import NodeContext
from steersman.kubelet.node_status import Machine
from steersman.kubelet.pleg import Pleg
from steersman.kubelet.pod_worker import PodWorker
from steersman.kubelet.runtime.protocol import Runtime
from steersman.kubelet.runtime.types import RuntimeCallError
from steersman.kubelet.settings import NodeSettings
from steersman.kubelet.sources import ObjectReader, TokenManager
from steersman.kubelet.status_manager import StatusManager
from steersman.kubelet.sysctls import Allowlist
from steersman.kubelet.volumes.certificates import PodCertificates
from steersman.kubelet.volumes.manager import VolumeManager
from steersman.kubelet.volumes.problem import VolumeError

_log = logging.getLogger(__name__)

# Between looks at the runtime for changes that nobody told of.
RELIST_SECONDS = 1.0
# The same while things happen: containers that start now may end soon, and others wait for their end.
EAGER_RELIST_SECONDS = 0.2
EAGER_SECONDS = 3.0
WORKER_RETRY_SECONDS = 2.0
# Leftovers of pods that the API does not know are looked for this often.
HOUSEKEEPING_SECONDS = 10.0


class PodSource(Protocol):
    """The pods bound to one node. Calls `on_change` with (old, new), one of them None at the ends of a pod's life."""

    def subscribe(self, on_change: Callable[[Pod | None, Pod | None], None]) -> None: ...

    def pods(self) -> Sequence[Pod]: ...

    async def wait_synced(self) -> None: ...


class Kubelet:
    """Contract: `run` never ends by itself and may be cancelled at any moment; containers go on, and the next `run` adopts
    them. Everything that must survive is in the API, in the runtime's labels, or below the node's root folder.
    """

    def __init__(
        self,
        settings: NodeSettings,
        client: Client,
        runtime: Runtime,
        clock: Clock,
        machine: Machine,
        pods: PodSource,
        services: Callable[[], Iterable[Service]],
        recorder: EventRecorder,
        instruments: Instruments | None = None,
    ) -> None:
        self.settings = settings
        self._client = client
        self._runtime = runtime
        self._clock = clock
        self._pods = pods
        self._recorder = recorder
        self.instruments = instruments or Instruments(clock)
        self._agent = NodeAgent(settings, client, runtime, clock, machine)
        self._pleg = Pleg(runtime)
        self._status = StatusManager(client, clock)
        self._sysctls = Allowlist.of(settings.allowed_unsafe_sysctls)
        self._workers: dict[str, PodWorker] = {}
        self._deletions: asyncio.Queue[Pod] = asyncio.Queue()
        self._context = self._make_context(services)
        self._group: asyncio.TaskGroup | None = None
        self._look = asyncio.Event()
        self._eager_until = 0.0
        # When the node was last looked over; the kubelet is stuck when that is long ago.
        self.looked_over = clock.monotonic()
        # Set when every pod of the node has its worker: before that, a pod that is not found may well be there.
        self.pods_known = asyncio.Event()

    def _make_context(self, services: Callable[[], Iterable[Service]]) -> NodeContext:
        settings, simulated = self.settings, self._runtime.simulated
        objects = ObjectReader(self._client, self._clock)
        node_dns = parse_resolv_conf("" if simulated else settings.resolv_conf.read_text())
        return NodeContext(
            clock=self._clock,
            runtime=self._runtime,
            runtime_name="fake" if simulated else "containerd",
            pleg=self._pleg,
            instruments=self.instruments,
            recorder=self._recorder,
            status=self._status,
            objects=objects,
            tokens=TokenManager(self._client, self._clock),
            certificates=PodCertificates(self._client, self._clock, self._recorder, self._identity),
            puller=ImagePuller(self._runtime, objects, self._clock, self.instruments.pulled),
            volumes=VolumeManager(settings.root),
            cgroups=None if simulated else Cgroups(settings.cgroup_root),
            dns=ClusterDNS(settings.cluster_dns, settings.cluster_domain, node_dns),
            logs_dir=settings.pod_logs,
            node_memory=settings.memory,
            facts=self._facts,
            services=services,
            node_hosts=_node_hosts,
            delete_pod=self._deletions.put_nowait,
        )

    @property
    def context(self) -> NodeContext:
        return self._context

    @property
    def registered(self) -> asyncio.Event:
        return self._agent.registered

    def find(self, namespace: str, name: str) -> PodWorker | None:
        """The worker of a pod by name, the one that is not gone first."""
        found = [
            w for w in self._workers.values() if (w.pod.metadata.namespace, w.pod.metadata.name) == (namespace, name)
        ]
        return min(found, key=lambda w: w.gone, default=None)

    def workers(self) -> Iterable[PodWorker]:
        return list(self._workers.values())

    def _facts(self) -> NodeFacts:
        node = self._agent.node
        allocatable = {k: str(v) for k, v in (node.status.allocatable or {}).items()} if node else {}
        return NodeFacts(self.settings.name, self.settings.ips, allocatable)

    def _identity(self) -> tuple[str, str]:
        """The node's name and uid."""
        node = self._agent.node
        return self.settings.name, node.metadata.uid if node else ""

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            self._group = group
            group.create_task(self._agent.run())
            group.create_task(self._status.run())
            group.create_task(self._delete_loop())
            await self._agent.registered.wait()
            await self._pods.wait_synced()
            if self._context.cgroups:
                await asyncio.to_thread(self._context.cgroups.ensure_roots)
            self._pods.subscribe(self._on_pod)
            self.pods_known.set()
            group.create_task(self._relist_loop())
            group.create_task(self._housekeeping_loop())

    # Pods.

    def _on_pod(self, old: Pod | None, new: Pod | None) -> None:
        if new is None:
            worker = self._workers.get(old.metadata.uid) if old else None
            if worker:
                worker.remove()
            return
        if old is not None and old.metadata.uid != new.metadata.uid and (stale := self._workers.get(old.metadata.uid)):
            stale.remove()
        worker = self._workers.get(new.metadata.uid)
        if worker is None:
            self._adopt(new)
        else:
            worker.update(new)

    def _adopt(self, pod: Pod) -> None:
        """Give the pod a worker; one that the node has no room for is looked at again with the node as it is now."""
        self._look_eagerly()
        self.instruments.pod_sizes.observe(len(pod.spec.containers))
        worker = PodWorker(self._context, pod)
        fresh = not pod.status.startTime and not pod.metadata.deletionTimestamp
        refusal = self._refusal(worker) if fresh else None
        self._workers[pod.metadata.uid] = worker
        if self._group is not None:
            self._group.create_task(self._reconsider(worker) if refusal else self._run_worker(worker))

    def _refusal(self, worker: PodWorker) -> admission.Refusal | None:
        """Why the pod may not run beside the others, as far as we know the node."""
        if self._agent.node is None:
            return None
        others = [w.pod for w in self._workers.values() if w.active and w is not worker]
        return admission.check(worker.pod, others, self._agent.node, self._sysctls)

    async def _reconsider(self, worker: PodWorker) -> None:
        """Refuse the pod for good, unless our picture of the node is old: others change its labels and capacity."""
        try:
            self._agent.observe(await self._client.get(Node, self.settings.name))
        except StatusError as error:
            _log.info("node %s cannot be read: %s", self.settings.name, error)
        refusal = self._refusal(worker)
        if refusal is not None:
            self.instruments.refused(refusal.reason)
            self._recorder.event(worker.pod, "Warning", refusal.reason, refusal.message)
            worker.reject(refusal.reason, f"Pod was rejected: {refusal.message}")
        await self._run_worker(worker)

    async def _run_worker(self, worker: PodWorker) -> None:
        """A worker that breaks begins again: other pods' workers do not hear of it."""
        while True:
            try:
                await worker.run()
                break
            except Exception:  # noqa: BLE001 - nothing a pod does may end its node
                _log.exception("worker of pod %s/%s", worker.pod.metadata.namespace, worker.pod.metadata.name)
            await self._clock.sleep(WORKER_RETRY_SECONDS)
        self._workers.pop(worker.uid, None)

    async def _delete_loop(self) -> None:
        """Tell the API that a pod is gone from the node."""
        while True:
            pod = await self._deletions.get()
            meta = pod.metadata
            try:
                await self._client.delete_seen(pod, grace=0)
            except StatusError as error:
                # The pod's worker asks again at its next turn.
                _log.info("pod %s/%s not deleted yet: %s", meta.namespace, meta.name, error)
                if worker := self._workers.get(meta.uid):
                    await self._clock.sleep(0.2)
                    worker.kick()

    # The runtime.

    async def _relist_loop(self) -> None:
        while True:
            if self._workers or self._pleg.known:
                try:
                    await self._relist()
                except RuntimeCallError as error:
                    _log.debug("relist: %s", error)
            self._look.clear()
            eager = self._clock.monotonic() < self._eager_until
            await wait_event(self._clock, self._look, EAGER_RELIST_SECONDS if eager else RELIST_SECONDS)

    def _look_eagerly(self) -> None:
        """Relist often for a while. Simulated containers end when it was said they would, and there may be very many."""
        if not self._runtime.simulated:
            now = self._clock.monotonic()
            if now >= self._eager_until:
                self._look.set()
            self._eager_until = now + EAGER_SECONDS

    async def _relist(self) -> None:
        """Look at the runtime, and have the workers of changed pods look too: each change is told only once."""
        with self.instruments.relisting():
            changed = await self._pleg.relist()
        for uid in changed:
            self._look_eagerly()
            if worker := self._workers.get(uid):
                worker.kick()

    async def _housekeeping_loop(self) -> None:
        while True:
            try:
                await self._relist()
                await self._remove_orphans()
            except (RuntimeCallError, VolumeError, OSError) as error:
                _log.info("housekeeping: %s", error)
            self.looked_over = self._clock.monotonic()
            await self._clock.sleep(HOUSEKEEPING_SECONDS)

    def _unknown(self, uids: Iterable[str]) -> set[str]:
        """Those pods that neither the API nor a worker knows now. Look for leftovers first, and ask this after."""
        return set(uids) - self._workers.keys() - {p.metadata.uid for p in self._pods.pods()}

    async def _remove_orphans(self) -> None:
        """Stop and remove what belongs to pods that the API no longer has: they were deleted while nobody looked."""
        for uid in self._unknown(self._pleg.known):
            self.instruments.orphans.add()
            state = await self._pleg.refresh(uid)
            for container in state.running:
                await self._runtime.stop_container(container.id, 2)
            for sandbox in state.sandboxes:
                await self._runtime.stop_pod_sandbox(sandbox.id)
                await self._runtime.remove_pod_sandbox(sandbox.id)
            for container in state.containers:
                await self._runtime.remove_container(container.id)
        if self._runtime.simulated:
            return
        for uid in self._unknown(self._context.volumes.known_pods()):
            try:
                await self._context.volumes.tear_down(uid)
            except VolumeError as error:
                # It is no reason to leave what others have left.
                _log.info("volumes of pod %s, which is gone: %s", uid, error)
        folder = Path(self.settings.pod_logs)
        for uid in self._unknown(await asyncio.to_thread(logged_pods, folder)):
            await asyncio.to_thread(remove_logs, folder, uid)
        if self._context.cgroups:
            for uid in self._unknown(await asyncio.to_thread(self._context.cgroups.known_pods)):
                await asyncio.to_thread(self._context.cgroups.remove_pod, uid)


def _node_hosts() -> str:
    with open("/etc/hosts") as file:
        return file.read()
