"""Ends pods that do not tolerate a NoExecute taint of their node, when their toleration runs out."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from steersman.api.errors import Conflict, NotFound
from steersman.api.meta import parse_time
from steersman.client.informer import key_of
from steersman.controller.declaration import Context, Controller, Watch, mapped
from steersman.controllers.disruption import mark
from steersman.controllers.nodelifecycle import by_node
from steersman.kinds.core.node_selection import NO_EXECUTE, tolerates
from steersman.kinds.types.core_v1 import Node, Pod, Taint


def seconds_left(pod: Pod, taints: Iterable[Taint], now: datetime) -> float | None:
    """How long the pod may stay on a node with these taints: 0 or less is no longer, None is as long as it likes."""
    left: list[float] = []
    for taint in taints:
        if taint.effect != NO_EXECUTE:
            continue
        covering = [t for t in pod.spec.tolerations or () if tolerates(t, taint)]
        if not covering:
            return 0.0
        limits = [t.tolerationSeconds for t in covering if t.tolerationSeconds is not None]
        if limits:
            left.append(max(0, min(limits)) - _on_tainted_node(pod, taint, now))
    return min(left, default=None)


def _on_tainted_node(pod: Pod, taint: Taint, now: datetime) -> float:
    """For how many seconds the pod has been there with the taint."""
    starts = [pod.metadata.creationTimestamp, taint.timeAdded]
    since = max((parse_time(s) for s in starts if s), default=now)
    return (now - since).total_seconds()


class TaintEviction:
    def __init__(self, context: Context) -> None:
        self._client, self._clock, self._recorder = context.client, context.clock, context.recorder
        self._nodes = context.informers.informer(Node)
        self._pods = context.informers.informer(Pod)
        self._pods.add_index("node", by_node)

    async def reconcile(self, key: str) -> float | None:
        pod = self._pods.get(key)
        if pod is None or not pod.spec.nodeName or pod.metadata.deletionTimestamp:
            return None
        node = self._nodes.get(pod.spec.nodeName)
        if node is None or not node.spec.taints:
            return None
        left = seconds_left(pod, node.spec.taints, self._clock.now())
        if left is None or left > 0:
            return left
        self._recorder.event(pod, "Normal", "TaintManagerEviction", f"Marking for deletion Pod {key}")
        try:
            text = "Taint manager: deleting due to NoExecute taint"
            await mark(self._client, self._clock, pod, "DeletionByTaintManager", text)
            await self._client.delete_seen(pod)
        except NotFound:
            return None
        except Conflict:
            # Changed meanwhile: judge it anew.
            return 0.1
        return None


def _pods_on(context: Context, node: Node) -> Iterable[str]:
    return [key_of(pod) for pod in context.informers.informer(Pod).by("node", node.metadata.name)]


def _no_execute(node: Node) -> list[Taint]:
    return [t for t in node.spec.taints or () if t.effect == NO_EXECUTE]


CONTROLLER = Controller(
    name="tainteviction",
    reconciler=TaintEviction,
    watches=(
        Watch(
            Pod,
            lambda _, pod: (key_of(pod),) if pod.spec.nodeName else (),
            lambda old, new: old.spec.nodeName != new.spec.nodeName or old.spec.tolerations != new.spec.tolerations,
        ),
        mapped(Node, _pods_on, lambda old, new: _no_execute(old) != _no_execute(new)),
    ),
    workers=4,
    component="taint-eviction-controller",
    account="node-controller",
)
