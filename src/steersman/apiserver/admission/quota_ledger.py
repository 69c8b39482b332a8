"""What quotas have been charged with for writes that are not stored yet, and whose turn it is to charge them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from steersman.api.quantity import Quantity

if TYPE_CHECKING:
    from steersman.apiserver.admission.quota_tally import Tallies

T = TypeVar("T")


@dataclass(slots=True, eq=False)
class Promise:
    """Amounts that a quota was charged with for a write under way.

    `group`, `plural`, `name` and `uid` tell the object of a creation (`name` is empty for an update); `until` is when a promise
    ends whose write was cancelled, in seconds of the monotonic clock. As long as there is a promise, whoever counts usage
    leaves it in: so it can be taken away again exactly. Only the version of the quota that it was decided on (`base`) does not
    have it yet.
    """

    amounts: dict[str, Quantity]
    group: str
    plural: str
    name: str = ""
    uid: str = ""
    base: str = ""
    until: float | None = None


@dataclass(slots=True)
class Line(Generic[T]):
    """Those who wait for one namespace's quotas. Whoever has the lock serves all who wait."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    waiting: list[T] = field(default_factory=list)
    visitors: int = 0


class QuotaLedger:
    """In memory and of one process. What it forgets in a crash is counted again by the quota controller."""

    def __init__(self) -> None:
        self._promises: dict[tuple[str, str], list[Promise]] = {}
        self._lines: dict[str, Line[Any]] = {}

    @cached_property
    def tallies(self) -> Tallies:
        """What is stored, counted."""
        # Not before there is a quota.
        from steersman.apiserver.admission.quota_tally import Tallies

        return Tallies()

    def promise(self, namespace: str, quota: str, promise: Promise) -> None:
        self._promises.setdefault((namespace, quota), []).append(promise)

    def release(self, namespace: str, quota: str, promise: Promise) -> None:
        """The write is over."""
        key = (namespace, quota)
        left = [p for p in self._promises.get(key, ()) if p is not promise]
        if left:
            self._promises[key] = left
        else:
            self._promises.pop(key, None)

    def promises(self, namespace: str, quota: str, now: float) -> Iterator[Promise]:
        """What is promised still."""
        for promise in self._promises.get((namespace, quota), ())[:]:
            if promise.until is not None and promise.until <= now:
                self.release(namespace, quota, promise)
            else:
                yield promise

    @asynccontextmanager
    async def line(self, namespace: str) -> AsyncIterator[Line[Any]]:
        """The namespace's line, which exists as long as somebody stands in it."""
        line = self._lines.setdefault(namespace, Line())
        line.visitors += 1
        try:
            yield line
        finally:
            line.visitors -= 1
            if not line.visitors:
                del self._lines[namespace]
