"""The pod lifecycle event generator: looks at the runtime, and says which pods' containers changed."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable

from steersman.kubelet.pod_state import POD_UID, PodState, order_newest_first
from steersman.kubelet.runtime.protocol import Runtime
from steersman.kubelet.runtime.types import (
    Container,
    ContainerStatus,
    PodSandbox,
    PodSandboxStatus,
    RuntimeCallError,
)

_Fingerprint = frozenset[tuple[str, int]]


class Pleg:
    """Relists the runtime cheaply (two calls) and asks for details of a pod only when it changed.

    Staleness: `state` is as of the last `refresh` of that pod; `relist` returns the pods to refresh.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._seen: dict[str, _Fingerprint] = {}

    async def relist(self) -> set[str]:
        """Uids of pods whose sandboxes or containers differ from the last look, gone ones included."""
        sandboxes, containers = await asyncio.gather(
            self._runtime.list_pod_sandboxes(), self._runtime.list_containers()
        )
        now = _fingerprints(sandboxes, containers)
        changed = {uid for uid in now.keys() | self._seen.keys() if now.get(uid) != self._seen.get(uid)}
        self._seen = now
        return changed

    @property
    def known(self) -> set[str]:
        """Uids of the pods that the runtime had at the last look."""
        return set(self._seen)

    async def refresh(self, uid: str) -> PodState:
        """Everything the runtime has of one pod now."""
        labels = {POD_UID: uid}
        sandboxes, containers = await asyncio.gather(
            self._runtime.list_pod_sandboxes(labels=labels), self._runtime.list_containers(labels=labels)
        )
        sandbox_details = await asyncio.gather(*(self._sandbox(s.id) for s in sandboxes))
        details = await asyncio.gather(*(self._container(c.id) for c in containers))
        sandbox_of = {c.id: c.pod_sandbox_id for c in containers}
        return order_newest_first(uid, [s for s in sandbox_details if s], [c for c in details if c], sandbox_of)

    async def _sandbox(self, id_: str) -> PodSandboxStatus | None:
        try:
            return await self._runtime.pod_sandbox_status(id_)
        except RuntimeCallError as error:
            if error.not_found:
                return None
            raise

    async def _container(self, id_: str) -> ContainerStatus | None:
        try:
            return await self._runtime.container_status(id_)
        except RuntimeCallError as error:
            if error.not_found:
                return None
            raise


def _fingerprints(sandboxes: Iterable[PodSandbox], containers: Iterable[Container]) -> dict[str, _Fingerprint]:
    found: defaultdict[str, set[tuple[str, int]]] = defaultdict(set)
    uid_of = {}
    for sandbox in sandboxes:
        uid_of[sandbox.id] = sandbox.uid
        found[sandbox.uid].add((sandbox.id, int(sandbox.state)))
    for container in containers:
        uid = container.labels.get(POD_UID) or uid_of.get(container.pod_sandbox_id)
        if uid:
            found[uid].add((container.id, int(container.state)))
    return {uid: frozenset(states) for uid, states in found.items()}
