"""The scheduling queue: pods to place now by priority, pods that back off, and pods that wait for the cluster to change."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field

from steersman.api.clock import Clock
from steersman.client.waiting import wait_event
from steersman.kinds.types.core_v1 import Pod

FIRST_BACKOFF, LONGEST_BACKOFF = 1.0, 10.0
# A pod that nothing has moved for this long is tried again all the same.
FLUSH_SECONDS = 300.0
# How often such pods are looked for, and the longest that `pop` sleeps.
LOOK_SECONDS = 30.0


@dataclass(slots=True)
class QueuedPod:
    """A pending pod. `since` and `parked_at` are monotonic seconds; `rejected_by` names the plugins that found no node;
    `events_at_pop` says how many changes of the cluster the try that is under way has seen."""

    pod: Pod
    since: float
    attempts: int = 0
    rejected_by: frozenset[str] = frozenset()
    parked_at: float = 0.0
    events_at_pop: int = 0


@dataclass(order=True, slots=True)
class _Entry:
    order: tuple[int, float, int]
    item: QueuedPod = field(compare=False)


class SchedulingQueue:
    """Contract: a pod (by uid) is in one place at a time: active, backing off, parked as unschedulable, or popped.

    `pop` hands out by priority, then by the time the pod came. Methods but `pop` are synchronous.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._order = itertools.count()
        self._active: list[_Entry] = []
        self._backing_off: list[tuple[float, int, QueuedPod]] = []
        self._parked: dict[str, QueuedPod] = {}
        self._known: dict[str, QueuedPod] = {}
        self._wake = asyncio.Event()
        # Counts changes of the cluster, so that a pod tried while one happened is not parked for good.
        self._events = 0
        self._look_at = clock.monotonic() + LOOK_SECONDS

    def __len__(self) -> int:
        return len(self._known)

    @property
    def parked(self) -> Iterable[QueuedPod]:
        return self._parked.values()

    def add(self, pod: Pod) -> None:
        """A pending pod appeared or changed."""
        uid = pod.metadata.uid
        known = self._known.get(uid)
        if known is None:
            self._known[uid] = item = QueuedPod(pod, self._clock.monotonic())
            self._activate(item)
            return
        changed = known.pod.spec != pod.spec or known.pod.metadata.labels != pod.metadata.labels
        known.pod = pod
        if changed and uid in self._parked:
            self._release(uid)

    def remove(self, uid: str) -> None:
        """The pod is bound or gone. Entries of it that are still queued are passed over."""
        self._known.pop(uid, None)
        self._parked.pop(uid, None)

    def cluster_changed(self, plugins: frozenset[str]) -> None:
        """Something changed that could make pods schedulable which those plugins ruled out."""
        self._events += 1
        for uid in [u for u, p in self._parked.items() if not p.rejected_by or p.rejected_by & plugins]:
            self._release(uid)

    def park(self, item: QueuedPod, rejected_by: frozenset[str]) -> None:
        """No node fits: wait for a change, or back off when one came while the pod was being tried."""
        uid = item.pod.metadata.uid
        if uid not in self._known:
            return
        item.rejected_by = rejected_by
        item.parked_at = self._clock.monotonic()
        if item.events_at_pop != self._events:
            self._back_off(item)
        else:
            self._parked[uid] = item

    def retry(self, item: QueuedPod) -> None:
        """The try itself failed (a binding was refused): again after the back-off."""
        item.parked_at = self._clock.monotonic()
        if item.pod.metadata.uid in self._known:
            self._back_off(item)

    async def pop(self) -> QueuedPod:
        """The next pod to place; waits until there is one."""
        while True:
            self._settle()
            while self._active:
                item = heapq.heappop(self._active).item
                if self._known.get(item.pod.metadata.uid) is item:
                    item.attempts += 1
                    item.events_at_pop = self._events
                    return item
            self._wake.clear()
            await wait_event(self._clock, self._wake, self._next_deadline())

    def _next_deadline(self) -> float:
        if not self._backing_off:
            return LOOK_SECONDS
        return min(LOOK_SECONDS, max(0.0, self._backing_off[0][0] - self._clock.monotonic()))

    def _settle(self) -> None:
        """Move pods whose back-off is over, and those parked for too long, to the active queue."""
        now = self._clock.monotonic()
        while self._backing_off and self._backing_off[0][0] <= now:
            self._activate(heapq.heappop(self._backing_off)[2])
        if now < self._look_at:
            return
        self._look_at = now + LOOK_SECONDS
        for uid in [u for u, p in self._parked.items() if now - p.parked_at >= FLUSH_SECONDS]:
            self._release(uid)

    def _release(self, uid: str) -> None:
        self._back_off(self._parked.pop(uid))

    def _back_off(self, item: QueuedPod) -> None:
        delay = min(FIRST_BACKOFF * 2 ** max(0, item.attempts - 1), LONGEST_BACKOFF)
        until = item.parked_at + delay
        if until <= self._clock.monotonic():
            self._activate(item)
            return
        heapq.heappush(self._backing_off, (until, next(self._order), item))
        self._wake.set()

    def _activate(self, item: QueuedPod) -> None:
        priority = item.pod.spec.priority or 0
        heapq.heappush(self._active, _Entry((-priority, item.since, next(self._order)), item))
        self._wake.set()
