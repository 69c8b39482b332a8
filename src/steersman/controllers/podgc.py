"""Removes pods that nobody looks after any more: of nodes that are gone, never scheduled and deleted, or too many finished."""

from __future__ import annotations

from collections.abc import Iterable

from steersman.api.errors import Conflict, NotFound
from steersman.client.informer import key_of
from steersman.controller.declaration import Context, Controller, mapped
from steersman.controllers.disruption import mark
from steersman.controllers.node_health import readiness
from steersman.controllers.nodelifecycle import by_node
from steersman.kinds.core.node_taints import OUT_OF_SERVICE
from steersman.kinds.core.pod_state import is_terminal
from steersman.kinds.types.core_v1 import Node, Pod


def finished(pod: Pod) -> Iterable[str]:
    """Index: `finished` for pods that have ended and are not being deleted."""
    return ("finished",) if is_terminal(pod) and not pod.metadata.deletionTimestamp else ()


class PodGC:
    def __init__(self, context: Context) -> None:
        self._client, self._clock, self._config = context.client, context.clock, context.config
        self._nodes = context.informers.informer(Node)
        self._pods = context.informers.informer(Pod)
        self._pods.add_index("node", by_node)
        self._pods.add_index("finished", finished)
        # When, by our clock, a node that pods are bound to was first missed.
        self._missed: dict[str, float] = {}

    async def reconcile(self, key: str) -> float | None:
        pod = self._pods.get(key)
        if pod is None:
            return None
        if is_terminal(pod):
            await self._limit()
        node = pod.spec.nodeName
        if not node:
            if pod.metadata.deletionTimestamp:
                await self._remove(pod, "PodGC: pod was deleted before it was scheduled")
            return None
        found = self._nodes.get(node)
        if found is None:
            return await self._orphaned(pod)
        self._missed.pop(node, None)
        if pod.metadata.deletionTimestamp and _out_of_service(found):
            await self._remove(pod, "PodGC: node is out of service")
        return None

    async def _orphaned(self, pod: Pod) -> float | None:
        """The pod's node is not known: wait a little, ask the server itself, then remove the pod."""
        node, now = pod.spec.nodeName, self._clock.monotonic()
        left = self._missed.setdefault(node, now) + self._config.node_quarantine - now
        if left > 0:
            return left
        try:
            await self._client.get(Node, node)
        except NotFound:
            await self._remove(pod, "PodGC: node no longer exists")
            if not self._pods.by("node", node):
                self._missed.pop(node, None)
        return None

    async def _remove(self, pod: Pod, why: str) -> None:
        """There is no kubelet to end the pod: it has failed, and is deleted at once."""
        try:
            await mark(self._client, self._clock, pod, "DeletionByPodGC", why, failed=True)
            await self._client.delete_seen(pod, grace=0)
        except NotFound:
            return

    async def _limit(self) -> None:
        """Delete the oldest finished pods beyond the threshold."""
        threshold = self._config.terminated_pod_threshold
        done = self._pods.by("finished", "finished")
        if threshold <= 0 or len(done) <= threshold:
            return
        done.sort(key=lambda pod: (pod.metadata.creationTimestamp, pod.metadata.name))
        for pod in done[: len(done) - threshold]:
            try:
                await self._client.delete_seen(pod, grace=0)
            except Conflict:
                # Another one has its name.
                continue


def _out_of_service(node: Node) -> bool:
    return readiness(node) != "True" and any(t.key == OUT_OF_SERVICE for t in node.spec.taints or ())


def _concerns(_: Context, pod: Pod) -> Iterable[str]:
    """Pods that run where they should are nobody's concern here until their node goes, but a look is cheap."""
    return (key_of(pod),)


def _changed(old: Pod, new: Pod) -> bool:
    return (old.spec.nodeName, bool(old.metadata.deletionTimestamp), is_terminal(old)) != (
        new.spec.nodeName,
        bool(new.metadata.deletionTimestamp),
        is_terminal(new),
    )


def _pods_on(context: Context, node: Node) -> Iterable[str]:
    return [key_of(pod) for pod in context.informers.informer(Pod).by("node", node.metadata.name)]


def _node_changed(old: Node, new: Node) -> bool:
    return old.metadata.uid != new.metadata.uid or _out_of_service(old) != _out_of_service(new)


CONTROLLER = Controller(
    name="podgc",
    reconciler=PodGC,
    watches=(mapped(Pod, _concerns, _changed), mapped(Node, _pods_on, _node_changed)),
    component="pod-garbage-collector",
    account="pod-garbage-collector",
)
