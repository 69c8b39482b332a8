"""Notices nodes that are not heard of any more: makes their conditions Unknown, taints them, and marks their pods not ready."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from steersman.api import codec
from steersman.api.errors import Conflict, NotFound
from steersman.api.meta import format_time
from steersman.controller.declaration import Context, Controller, own, read
from steersman.controllers import node_health
from steersman.controllers.node_health import READY, readiness
from steersman.kinds.core.node_selection import NO_EXECUTE
from steersman.kinds.core.pod_state import condition as pod_condition
from steersman.kinds.types.coordination_v1 import Lease
from steersman.kinds.types.core_v1 import Node, Pod, Taint

LEASES = "kube-node-lease"
LEASE_FIELDS = f"metadata.namespace={LEASES}"
# How soon a node is looked at again whose eviction must wait for other nodes; seconds.
AGAIN = 10.0


@dataclass(slots=True)
class _Heard:
    """When, by our clock, the node last said something, and what: so that clocks of machines are never compared."""

    at: float
    said: tuple[str, ...]


def by_node(pod: Pod) -> Iterable[str]:
    """Index: the name of the pod's node."""
    return (pod.spec.nodeName,) if pod.spec.nodeName else ()


class NodeLifecycle:
    def __init__(self, context: Context) -> None:
        self._client, self._clock = context.client, context.clock
        self._recorder, self._config = context.recorder, context.config
        self._nodes = context.informers.informer(Node)
        self._pods = context.informers.informer(Pod)
        self._pods.add_index("node", by_node)
        self._leases = context.informers.informer(Lease, fields=LEASE_FIELDS)
        self._heard: dict[str, _Heard] = {}
        self._ready: dict[str, str] = {}
        self._next_eviction = float("-inf")
        # A lease is renewed every few seconds: that needs no reconcile, only to be remembered.
        self._leases.subscribe(lambda old, new: self._hear(new.metadata.name) if new is not None else None)

    async def reconcile(self, key: str) -> float | None:
        node = self._nodes.get(key)
        if node is None:
            self._heard.pop(key, None)
            self._ready.pop(key, None)
            return None
        self._hear(key)
        left = self._heard[key].at + self._grace(node) - self._clock.monotonic()
        if left <= 0:
            node = await self._lose(node)
        await self._tell_pods(node)
        again = await self._taint(node)
        return min((s for s in (left if left > 0 else None, again) if s is not None), default=None)

    def _grace(self, node: Node) -> float:
        known = node_health.condition(node, READY) is not None
        return self._config.node_grace if known else self._config.node_startup_grace

    def _hear(self, name: str) -> None:
        """Remember the present if the node has said something new since we last looked."""
        node, lease = self._nodes.get(name), self._leases.get(f"{LEASES}/{name}")
        if node is None:
            return
        conditions = [c.lastHeartbeatTime for c in node.status.conditions or () if c.status != "Unknown"]
        said = (node.metadata.uid, lease.spec.renewTime if lease is not None else "", *conditions)
        known = self._heard.get(name)
        if known is None:
            self._heard[name] = _Heard(self._clock.monotonic(), said)
        elif said != known.said:
            # That we ourselves made conditions Unknown is no news of the node.
            if set(said) - set(known.said):
                known.at = self._clock.monotonic()
            known.said = said

    async def _lose(self, node: Node) -> Node:
        conditions = node_health.lost(node, self._clock.now())
        if conditions is None:
            return node
        changed = codec.clone(node)
        changed.status.conditions = conditions
        return await self._client.update_status(changed)

    async def _taint(self, node: Node) -> float | None:
        """Make the node's taints follow its conditions; seconds to wait when its turn to be given up has not come."""
        now = self._clock.now()
        evict = self._may_evict(node)
        wanted = node_health.taints(node, now, evict=evict)
        if wanted != (node.spec.taints or []):
            body = {"metadata": {"resourceVersion": node.metadata.resourceVersion}, "spec": {"taints": wanted or None}}
            await self._client.patch(Node, node.metadata.name, body)
            if _gives_up(wanted) and not _gives_up(node.spec.taints or []):
                # The next node's turn comes later.
                self._next_eviction = self._clock.monotonic() + 1 / max(self._rate(), 1e-6)
        unhealthy = readiness(node) in ("False", "Unknown")
        return AGAIN if unhealthy and not _gives_up(wanted) else None

    def _may_evict(self, node: Node) -> bool:
        """Whether this node's pods may be given up now."""
        if readiness(node) == "True" or _gives_up(node.spec.taints or []):
            return True
        return self._rate() > 0 and self._clock.monotonic() >= self._next_eviction

    def _rate(self) -> float:
        return node_health.eviction_rate(self._nodes.items(), self._config.eviction_rate)

    async def _tell_pods(self, node: Node) -> None:
        """When a node stops being ready its pods do too, so that no Service sends anything there."""
        name, now_ready = node.metadata.name, readiness(node)
        before = self._ready.get(name)
        if now_ready != "True" and before in (None, "True"):
            if before == "True":
                text = f"Node {name} status is now: NodeNotReady"
                self._recorder.event(node, "Normal", "NodeNotReady", text)
            for pod in self._pods.by("node", name):
                await self._mark(pod)
        self._ready[name] = now_ready

    async def _mark(self, pod: Pod) -> None:
        ready = pod_condition(pod, READY)
        if ready is None or ready.status != "True":
            return
        changed = codec.clone(pod)
        for condition in changed.status.conditions or ():
            if condition.type == READY:
                condition.status = "False"
                condition.lastTransitionTime = format_time(self._clock.now())
        try:
            await self._client.update_status(changed)
        except (NotFound, Conflict):
            # Gone, or changed by a kubelet that lives after all.
            return
        self._recorder.event(pod, "Warning", "NodeNotReady", "Node is not ready")


def _gives_up(taints: list[Taint]) -> bool:
    """Whether one of our taints drives pods away."""
    return any(t.effect == NO_EXECUTE and node_health.is_ours(t) for t in taints)


CONTROLLER = Controller(
    name="nodelifecycle",
    reconciler=NodeLifecycle,
    watches=(own(Node), read(Pod), read(Lease, LEASE_FIELDS)),
    component="node-controller",
    account="node-controller",
)
