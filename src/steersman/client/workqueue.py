"""The queue of keys between informers and workers: deduplicated, one worker per key at a time, with delays and back-off."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections import deque
from collections.abc import Hashable
from typing import Generic, TypeVar

from steersman.api.clock import Clock
from steersman.client.waiting import wait_event

K = TypeVar("K", bound=Hashable)

# An item's n-th failure delays it by FIRST * 2**(n-1) seconds, up to LONGEST.
FIRST_BACKOFF = 0.005
LONGEST_BACKOFF = 1000.0
# Deadlines nearer than this are due: clocks and timers are not more exact, and a rest of nanoseconds would spin.
_TOLERANCE = 1e-4


class WorkQueue(Generic[K]):
    """A set of keys that want work, handed out in the order they were added.

    * A key that is added several times before it is taken is taken once.
    * A key that is taken is not handed out again before `done`; if it is added meanwhile, it is queued at `done`. So one
      key is never worked on twice at once in this process.
    * Every change of state is synchronous; only `wait_get` and `run` wait.
    * The queue is bounded by the number of distinct keys, which are names of objects that exist.

    `run` must run for delayed keys to come due.
    """

    def __init__(
        self, clock: Clock, first_backoff: float = FIRST_BACKOFF, longest_backoff: float = LONGEST_BACKOFF
    ) -> None:
        self._clock = clock
        self._first = first_backoff
        self._longest = longest_backoff
        # `_queue` holds keys in order; `_dirty` is the set of keys that want work; `_active` those handed out. A key is
        # in `_queue` exactly when it is in `_dirty` and not in `_active`.
        self._queue: deque[K] = deque()
        self._dirty: set[K] = set()
        self._active: set[K] = set()
        self._getters: deque[asyncio.Future[None]] = deque()
        self._failures: dict[K, int] = {}
        # `_due` is the truth of delays; a heap entry whose deadline differs from it is stale.
        self._due: dict[K, float] = {}
        self._heap: list[tuple[float, int, K]] = []
        self._order = itertools.count()
        self._earlier = asyncio.Event()

    def __len__(self) -> int:
        return len(self._queue)

    @property
    def idle(self) -> bool:
        """Whether nothing waits for a worker and nothing is being worked on (delayed keys do not count)."""
        return not self._dirty and not self._active

    def add(self, key: K) -> None:
        if key in self._dirty:
            return
        self._dirty.add(key)
        if key not in self._active:
            self._queue.append(key)
            self._wake()

    def add_after(self, key: K, seconds: float) -> None:
        """Add the key in `seconds`; of several pending delays of one key the earliest counts."""
        if seconds <= 0:
            self.add(key)
            return
        deadline = self._clock.monotonic() + seconds
        known = self._due.get(key)
        if known is not None and known <= deadline:
            return
        self._due[key] = deadline
        heapq.heappush(self._heap, (deadline, next(self._order), key))
        if self._heap[0][2] == key:
            self._earlier.set()

    def add_rate_limited(self, key: K) -> None:
        """Add the key after a failure: later each time, until `forget`."""
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        # The exponent is bounded so that a key that fails for days does not compute a huge integer.
        self.add_after(key, min(self._longest, self._first * float(2 ** min(failures, 40))))

    def forget(self, key: K) -> None:
        """The key's work succeeded: its next failure is its first."""
        self._failures.pop(key, None)

    def done(self, key: K) -> None:
        """The worker that took the key has finished with it."""
        self._active.discard(key)
        if key in self._dirty:
            self._queue.append(key)
            self._wake()

    async def wait_get(self) -> K:
        """The next key, once there is one; the caller owes a `done`."""
        while not self._queue:
            getter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._getters.append(getter)
            try:
                await getter
            except asyncio.CancelledError:
                # The wake-up that this worker got and cannot use belongs to another.
                if getter.done() and not getter.cancelled() and self._queue:
                    self._wake()
                raise
        key = self._queue.popleft()
        self._dirty.discard(key)
        self._active.add(key)
        return key

    async def run(self) -> None:
        """Move delayed keys into the queue when they come due; ends by cancellation."""
        while True:
            self._earlier.clear()
            delay = self._release_due()
            if delay is None:
                await self._earlier.wait()
            else:
                await wait_event(self._clock, self._earlier, delay)

    def _release_due(self) -> float | None:
        """Add what is due; seconds until the next deadline, or None when nothing is delayed."""
        now = self._clock.monotonic()
        while self._heap:
            deadline, _, key = self._heap[0]
            if self._due.get(key) != deadline:
                heapq.heappop(self._heap)
            elif deadline <= now + _TOLERANCE:
                heapq.heappop(self._heap)
                del self._due[key]
                self.add(key)
            else:
                return deadline - now
        return None

    def _wake(self) -> None:
        while self._getters:
            getter = self._getters.popleft()
            if not getter.done():
                getter.set_result(None)
                return
