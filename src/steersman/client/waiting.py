"""Waiting with a deadline on an injected clock."""

from __future__ import annotations

import asyncio

from steersman.api.clock import Clock


async def wait_event(clock: Clock, event: asyncio.Event, seconds: float) -> bool:
    """Wait until `event` is set, for `seconds` at the most; whether it is set."""
    if event.is_set():
        return True
    async with asyncio.TaskGroup() as tasks:
        timer = tasks.create_task(clock.sleep(seconds))
        waiter = tasks.create_task(event.wait())
        await asyncio.wait((timer, waiter), return_when=asyncio.FIRST_COMPLETED)
        timer.cancel()
        waiter.cancel()
    return event.is_set()


class Backoff:
    """Growing delays for a loop that retries: doubling from `first` up to `limit` seconds, back to the start by `reset`."""

    def __init__(self, first: float, limit: float) -> None:
        self._first = first
        self._limit = limit
        self._next = first

    def next(self) -> float:
        """The delay to wait now."""
        delay = self._next
        self._next = min(self._limit, delay * 2)
        return delay

    def reset(self) -> None:
        self._next = self._first
