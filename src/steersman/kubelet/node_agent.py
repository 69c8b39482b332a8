"""Keeps the node's object alive: registers it, reports its status, and renews its Lease."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from steersman.api.clock import Clock
from steersman.api.codec import to_builtins
from steersman.api.errors import AlreadyExists, Conflict, NotFound, StatusError
from steersman.api.meta import format_micro_time
from steersman.client.rest import Client
from steersman.client.waiting import Backoff
from steersman.kinds.types.coordination_v1 import Lease, LeaseSpec
from steersman.kinds.types.core_v1 import Node
from steersman.kinds.types.meta_v1 import ObjectMeta, OwnerReference
from steersman.kubelet import machine
from steersman.kubelet.node_status import (
    Machine,
    NodeSnapshot,
    compute_node_status,
    default_labels,
    new_node,
    worth_writing,
)
from steersman.kubelet.runtime.protocol import Runtime
from steersman.kubelet.runtime.types import RuntimeCallError
from steersman.kubelet.settings import NodeSettings

LEASE_NAMESPACE = "kube-node-lease"
# A status without news is written this often all the same, for readers that look at heartbeats.
REPORT_SECONDS = 300.0
# While the node is not ready, or has just started, it looks at itself this often.
EAGER_SECONDS = 0.25

_log = logging.getLogger(__name__)


class NodeAgent:
    """Contract: `node` is the newest version of the object that this agent wrote or read; None until registered."""

    def __init__(self, settings: NodeSettings, client: Client, runtime: Runtime, clock: Clock, facts: Machine) -> None:
        self._settings = settings
        self._client = client
        self._runtime = runtime
        self._clock = clock
        self._facts = facts
        self._reported_at = 0.0
        self._silent_since: float | None = None
        self.node: Node | None = None
        self.registered = asyncio.Event()
        self.on_change: Callable[[], None] = lambda: None

    async def run(self) -> None:
        await self._register()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._status_loop())
            group.create_task(self._lease_loop())

    async def _snapshot(self) -> NodeSnapshot:
        version = status = None
        images: Any = ()
        problem = ""
        now = self._clock.monotonic()
        try:
            version, status, images = await asyncio.gather(
                self._runtime.version(), self._runtime.status(), self._runtime.list_images()
            )
        except RuntimeCallError as error:
            problem = f"container runtime is down: {error.message}"
            self._silent_since = now if self._silent_since is None else self._silent_since
        else:
            self._silent_since = None
        silent_for = 0.0 if self._silent_since is None else now - self._silent_since
        if self._runtime.simulated:
            return NodeSnapshot(
                self._clock.now(), self._facts, version, status, images, problem=problem, silent_for=silent_for
            )
        self._settings.root.mkdir(parents=True, exist_ok=True)
        _, free = machine.disk(self._settings.root)
        return NodeSnapshot(
            self._clock.now(),
            self._facts,
            version,
            status,
            images,
            machine.memory_available(),
            free,
            problem,
            silent_for,
        )

    async def _register(self) -> None:
        """Create the node's object, or take over the one of an earlier life."""
        backoff = Backoff(0.05, 5.0)
        while True:
            try:
                self.node = await self._create_or_adopt()
                self._reported_at = self._clock.monotonic()
                self.registered.set()
                self.on_change()
                return
            except StatusError as error:
                _log.info("node %s is not registered yet: %s", self._settings.name, error)
            await self._clock.sleep(backoff.next())

    async def _create_or_adopt(self) -> Node:
        snapshot = await self._snapshot()
        try:
            return await self._client.create(new_node(self._settings, snapshot))
        except AlreadyExists:
            known = await self._client.get(Node, self._settings.name)
        labels = default_labels(self._settings, snapshot.machine)
        have = known.metadata.labels or {}
        if any(have.get(key) != value for key, value in labels.items()):
            body = {"metadata": {"labels": dict(labels)}}
            known = await self._client.patch(Node, self._settings.name, body, kind="merge")
        return await self._write_status(known, snapshot)

    async def _write_status(self, node: Node, snapshot: NodeSnapshot) -> Node:
        status = compute_node_status(self._settings, snapshot, node.status)
        body = {"metadata": {"uid": node.metadata.uid}, "status": _status_body(node, to_builtins(status))}
        self._reported_at = self._clock.monotonic()
        return await self._client.patch(Node, node.metadata.name, body, kind="merge", subresource="status")

    async def _status_loop(self) -> None:
        while True:
            await self._clock.sleep(self._settings.status_period if self._ready() else EAGER_SECONDS)
            try:
                await self._report()
            except NotFound:
                _log.warning("node %s was deleted: registering it again", self._settings.name)
                await self._register()
            except (StatusError, Conflict) as error:
                _log.info("status of node %s not written: %s", self._settings.name, error)

    def _ready(self) -> bool:
        conditions = (self.node.status.conditions or []) if self.node else []
        return any(c.type == "Ready" and c.status == "True" for c in conditions)

    async def _report(self) -> None:
        """Write the status when it has news, or when the last report is old."""
        if self.node is None:
            return
        snapshot = await self._snapshot()
        status = compute_node_status(self._settings, snapshot, self.node.status)
        due = self._clock.monotonic() - self._reported_at >= REPORT_SECONDS
        if not due and not worth_writing(self.node.status, status):
            return
        current = await self._client.get(Node, self._settings.name)
        self.node = await self._write_status(current, snapshot)
        self.on_change()

    def observe(self, node: Node) -> None:
        """Take the API's view of the node: capacity that others added, for instance."""
        self.node = node

    async def _lease_loop(self) -> None:
        """Renew the Lease four times in its life; what fails is tried again soon."""
        lease: Lease | None = None
        while True:
            pause = self._settings.lease_seconds / 4
            try:
                lease = await self._renew(lease)
            except NotFound:
                lease, pause = None, 1.0
            except StatusError as error:
                _log.info("lease of node %s not renewed: %s", self._settings.name, error)
                lease, pause = None, min(2.0, pause)
            await self._clock.sleep(pause)

    async def _renew(self, lease: Lease | None) -> Lease:
        name = self._settings.name
        stamp = format_micro_time(self._clock.now())
        if lease is None:
            spec = LeaseSpec(
                holderIdentity=name, leaseDurationSeconds=round(self._settings.lease_seconds), renewTime=stamp
            )
            owner = OwnerReference(
                apiVersion="v1", kind="Node", name=name, uid=self.node.metadata.uid if self.node else ""
            )
            meta = ObjectMeta(name=name, namespace=LEASE_NAMESPACE, ownerReferences=[owner])
            try:
                return await self._client.create(Lease(metadata=meta, spec=spec))
            except AlreadyExists:
                lease = await self._client.get(Lease, name, LEASE_NAMESPACE)
        lease.spec.holderIdentity, lease.spec.renewTime = name, stamp
        return await self._client.update(lease)


def _status_body(node: Node, status: dict[str, Any]) -> dict[str, Any]:
    """A merge patch to the new status: resources that are gone are taken away."""
    old = to_builtins(node.status)
    for key in ("capacity", "allocatable"):
        gone = set(old.get(key, {})) - set(status.get(key, {}))
        status[key] = {**status.get(key, {}), **dict.fromkeys(gone)}
    return status
