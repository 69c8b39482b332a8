"""One thread that runs blocking calls one after another and answers on the event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeVar

from steersman.store.errors import StoreClosed

R = TypeVar("R")

Answer = Callable[[Any, BaseException | None], None]
"""Called on the event loop with the result, or with what was raised."""


class Worker:
    """A thread with a queue.

    Leaner than an executor, because every commit passes through it. It is a daemon: a process that ends
    without closing its store must not hang, and loses nothing that was acknowledged.
    """

    def __init__(self, name: str) -> None:
        self._jobs: SimpleQueue[tuple[Callable[[], object], Answer, asyncio.AbstractEventLoop] | None] = SimpleQueue()
        self._stopped = False
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def submit(self, act: Callable[[], object], answer: Answer) -> None:
        """Runs `act` in the thread and then `answer` on the running loop. Raises StoreClosed after `stop`."""
        if self._stopped:
            raise StoreClosed("the store is closed")
        self._jobs.put((act, answer, asyncio.get_running_loop()))

    async def run(self, act: Callable[[], R]) -> R:
        """Runs `act` in the thread. If the caller is cancelled, the call still happens."""
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()

        def answer(result: R, failure: BaseException | None) -> None:
            if future.done():
                return
            if failure is None:
                future.set_result(result)
            else:
                future.set_exception(failure)

        self.submit(act, answer)
        return await future

    def stop(self) -> None:
        """Ends the thread. Blocks while calls that were submitted before still run: let them end first."""
        self._stopped = True
        self._jobs.put(None)
        self._thread.join()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            act, answer, loop = job
            result: object = None
            failure: BaseException | None = None
            try:
                result = act()
            except BaseException as error:  # noqa: BLE001 - whatever it is, the caller is told
                failure = error
            if not loop.is_closed():
                loop.call_soon_threadsafe(answer, result, failure)
