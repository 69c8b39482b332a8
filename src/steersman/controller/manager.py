"""Runs controllers: shared informers, one queue per controller, workers, and the one place where reconcile errors end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Any

from steersman.api.clock import Clock
from steersman.api.errors import Conflict, NotFound, StatusError
from steersman.client.events import EventRecorder
from steersman.client.informer import Informer, InformerFactory
from steersman.client.rest import Client
from steersman.client.workqueue import WorkQueue
from steersman.controller.config import ControllerConfig
from steersman.controller.declaration import Background, Context, Controller, NotYet, Watch

_log = logging.getLogger(__name__)


class Manager:
    """Runs a set of controllers over one client until cancelled.

    An error of a reconcile is logged and the key tried again, later each time. Anything else that fails ends `run`.
    """

    def __init__(
        self,
        client: Client,
        controllers: Iterable[Controller],
        clock: Clock,
        config: ControllerConfig | None = None,
        *,
        informers: InformerFactory | None = None,
        client_as: Callable[[str], Client] | None = None,
    ) -> None:
        """`client_as` makes clients for the controllers' accounts; without it they all work with `client`."""
        self.informers = informers if informers is not None else InformerFactory(client, clock)
        self.config = config or ControllerConfig()
        self._clock = clock

        def own(controller: Controller) -> Client:
            return client if client_as is None or not controller.account else client_as(controller.account)

        self._running = [_Running(c, own(c), clock, self.informers, self.config) for c in controllers]

    @property
    def idle(self) -> bool:
        """Whether no controller has anything to do now."""
        return all(running.idle for running in self._running)

    async def wait_started(self, patience: float | None = None) -> list[str]:
        """Until every controller has its informers in sync and its workers running, or so many seconds have passed.

        Returns the names of those that are not so far: the server may be unable to read what they need.
        """
        everyone = asyncio.ensure_future(self._started())
        waits = {everyone} if patience is None else {everyone, asyncio.ensure_future(self._clock.sleep(patience))}
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        return [running.name for running in self._running if not running.started.is_set()]

    async def _started(self) -> None:
        for running in self._running:
            await running.started.wait()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.informers.run())
            for running in self._running:
                tasks.create_task(running.run())


class _Running:
    """One controller at work."""

    def __init__(
        self,
        controller: Controller,
        client: Client,
        clock: Clock,
        informers: InformerFactory,
        config: ControllerConfig,
    ) -> None:
        self._controller = controller
        self._queue: WorkQueue[str] = WorkQueue(clock)
        self._recorder = EventRecorder(client, clock, controller.source)
        self._context = Context(client, clock, informers, self._recorder, self._queue, config)
        self._informers: list[Informer[Any]] = [
            informers.informer(watch.type, fields=watch.fields) for watch in controller.watches
        ]
        self._reconciler = controller.reconciler(self._context)
        self.started = asyncio.Event()
        for watch in controller.watches:
            self._subscribe(watch)

    @property
    def name(self) -> str:
        return self._controller.name

    @property
    def idle(self) -> bool:
        return self._queue.idle

    async def run(self) -> None:
        for informer in self._informers:
            await informer.wait_synced()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._queue.run())
            tasks.create_task(self._recorder.run())
            if isinstance(self._reconciler, Background):
                tasks.create_task(self._reconciler.run())
            for _ in range(self._controller.workers):
                tasks.create_task(self._work())
            self.started.set()

    def _subscribe(self, watch: Watch[Any]) -> None:
        keys = watch.keys
        if keys is None:
            return

        def changed(old: Any, new: Any) -> None:
            if old is not None and new is not None and not watch.changed(old, new):
                return
            for obj in (old, new):
                if obj is not None:
                    for key in keys(self._context, obj):
                        self._queue.add(key)

        self._context.informers.informer(watch.type, fields=watch.fields).subscribe(changed)

    async def _work(self) -> None:
        while True:
            key = await self._queue.wait_get()
            try:
                after = await self._reconciler.reconcile(key)
            except Exception as error:  # noqa: BLE001 - the one place where a reconcile's error ends
                self._report(key, error)
                self._queue.add_rate_limited(key)
            else:
                self._queue.forget(key)
                if after is not None:
                    self._queue.add_after(key, after)
            finally:
                self._queue.done(key)

    def _report(self, key: str, error: Exception) -> None:
        name = self._controller.name
        if isinstance(error, Conflict | NotFound):
            # The informer was behind: the next try has newer objects.
            _log.debug("%s %s: %s", name, key, error)
        elif isinstance(error, StatusError | NotYet):
            _log.warning("%s %s: %s", name, key, error)
        else:
            _log.exception("%s %s", name, key, exc_info=error)
