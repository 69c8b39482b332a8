"""The backend that posts lists of events to a webhook: one by one while requests wait, or in batches behind them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Sequence

from steersman.api.clock import Clock
from steersman.apiserver.audit.event import API_VERSION, Event, encode
from steersman.apiserver.audit.sinks import BATCH, BUFFERED, STRICT, Batching, Errors
from steersman.apiserver.backend import Backends
from steersman.apiserver.webhook.asking import Connection, Post, Repeats, Unanswered, anything, ask
from steersman.apiserver.webhook.kubeconfig import Remote

# Batches that are on their way at a time; the next wait in the buffer, which is bounded.
_AT_ONCE = 8
# Bytes of events that do not wait for more, and that go together at the most.
_MUCH = 2 * 1024 * 1024
# What is left at the end may take so long.
_LAST_SECONDS = 5.0
_ONCE = Repeats(tries=1)


class Poster:
    """Posts to a remote, through connections of its own. `close` ends them."""

    def __init__(self, remote: Remote) -> None:
        self._backends = Backends()
        self.post: Post = Connection(remote, self._backends)

    async def close(self) -> None:
        await self._backends.close()


class Delivery:
    """Posts batches, and repeats whatever goes wrong: a receiver that is set up wrongly now may be mended the next moment."""

    def __init__(self, post: Post, clock: Clock, backoff: float = 10.0) -> None:
        self._post, self._clock, self._repeats = post, clock, Repeats(pause=backoff, worth=anything)

    async def __call__(self, events: Sequence[bytes], *, once: bool = False) -> None:
        """Raises Unanswered."""
        items = b",".join(events)
        body = b'{"kind":"EventList","apiVersion":"%b","metadata":{},"items":[%b]}' % (API_VERSION.encode(), items)
        await ask(self._post, body, self._clock, _ONCE if once else self._repeats)


class WebhookSink:
    """See the module. `limit` is the size of a batch in bytes (0: any)."""

    def __init__(
        self,
        poster: Poster,
        deliver: Delivery,
        mode: str,
        errors: Errors,
        clock: Clock,
        batching: Batching | None = None,
        limit: int = 0,
    ) -> None:
        self._poster, self._deliver, self._errors, self._clock = poster, deliver, errors, clock
        self._strict = mode == STRICT
        self._batching = (batching or Batching()) if mode == BATCH else None
        self._limit = limit
        self._buffer: deque[bytes] = deque()
        self._size = self._buffered = 0
        """Bytes of all events that are here; and of those that are not on their way yet."""
        self._arrived, self._full = asyncio.Event(), asyncio.Event()
        self._sending: list[list[bytes]] = []

    def take(self, event: Event) -> Awaitable[bool] | bool:
        line = encode(event)
        batching = self._batching
        if batching is None:
            return self._now(line)
        if len(self._buffer) >= batching.buffer or not self._has_room(line):
            self._errors.note("buffered", 1, "audit buffer queue blocked")
            return True
        self._buffer.append(line)
        self._size += len(line)
        self._buffered += len(line)
        self._arrived.set()
        if len(self._buffer) >= batching.most or self._buffered > _MUCH:
            self._full.set()
        return True

    def _has_room(self, line: bytes) -> bool:
        return not self._size or self._size + len(line) <= BUFFERED

    async def _now(self, line: bytes) -> bool:
        if not self._has_room(line):
            # The requests that wait are as many as clients like to send, and some have no client any more.
            self._errors.note("webhook", 1, "too much waits for the webhook")
            return not self._strict
        self._size += len(line)
        try:
            await self._deliver([line])
        except Unanswered as error:
            self._errors.note("webhook", 1, error)
            return not self._strict
        finally:
            self._size -= len(line)
        return True

    async def run(self) -> None:
        batching = self._batching
        if batching is None:
            return
        room = asyncio.Semaphore(_AT_ONCE)
        tokens, filled = float(batching.burst), self._clock.monotonic()
        async with asyncio.TaskGroup() as group:
            while True:
                await self._arrived.wait()
                await self._gathered(batching.wait)
                if batching.qps:
                    now = self._clock.monotonic()
                    tokens, filled = min(tokens + (now - filled) * batching.qps, batching.burst), now
                    if tokens < 1:
                        await self._clock.sleep((1 - tokens) / batching.qps)
                    tokens -= 1
                await room.acquire()
                batch = self._batch(batching.most)
                self._sending.append(batch)
                group.create_task(self._send(batch, room))

    async def _gathered(self, seconds: float) -> None:
        """Until there are enough events, or enough time is over."""
        if self._full.is_set() or seconds <= 0:
            return
        full, late = asyncio.ensure_future(self._full.wait()), asyncio.ensure_future(self._clock.sleep(seconds))
        try:
            await asyncio.wait((full, late), return_when=asyncio.FIRST_COMPLETED)
        finally:
            full.cancel()
            late.cancel()

    def _batch(self, most: int) -> list[bytes]:
        """The next events, as many as go together."""
        buffer, size = self._buffer, 0
        batch: list[bytes] = []
        limit = min(self._limit or _MUCH, _MUCH)
        while buffer and len(batch) < most and not (batch and size + len(buffer[0]) > limit):
            size += len(buffer[0])
            batch.append(buffer.popleft())
        self._buffered -= size
        if not buffer:
            self._arrived.clear()
        if len(buffer) < most and self._buffered <= _MUCH:
            self._full.clear()
        return batch

    async def _send(self, batch: list[bytes], room: asyncio.Semaphore) -> None:
        try:
            await self._deliver(batch)
        except Unanswered as error:
            self._errors.note("webhook", len(batch), error)
        finally:
            room.release()
        self._sending.remove(batch)
        self._size -= sum(map(len, batch))

    async def close(self) -> None:
        """What is still here gets one more chance, as a whole within seconds."""
        left = [line for batch in self._sending for line in batch] + list(self._buffer)
        self._sending, self._buffer = [], deque()
        most = self._batching.most if self._batching is not None else 1
        done = 0
        try:
            async with asyncio.timeout(_LAST_SECONDS):
                for start in range(0, len(left), most):
                    await self._deliver(left[start : start + most], once=True)
                    done += len(left[start : start + most])
        except (TimeoutError, Unanswered) as error:
            self._errors.note("webhook", len(left) - done, str(error) or "the server ends")
        await self._poster.close()
