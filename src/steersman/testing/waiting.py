"""Waiting for the cluster: a condition is looked at again whenever the store has changed, never after a sleep."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeAlias, TypeVar

from steersman.api.clock import Clock, FakeClock
from steersman.store.protocol import Store

T = TypeVar("T")
Look: TypeAlias = Callable[[], Awaitable[T]]

# How far a fake clock is moved between two looks, in seconds, and the turns of the event loop between two moves.
STEP_SECONDS = 0.1
TURNS = 50
# The store is still when nothing was written for so many turns; a cluster that writes for ever is given up on.
QUIET_TURNS = 50
_MAX_TURNS = 10_000


class Waiter:
    """Waits on one store. By a real clock the task sleeps until a commit; a fake clock is moved on while it waits.

    `parts` is the task that everything runs in: when it ends, every wait ends with its error.
    """

    def __init__(self, store: Store, clock: Clock, parts: asyncio.Future[None]) -> None:
        self._store = store
        self._clock = clock
        self._parts = parts

    async def wait(self, look: Look[T], what: str, seconds: float, why: Callable[[], str] | None = None) -> T:
        """Until `look` gives something true; that is returned. TimeoutError names `what`, and what `why` adds."""
        changed = asyncio.Event()
        unobserve = self._store.observe("", lambda _: changed.set())
        try:
            if isinstance(self._clock, FakeClock):
                found = await self._by_fake_clock(self._clock, look, seconds)
            else:
                found = await self._by_commits(changed, look, seconds)
        finally:
            unobserve()
        if found is None:
            detail = why() if why is not None else ""
            raise TimeoutError(f"{what}: not within {seconds:g} s" + (f"; {detail}" if detail else ""))
        return found

    async def _by_commits(self, changed: asyncio.Event, look: Look[T], seconds: float) -> T | None:
        deadline = asyncio.get_running_loop().time() + seconds
        while True:
            changed.clear()
            if found := await look():
                return found
            left = deadline - asyncio.get_running_loop().time()
            waiting = asyncio.ensure_future(changed.wait())
            try:
                await asyncio.wait((waiting, self._parts), timeout=left, return_when=asyncio.FIRST_COMPLETED)
            finally:
                waiting.cancel()
            self._check()
            if not changed.is_set():
                return None

    async def _by_fake_clock(self, clock: FakeClock, look: Look[T], seconds: float) -> T | None:
        deadline = clock.monotonic() + seconds
        while True:
            await self.settle()
            if found := await look():
                return found
            if clock.monotonic() >= deadline:
                return None
            await clock.advance(STEP_SECONDS, TURNS)

    async def settle(self) -> None:
        """Give everybody turns until the store has been still for a while."""
        quiet, revision = 0, self._store.revision
        for _ in range(_MAX_TURNS):
            await asyncio.sleep(0)
            self._check()
            quiet = quiet + 1 if self._store.revision == revision else 0
            revision = self._store.revision
            if quiet >= QUIET_TURNS:
                return

    def _check(self) -> None:
        if self._parts.done():
            self._parts.result()
