"""Doing many like things at once, carefully: one, then two, then four, and no more after a failure."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from steersman.api.errors import StatusError


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many calls succeeded, and the first error."""

    succeeded: int
    error: StatusError | None = None


async def slow_start(count: int, call: Callable[[int], Awaitable[None]], first: int = 1) -> Outcome:
    """Call `call(0)` … `call(count - 1)` in growing batches; a batch with an error is the last.

    So a quota or a bad template costs one refused request instead of hundreds.
    """
    done, succeeded, size = 0, 0, min(first, count)
    while size > 0:
        outcome = await at_once([call] * size, done)
        succeeded += outcome.succeeded
        if outcome.error is not None:
            return Outcome(succeeded, outcome.error)
        done += size
        size = min(2 * size, count - done)
    return Outcome(succeeded)


async def at_once(calls: list[Callable[[int], Awaitable[None]]], start: int = 0) -> Outcome:
    """Call all with their indexes concurrently; StatusErrors are collected, anything else is raised."""

    async def guarded(index: int, call: Callable[[int], Awaitable[None]]) -> StatusError | None:
        try:
            await call(index)
        except StatusError as e:
            return e
        return None

    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(guarded(start + i, call)) for i, call in enumerate(calls)]
    errors = [error for task in running if (error := task.result()) is not None]
    return Outcome(len(running) - len(errors), errors[0] if errors else None)
