"""The scheduler's shell: follows pods and nodes, places pods one after the other, and binds them in the background."""

from __future__ import annotations

import asyncio
import logging

from steersman.api.clock import Clock
from steersman.api.errors import Conflict, NotFound, StatusError
from steersman.api.meta import format_time
from steersman.client.events import EventRecorder
from steersman.client.informer import Informer
from steersman.client.rest import Client
from steersman.kinds.core.pod_state import is_terminal
from steersman.kinds.types.core_v1 import Node, Pod
from steersman.scheduler.framework import Plugin, discover
from steersman.scheduler.node_table import NodeTable
from steersman.scheduler.placement import Placement, place
from steersman.scheduler.pod_info import describe
from steersman.scheduler.queue import QueuedPod, SchedulingQueue

# Bindings under way at once; more wait, and placing goes on.
MAX_BINDINGS = 64
# Placements between turns of the event loop, so that a long queue does not starve events and bindings.
_YIELD_EVERY = 16
# What a change of the cluster can help: a node's every plugin, that of a pod's needs or its end those for resources and ports.
_NODE_PLUGINS = frozenset(
    {"NodeUnschedulable", "NodeName", "TaintToleration", "NodeAffinity", "NodePorts", "NodeResourcesFit"}
)
_POD_PLUGINS = frozenset({"NodePorts", "NodeResourcesFit"})

_log = logging.getLogger(__name__)


class Scheduler:
    """Contract: each pod is placed on a table that has every placement before it, bound or not. A binding that the API
    refuses gives its room back and the pod is tried again. Pods that name another scheduler are never touched.
    """

    def __init__(
        self,
        client: Client,
        clock: Clock,
        recorder: EventRecorder,
        pods: Informer[Pod],
        nodes: Informer[Node],
        name: str = "default-scheduler",
        plugins: tuple[Plugin, ...] | None = None,
    ) -> None:
        self._client = client
        self._clock = clock
        self._recorder = recorder
        self._pods = pods
        self._nodes = nodes
        self._name = name
        self._plugins = discover() if plugins is None else plugins
        self._table = NodeTable()
        self._queue = SchedulingQueue(clock)
        self._assumed: dict[str, str] = {}
        self._slots = asyncio.Semaphore(MAX_BINDINGS)

    async def run(self) -> None:
        """Schedule until cancelled; the informers are run by whoever made them."""
        await self._nodes.wait_synced()
        await self._pods.wait_synced()
        self._nodes.subscribe(self._on_node)
        self._pods.subscribe(self._on_pod)
        placed = 0
        async with asyncio.TaskGroup() as group:
            while True:
                item = await self._queue.pop()
                try:
                    await self._schedule(item, group)
                except Exception:  # noqa: BLE001 - one odd pod must not keep all others from being placed
                    _log.exception("placing %s/%s", item.pod.metadata.namespace, item.pod.metadata.name)
                    self._undo(item)
                    self._queue.retry(item)
                placed += 1
                if placed % _YIELD_EVERY == 0:
                    await asyncio.sleep(0)

    # Events.

    def _on_node(self, old: Node | None, new: Node | None) -> None:
        if new is None:
            if old is not None:
                self._table.remove_node(old.metadata.name)
            return
        self._table.set_node(new)
        if old is None or _matters(old, new):
            self._queue.cluster_changed(_NODE_PLUGINS)

    def _on_pod(self, old: Pod | None, new: Pod | None) -> None:
        gone = new is None or (old is not None and old.metadata.uid != new.metadata.uid)
        if old is not None and gone:
            self._forget(old)
        if new is None:
            return
        if new.spec.nodeName:
            self._assumed.pop(new.metadata.uid, None)
            self._queue.remove(new.metadata.uid)
            if self._table.set_pod(new):
                self._queue.cluster_changed(_POD_PLUGINS)
        elif not self._is_ours(new):
            self._queue.remove(new.metadata.uid)
        elif new.metadata.uid not in self._assumed:
            self._queue.add(new)

    def _forget(self, pod: Pod) -> None:
        uid = pod.metadata.uid
        self._queue.remove(uid)
        self._assumed.pop(uid, None)
        counted = self._table.node_of(uid) is not None
        self._table.remove_pod(uid)
        if counted:
            self._queue.cluster_changed(_POD_PLUGINS)

    def _is_ours(self, pod: Pod) -> bool:
        return (
            pod.spec.schedulerName == self._name
            and not pod.metadata.deletionTimestamp
            and not pod.spec.schedulingGates
            and not is_terminal(pod)
        )

    # One pod.

    async def _schedule(self, item: QueuedPod, group: asyncio.TaskGroup) -> None:
        pod = item.pod
        if not self._is_ours(pod):
            return
        info = describe(pod)
        placement = place(info, self._table, self._plugins)
        if not placement.node:
            self._queue.park(item, placement.rejected_by)
            self._recorder.event(pod, "Warning", "FailedScheduling", placement.message)
            group.create_task(self._report_unschedulable(pod, placement))
            return
        self._table.assume(info, placement.node)
        self._table.placements[self._table.row_of[placement.node]] += 1
        self._assumed[pod.metadata.uid] = placement.node
        await self._slots.acquire()
        group.create_task(self._bind(item, placement.node))

    async def _bind(self, item: QueuedPod, node: str) -> None:
        meta = item.pod.metadata
        try:
            await self._client.bind(meta.namespace, meta.name, node, uid=meta.uid)
        except NotFound:
            self._undo(item)
            self._queue.remove(meta.uid)
        except StatusError as error:
            _log.info("binding %s/%s to %s failed: %s", meta.namespace, meta.name, node, error)
            self._undo(item)
            if isinstance(error, Conflict):
                # Somebody bound it first; the watch brings the truth.
                self._queue.remove(meta.uid)
            else:
                self._queue.retry(item)
        else:
            message = f"Successfully assigned {meta.namespace}/{meta.name} to {node}"
            self._recorder.event(item.pod, "Normal", "Scheduled", message)
        finally:
            self._slots.release()

    def _undo(self, item: QueuedPod) -> None:
        """Give the room back, unless the watch has shown meanwhile that the pod is bound after all."""
        uid = item.pod.metadata.uid
        if self._assumed.pop(uid, None) is not None:
            self._table.remove_pod(uid)

    async def _report_unschedulable(self, pod: Pod, placement: Placement) -> None:
        """Write the PodScheduled condition, once per message."""
        since = format_time(self._clock.now())
        for condition in pod.status.conditions or []:
            if condition.type == "PodScheduled" and condition.status == "False":
                if condition.message == placement.message:
                    return
                since = condition.lastTransitionTime
        meta = pod.metadata
        condition_body = {
            "type": "PodScheduled",
            "status": "False",
            "reason": "Unschedulable",
            "message": placement.message,
            "lastTransitionTime": since,
            "observedGeneration": meta.generation or 0,
        }
        body = {"metadata": {"uid": meta.uid}, "status": {"conditions": [condition_body]}}
        try:
            await self._client.patch(Pod, meta.name, body, meta.namespace, kind="strategic", subresource="status")
        except StatusError as error:
            _log.debug("condition of %s/%s not written: %s", meta.namespace, meta.name, error)


def _matters(old: Node, new: Node) -> bool:
    """Whether a node's change could let a waiting pod in."""
    return (
        old.spec.unschedulable != new.spec.unschedulable
        or old.spec.taints != new.spec.taints
        or old.metadata.labels != new.metadata.labels
        or old.status.allocatable != new.status.allocatable
    )
