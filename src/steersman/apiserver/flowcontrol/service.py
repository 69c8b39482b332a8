"""Priority and fairness at work in an App: reads its configuration from the App's caches, and keeps the objects in order."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

from steersman.api.errors import StatusError
from steersman.api.http import Response
from steersman.api.meta import format_time
from steersman.apiserver import respond
from steersman.apiserver.admission.framework import LOOPBACK
from steersman.apiserver.context import Context
from steersman.apiserver.flowcontrol import dump, metrics, objects, upkeep
from steersman.apiserver.flowcontrol.fairness import TICK_SECONDS, Fairness
from steersman.apiserver.params import DeleteOptions
from steersman.apiserver.registry import Registry, Write
from steersman.kinds.flowcontrol.mandatory_specs import FLOWS, LEVELS
from steersman.store.errors import StoreError

if TYPE_CHECKING:
    from steersman.apiserver.server import App

log = logging.getLogger(__name__)

PREFIX = f"/registry/{FLOWS.group}/"
UPKEEP_SECONDS = 60.0
# As upstream calls those who write these objects.
_PRODUCER, _CONSUMER = "api-priority-and-fairness-config-producer-v1", "api-priority-and-fairness-config-consumer-v1"


class _Stored:
    """The objects of the configuration, from the watch caches."""

    def __init__(self, app: App) -> None:
        self._app = app

    def schemas(self) -> Sequence[Any]:
        return self._all(FLOWS.plural)

    def levels(self) -> Sequence[Any]:
        return self._all(LEVELS.plural)

    def _all(self, plural: str) -> list[Any]:
        registry = self._app.registries.find(FLOWS.group, plural)
        return [] if registry is None else [registry.at(c.value, c.revision) for c in registry.cache.readable()]

    def count(self, group: str, plural: str) -> int:
        registry = self._app.registries.find(group, plural)
        return 0 if registry is None else registry.cache.count()


class FlowControl:
    """The App's part. `start` once the caches are filled; `run` as long as it serves."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._objects = _Stored(app)
        self._untold = True
        self.fairness = Fairness(self._objects, app.clock, app.config.max_requests)
        self._stop: Callable[[], None] = lambda: None

    async def start(self) -> None:
        """Make the objects that every cluster has, and follow all of them."""
        self._stop = self._app.store.observe(PREFIX, self._changed)
        if self._app.config.bootstrap:
            await self._keep()
            await self._tell()

    def close(self) -> None:
        """Follow the objects no longer."""
        self._stop()

    def metrics(self) -> str:
        return metrics.render(self.fairness.levels, self.fairness.adjusted)

    def debug(self, ctx: Context) -> Response | None:
        """The tables of what goes on; None for other paths."""
        levels, clock = self.fairness.levels, self._app.clock
        what = ctx.info.path.removeprefix(dump.FOLDER)
        if what == "dump_priority_levels":
            return respond.text(200, dump.priority_levels(levels))
        if what == "dump_queues":
            return respond.text(200, dump.queues(levels))
        if what == "dump_requests":
            ahead = clock.time() - clock.monotonic()
            details = bool(ctx.query.get("includeRequestDetails"))
            return respond.text(200, dump.requests(levels, details, lambda seconds: seconds + ahead))
        return None

    def _changed(self, events: object) -> None:
        self._untold = True
        self.fairness.changed()

    async def run(self) -> None:
        """Until cancelled."""
        since = 0.0
        while True:
            await self._app.clock.sleep(TICK_SECONDS)
            self.fairness.tick()
            self._app.metrics.tick()
            since += TICK_SECONDS
            try:
                if since >= UPKEEP_SECONDS and self._app.config.bootstrap:
                    since = 0.0
                    await self._keep()
                if self._untold:
                    await self._tell()
            except (StatusError, StoreError) as error:
                # The objects are looked at again with the next tick, or the next minute.
                log.warning("flow control: objects cannot be kept in order: %s", error)

    async def _keep(self) -> None:
        """Levels and FlowSchemas as they should be, all in as few commits as possible."""
        from steersman.kinds.types.flowcontrol_v1 import FlowSchema, PriorityLevelConfiguration

        work: list[Awaitable[object]] = []
        for cls, wanted, found in (
            (PriorityLevelConfiguration, objects.LEVELS, self._objects.levels()),
            (FlowSchema, objects.FLOWS, self._objects.schemas()),
        ):
            registry = self._app.registries.of(cls)
            planned = upkeep.plan(cls, wanted, found)
            work += [self._create(registry, obj) for obj in planned.create]
            work += [self._update(registry, obj, "", _PRODUCER) for obj in planned.update]
            work += [registry.delete("", name, DeleteOptions(), Write(LOOPBACK)) for name in planned.delete]
        await _together(work)

    async def _tell(self) -> None:
        """Write the conditions that are not as they should be."""
        self._untold = False
        registry = self._app.registries.find(FLOWS.group, FLOWS.plural)
        if registry is None:
            return
        now = format_time(self._app.clock.now())
        news = upkeep.all_dangling(self._objects.schemas(), self._objects.levels(), now)
        await _together([self._update(registry, obj, "status", _CONSUMER) for obj in news])

    async def _create(self, registry: Registry, obj: Any) -> None:
        registry.kind.default(obj)
        await registry.create(obj, "", self._write("", _PRODUCER, registry), [])

    async def _update(self, registry: Registry, obj: Any, subresource: str, manager: str) -> None:
        async def change(old: Any) -> Any:
            return obj

        await registry.update("", obj.metadata.name, change, self._write(subresource, manager, registry), [])

    def _write(self, subresource: str, manager: str, registry: Registry) -> Write:
        resource = registry.resource
        endpoint = self._app.endpoint(resource.group, resource.version, resource.plural)
        track = None if endpoint is None else endpoint.fields(subresource).tracker(manager)
        return Write(LOOPBACK, subresource=subresource, track=track)


async def _together(work: Sequence[Awaitable[object]]) -> None:
    """Do all of it at once, so that it shares commits. What somebody else has done or undone meanwhile is no failure."""
    for result in await asyncio.gather(*work, return_exceptions=True):
        if isinstance(result, StatusError) and result.reason in ("AlreadyExists", "NotFound", "Conflict"):
            continue
        if isinstance(result, BaseException):
            raise result
