"""What is dear to make and wanted by several at once is made once for all of them, and never twice at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Shared(Generic[T]):
    """Contract: what somebody gets was begun after they asked. Nothing is kept when nobody waits any more.

    What fails, or whose maker goes away, the next in line makes anew.
    """

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._begun = self._made = 0
        self._waiting = 0
        self._last: tuple[T] | None = None

    async def get(self, make: Callable[[], Awaitable[T]]) -> T:
        """The value; `make` is the same for all."""
        wanted = self._begun + 1
        self._waiting += 1
        try:
            async with self._lock:
                if self._last is not None and self._made >= wanted:
                    return self._last[0]
                self._begun += 1
                mine = self._begun
                value = await make()
                self._made, self._last = mine, (value,)
                return value
        finally:
            self._waiting -= 1
            if not self._waiting:
                self._last = None
