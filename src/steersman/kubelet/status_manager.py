"""Writes pods' statuses to the API: only what changed, in the background, so that no worker waits for the API server."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from steersman.api.clock import Clock
from steersman.api.codec import to_builtins
from steersman.api.errors import NotFound, StatusError
from steersman.client.rest import Client
from steersman.client.waiting import Backoff
from steersman.kinds.types.core_v1 import Pod, PodStatus
from steersman.kubelet.pod_status import OWN_CONDITIONS

_log = logging.getLogger(__name__)

# Lists that strategic merge would join by key, while the kubelet's word is the whole truth.
_REPLACED = ("podIPs", "hostIPs")


def status_patch(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """A strategic merge patch of a status: changed members, null for members that are gone; empty when equal.

    Conditions that are not the kubelet's are left to those who set them.
    """
    patch: dict[str, Any] = {key: None for key in old if key not in new and key != "conditions"}
    for key, value in new.items():
        before = old.get(key)
        if before == value:
            continue
        if key == "conditions":
            known = {c["type"]: c for c in before or []}
            own = [c for c in value if c["type"] in OWN_CONDITIONS and known.get(c["type"]) != c]
            if own:
                patch[key] = [_condition_patch(known.get(c["type"], {}), c) for c in own]
        elif key in _REPLACED:
            patch[key] = [{"$patch": "replace"}, *value]
        else:
            patch[key] = value
    return patch


def _condition_patch(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    return {**{key: None for key in old if key not in new}, **new}


class StatusManager:
    """Holds the newest status of each pod of a node and brings the API to it.

    A status that was set is what `get` answers from then on, written or not. Writes of one pod are in order; a status that
    is superseded before it was written is never written.
    """

    def __init__(self, client: Client, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._wanted: dict[str, tuple[Pod, PodStatus]] = {}
        # What the API has, as of which resourceVersion.
        self._known: dict[str, tuple[int, dict[str, Any]]] = {}
        self._dirty: dict[str, None] = {}
        self._wake = asyncio.Event()
        self._written = asyncio.Condition()

    def get(self, uid: str) -> PodStatus | None:
        entry = self._wanted.get(uid)
        return entry[1] if entry else None

    def set(self, pod: Pod, status: PodStatus) -> None:
        uid = pod.metadata.uid
        before = self._wanted.get(uid)
        self._wanted[uid] = (pod, status)
        if uid not in self._known:
            self._known[uid] = (_version(pod), to_builtins(pod.status))
        if before is None or before[1] != status:
            self._dirty[uid] = None
            self._wake.set()

    def observe(self, pod: Pod) -> None:
        """Take the API's view of a pod: what the next patch is made against, unless a write of ours was answered since.

        Where somebody else changed what the kubelet says of the pod, it says it again.
        """
        uid = pod.metadata.uid
        if uid not in self._known or not self._learn(uid, pod) or uid not in self._wanted:
            return
        status = self._wanted[uid][1]
        self._wanted[uid] = (pod, status)
        if uid not in self._dirty and status_patch(self._known[uid][1], to_builtins(status)):
            self._dirty[uid] = None
            self._wake.set()

    def _learn(self, uid: str, pod: Pod) -> bool:
        """Whether the pod is as new as what was known of it; then it is known."""
        version = _version(pod)
        if version < self._known[uid][0]:
            return False
        self._known[uid] = (version, to_builtins(pod.status))
        return True

    def forget(self, uid: str) -> None:
        self._wanted.pop(uid, None)
        self._known.pop(uid, None)
        self._dirty.pop(uid, None)

    async def wait_written(self, uid: str) -> None:
        """Until the newest status of the pod is in the API (or the pod is gone)."""
        async with self._written:
            await self._written.wait_for(lambda: uid not in self._dirty)

    async def run(self) -> None:
        backoff = Backoff(0.2, 5.0)
        while True:
            await self._wake.wait()
            self._wake.clear()
            if await self._write_all():
                backoff.reset()
            else:
                await self._clock.sleep(backoff.next())
                self._wake.set()

    async def _write_all(self) -> bool:
        """Write everything that is due; False when the API server could not be reached.

        A status that is set meanwhile has woken the loop again.
        """
        fine = True
        for uid in list(self._dirty):
            entry = self._wanted.get(uid)
            if entry is not None and not await self._write(uid, *entry):
                fine = False
                continue
            now = self._wanted.get(uid)
            if entry is None or now is None or now[1] is entry[1]:
                self._dirty.pop(uid, None)
            async with self._written:
                self._written.notify_all()
        return fine

    async def _write(self, uid: str, pod: Pod, status: PodStatus) -> bool:
        new = to_builtins(status)
        patch = status_patch(self._known[uid][1] if uid in self._known else {}, new)
        if not patch:
            return True
        meta = pod.metadata
        body = {"metadata": {"uid": uid}, "status": patch}
        try:
            stored = await self._client.patch(
                Pod, meta.name, body, meta.namespace, kind="strategic", subresource="status"
            )
        except NotFound:
            return True
        except StatusError as error:
            if error.code in (409, 422):
                # Another pod has the name by now, or the API's own rules refuse it: repeating would not help.
                _log.warning("status of pod %s/%s refused: %s", meta.namespace, meta.name, error)
                return True
            _log.debug("status of pod %s/%s not written: %s", meta.namespace, meta.name, error)
            return False
        if uid in self._known:
            self._learn(uid, stored)
        return True


def _version(pod: Pod) -> int:
    """Resource versions come from one counter; a pod that was never stored is older than all."""
    return int(pod.metadata.resourceVersion or 0)
