"""What webhooks have said: it counts for a while, and equal questions that come at the same time are asked once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

from steersman.api.clock import Clock
from steersman.api.recent import Recent

V = TypeVar("V")

Question = Callable[[], Coroutine[Any, Any, tuple[V, float]]]
"""Finds the answer, and for how many seconds it counts. What it raises is raised for whoever waits, and not remembered."""


class Answers(Generic[V]):
    """The last `size` answers, by keys of bytes.

    A question is under way as long as somebody waits for its answer, whoever asked first.
    """

    def __init__(self, clock: Clock, size: int) -> None:
        self._known: Recent[bytes, V] = Recent(clock, size)
        self._under_way: dict[bytes, _Asked[V]] = {}

    def get(self, key: bytes) -> V | None:
        """What has been said, if that still counts."""
        return self._known.get(key)

    def put(self, key: bytes, value: V, seconds: float) -> None:
        """Remember what has been found out without asking anybody."""
        self._known.put(key, value, seconds)

    def forget(self, key: bytes) -> None:
        """What has been said counts no more."""
        self._known.forget(key)

    async def ask(self, key: bytes, question: Question[V]) -> V:
        """The answer to the question that `key` stands for."""
        asked = self._under_way.get(key)
        if asked is None or asked.task.done():
            asked = self._under_way[key] = _Asked(asyncio.ensure_future(self._answered(key, question)))
            asked.task.add_done_callback(_seen)
        asked.waiting += 1
        try:
            # Unlike an await, this leaves the task alone when whoever waits here is cancelled.
            await asyncio.wait((asked.task,))
        finally:
            asked.waiting -= 1
            if not asked.waiting:
                self._leave(key, asked)
        return asked.task.result()

    def _leave(self, key: bytes, asked: _Asked[V]) -> None:
        """Nobody waits any more."""
        if self._under_way.get(key) is asked:
            del self._under_way[key]
        asked.task.cancel()

    async def _answered(self, key: bytes, question: Question[V]) -> V:
        value, seconds = await question()
        self._known.put(key, value, seconds)
        return value


class _Asked(Generic[V]):
    """A question under way, and how many wait for the answer."""

    __slots__ = ("task", "waiting")

    def __init__(self, task: asyncio.Task[V]) -> None:
        self.task = task
        self.waiting = 0


def _seen(task: asyncio.Task[Any]) -> None:
    """Nobody may be left to be told of a failure."""
    if not task.cancelled():
        task.exception()
