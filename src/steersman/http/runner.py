"""Runs one coroutine after the other in the place of a task, each at once up to where it first waits.

Most requests are answered without waiting for anything. A task would be made for each, and begin a turn of the event loop later.
"""

from __future__ import annotations

import asyncio
from asyncio import tasks
from collections.abc import Callable, Coroutine
from typing import Any, cast


class Runner:
    """What the coroutines take for their task: `asyncio.current_task()`. So timeouts and groups of tasks work in them."""

    __slots__ = ("_cancels", "_coroutine", "_done", "_loop", "_must_cancel", "_waiting_for")

    def __init__(self, loop: asyncio.AbstractEventLoop, done: Callable[[BaseException | None], None]) -> None:
        self._loop = loop
        self._done = done
        self._coroutine: Coroutine[Any, Any, None] | None = None
        self._waiting_for: asyncio.Future[Any] | None = None
        self._must_cancel = False
        self._cancels = 0

    def start(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run it; `done` is told what it has raised, or None. No task may be running, nor another coroutine in this one."""
        self._coroutine = coroutine
        self._must_cancel, self._cancels = False, 0
        self._step()

    def leave(self) -> None:
        """Nobody is told any more. So whoever was is let go of at once, not when the collector finds the circle."""
        self._done = _untold

    def done(self) -> bool:
        return self._coroutine is None

    def cancel(self, msg: object = None) -> bool:
        """As a task's."""
        if self._coroutine is None:
            return False
        self._cancels += 1
        if self._waiting_for is None or not self._waiting_for.cancel(msg):
            self._must_cancel = True
        return True

    def cancelling(self) -> int:
        """As a task's."""
        return self._cancels

    def uncancel(self) -> int:
        """As a task's."""
        self._cancels = max(self._cancels - 1, 0)
        return self._cancels

    def get_name(self) -> str:
        return "request"

    def get_coro(self) -> Coroutine[Any, Any, None] | None:
        return self._coroutine

    def _step(self, _: object = None) -> None:
        coroutine, loop = self._coroutine, self._loop
        if coroutine is None:
            return
        self._waiting_for = None
        this = cast("asyncio.Task[Any]", self)
        tasks._enter_task(loop, this)
        try:
            if self._must_cancel:
                self._must_cancel = False
                awaited = coroutine.throw(asyncio.CancelledError())
            else:
                awaited = coroutine.send(None)
        except StopIteration:
            tasks._leave_task(loop, this)
            self._end(None)
        except BaseException as error:
            tasks._leave_task(loop, this)
            if not isinstance(error, Exception | asyncio.CancelledError):
                # It ends the process.
                self._coroutine = None
                raise
            self._end(error)
        else:
            tasks._leave_task(loop, this)
            self._wait(awaited)

    def _wait(self, awaited: Any) -> None:
        if awaited is None:
            # It only lets others go first.
            self._loop.call_soon(self._step)
            return
        awaited._asyncio_future_blocking = False
        awaited.add_done_callback(self._step)
        self._waiting_for = awaited
        if self._must_cancel and awaited.cancel():
            self._must_cancel = False

    def _end(self, error: BaseException | None) -> None:
        self._coroutine = None
        self._done(error)


def _untold(error: BaseException | None) -> None:
    """There is nobody to tell."""
