"""Where events go: what a sink promises, the one that writes lines, and what is counted of all."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from steersman.api.clock import Clock
from steersman.apiserver.audit.event import Event, encode, without_objects
from steersman.apiserver.audit.logfile import Output
from steersman.apiserver.audit.policy import RECEIVED
from steersman.apiserver.seldom import Seldom

log = logging.getLogger(__name__)

BATCH, BLOCKING, STRICT = "batch", "blocking", "blocking-strict"
MODES = (BATCH, BLOCKING, STRICT)

BUFFERED = 12 * 1024 * 1024
"""Bytes of events that may wait for a backend, whatever their number: more are lost, but for a single one that is large."""
# Events of so many bytes are written together, even if more should be.
_WRITTEN = 1024 * 1024
# Failures are told of no more often than this.
_TELL_SECONDS = 10.0


class Sink(Protocol):
    """One backend."""

    def take(self, event: Event) -> Awaitable[bool] | bool:
        """Whether the request may go on: False where it must not be served without its event."""
        ...

    async def run(self) -> None:
        """What the backend does by itself, until cancelled."""
        ...

    async def close(self) -> None:
        """Everything that was taken is delivered now, or given up."""
        ...


@dataclass
class Errors:
    """Events that have been lost, by the backend's part that has lost them; told in the log, but not each."""

    clock: Clock
    counts: dict[str, int] = field(default_factory=dict)
    _told: dict[str, Seldom] = field(default_factory=dict)

    def note(self, plugin: str, events: int, why: object) -> None:
        self.counts[plugin] = self.counts.get(plugin, 0) + events
        seldom = self._told.get(plugin)
        if seldom is None:
            seldom = self._told[plugin] = Seldom(self.clock, _TELL_SECONDS)
        if affected := seldom.count(events):
            log.error("Error in audit plugin '%s' affecting %d audit events: %s", plugin, affected, why)


@dataclass(frozen=True, slots=True)
class Limit:
    """How large events may be, in bytes of JSON; larger ones lose their objects, or are lost."""

    event: int = 100 * 1024
    batch: int = 10 * 1024 * 1024


class Truncated:
    """A sink that is not asked to take events above a limit."""

    def __init__(self, sink: Sink, limit: Limit, errors: Errors) -> None:
        self._sink, self._limit, self._errors = sink, limit, errors
        self.run, self.close = sink.run, sink.close

    def take(self, event: Event) -> Awaitable[bool] | bool:
        size = len(encode(event))
        if size > self._limit.event and event.level.startswith("Request"):
            event = without_objects(event)
            size = len(encode(event))
        if size > self._limit.event:
            self._errors.note("truncate", 1, "event is too large even after truncating")
            return True
        return self._sink.take(event)


@dataclass(frozen=True, slots=True)
class Gathering:
    """How a log in mode `batch` gathers events: at most `buffer`, until there are `most` or `wait` seconds are over."""

    buffer: int = 10_000
    most: int = 1
    wait: float = 0.0


@dataclass(frozen=True, slots=True)
class Batching:
    """How events are gathered: `buffer` of them at most; a batch has `most`, or goes after `wait` seconds; `qps` and `burst`
    bound batches a second (0: not at all)."""

    buffer: int = 10_000
    most: int = 400
    wait: float = 30.0
    qps: float = 10.0
    burst: int = 15


class LogSink:
    """Writes a line per event. In blocking modes it is in the file before anything is answered: that a request has come is
    written with what came of it, or at the end of this turn of the event loop, before anything could be done for it. In
    batches, all of one turn are written at once.
    """

    def __init__(
        self,
        output: Output,
        render: Callable[[Event], bytes],
        mode: str,
        errors: Errors,
        gathering: Gathering | None = None,
    ) -> None:
        self._output, self._render, self._errors = output, render, errors
        self._strict = mode == STRICT
        self._gathering = (gathering or Gathering()) if mode == BATCH else None
        self._waiting: list[bytes] = []
        self._size = 0
        self._timer: asyncio.Handle | None = None

    def take(self, event: Event) -> bool:
        line = self._render(event) + b"\n"
        if self._gathering is not None:
            self._gather(line, self._gathering)
            return True
        if event.stage == RECEIVED and not self._strict:
            self._waiting.append(line)
            if self._timer is None:
                self._timer = asyncio.get_running_loop().call_soon(self._flush)
            return True
        return self._write(line)

    def _write(self, line: bytes) -> bool:
        """Write a line, and what waits, now."""
        lines = [*self._waiting, line]
        self._waiting.clear()
        try:
            self._output.write(b"".join(lines))
        except OSError as error:
            self._errors.note("log", len(lines), error)
            return not self._strict
        return True

    def _gather(self, line: bytes, gathering: Gathering) -> None:
        waiting = self._waiting
        if len(waiting) >= gathering.buffer:
            self._errors.note("buffered", 1, "audit buffer queue blocked")
            return
        waiting.append(line)
        before, self._size = self._size, self._size + len(line)
        loop = asyncio.get_running_loop()
        if self._timer is None:
            many = gathering.most > 1 and self._size <= _WRITTEN
            self._timer = loop.call_later(gathering.wait, self._flush) if many else loop.call_soon(self._flush)
        elif len(waiting) == gathering.most > 1 or before <= _WRITTEN < self._size:
            self._timer.cancel()
            self._timer = loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._timer = None
        waiting, self._waiting, self._size = self._waiting, [], 0
        if not waiting:
            return
        try:
            self._output.write(b"".join(waiting))
        except OSError as error:
            self._errors.note("log", len(waiting), error)

    async def run(self) -> None:
        """Nothing: the requests do the work."""

    async def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._flush()
        self._output.close()
