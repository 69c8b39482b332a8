"""How much history a store keeps: a policy by age and count, and the task that follows it."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable

from msgspec import Struct

from steersman.api.clock import Clock
from steersman.store.errors import CommitFailed
from steersman.store.protocol import Store

log = logging.getLogger(__name__)


class Policy(Struct, frozen=True):
    """What may be forgotten.

    A write is kept for `keep_seconds`, unless more than `keep_events` came after it. Clients resume
    watches and page through lists within that: Kubernetes gives them five to ten minutes, and clients wait
    no longer for a token to expire. `interval` is the time between two compactions, seconds.
    """

    keep_seconds: float = 300.0
    keep_events: int = 100_000
    interval: float = 60.0


class Mark(Struct, frozen=True):
    """The newest revision at a moment of the monotonic clock, seconds."""

    time: float
    revision: int


def plan(marks: Iterable[Mark], now: float, revision: int, policy: Policy) -> int:
    """The revision to compact to, given past marks and the newest revision; 0 for nothing to forget."""
    old = [mark.revision for mark in marks if mark.time <= now - policy.keep_seconds]
    return max(0, revision - policy.keep_events, *old)


async def keep_compacted(store: Store, clock: Clock, policy: Policy) -> None:
    """Compacts at the policy's interval until it is cancelled. What the disk refuses is tried again next time."""
    marks: deque[Mark] = deque()
    while True:
        now = clock.monotonic()
        marks.append(Mark(now, store.revision))
        target = plan(marks, now, store.revision, policy)
        while marks and marks[0].revision <= target:
            marks.popleft()
        if target > store.compacted:
            try:
                await store.compact(target)
            except CommitFailed as error:
                log.warning("%s; trying again in %d s", error, policy.interval)
        await clock.sleep(policy.interval)
