"""Which pods a node has: from an informer of its own, or, for many nodes in one process, from a shared one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

from steersman.client.informer import Informer
from steersman.kinds.types.core_v1 import Pod

OnChange = Callable[[Pod | None, Pod | None], None]
_BY_NODE = "node"


class NodePods:
    """The pods of an informer that already selects one node's (`spec.nodeName=…`)."""

    def __init__(self, informer: Informer[Pod]) -> None:
        self._informer = informer

    def subscribe(self, on_change: OnChange) -> None:
        self._informer.subscribe(on_change)

    def pods(self) -> Sequence[Pod]:
        return self._informer.items()

    async def wait_synced(self) -> None:
        await self._informer.wait_synced()


class SharedPods:
    """Hands the pods of one informer out to many nodes, so that a thousand nodes cost one watch."""

    def __init__(self, informer: Informer[Pod]) -> None:
        self._informer = informer
        self._subscribers: defaultdict[str, list[OnChange]] = defaultdict(list)
        informer.add_index(_BY_NODE, lambda pod: [pod.spec.nodeName] if pod.spec.nodeName else [])
        informer.subscribe(self._dispatch)

    def for_node(self, name: str) -> _OneOfMany:
        return _OneOfMany(self, name)

    def _dispatch(self, old: Pod | None, new: Pod | None) -> None:
        before = old.spec.nodeName if old else ""
        after = new.spec.nodeName if new else ""
        if before == after or not before:
            same = old if before else None
            for tell in self._subscribers.get(after or before, ()):
                tell(same, new)
            return
        for tell in self._subscribers.get(before, ()):
            tell(old, None)
        for tell in self._subscribers.get(after, ()):
            tell(None, new)

    def subscribe(self, node: str, on_change: OnChange) -> None:
        self._subscribers[node].append(on_change)
        for pod in self.pods(node):
            on_change(None, pod)

    def pods(self, node: str) -> Sequence[Pod]:
        return self._informer.by(_BY_NODE, node)

    async def wait_synced(self) -> None:
        await self._informer.wait_synced()


class _OneOfMany:
    """One node's view of the shared pods."""

    def __init__(self, shared: SharedPods, node: str) -> None:
        self._shared = shared
        self._node = node

    def subscribe(self, on_change: OnChange) -> None:
        self._shared.subscribe(self._node, on_change)

    def pods(self) -> Sequence[Pod]:
        return self._shared.pods(self._node)

    async def wait_synced(self) -> None:
        await self._shared.wait_synced()
