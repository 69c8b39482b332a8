"""Follows the APIServices: whose requests are passed on, whether they can be, and what clients are told of them.

The APIService as it is stored decides, from the moment it is stored. One task for each aggregated group version looks whether
its server is there, writes that down, and asks what it serves; it begins anew whenever the APIService, the service or its
endpoints change, and for good measure in a while.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from steersman.api import codec
from steersman.api.errors import NotFound, StatusError
from steersman.api.meta import format_time
from steersman.apiserver import requestinfo
from steersman.apiserver.aggregator.priorities import Key, Priority, arrange
from steersman.apiserver.requestinfo import Query
from steersman.store.errors import CommitFailed
from steersman.store.protocol import Event

if TYPE_CHECKING:
    from steersman.api.http import Request, Response
    from steersman.apiserver.aggregator.registration import Registration
    from steersman.apiserver.aggregator.remote import Remote
    from steersman.apiserver.aggregator.transport import Connector
    from steersman.apiserver.context import Context
    from steersman.apiserver.requestinfo import RequestInfo
    from steersman.apiserver.server import App
    from steersman.kinds.apiregistration.apiservice_rules import Availability
    from steersman.kinds.types.apiregistration_v1 import APIService

# What talks to other servers is loaded with the first of them.

GROUP, PLURAL = "apiregistration.k8s.io", "apiservices"
RECHECK_SECONDS = 30.0
_AGAIN_SECONDS = 1.0
_V3 = "/openapi/v3/"

_log = logging.getLogger(__name__)
V = TypeVar("V")


class Aggregator:
    """The APIServices of one server. `start` before the first request; `run` as long as it serves."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._registry = app.registries.find(GROUP, PLURAL)
        self.remotes: dict[Key, Remote] = {}
        self._priorities: dict[Key, Priority] = {}
        self._connected: Connector | None = None
        self._unobserve: list[Callable[[], None]] = []
        self._changed_own = asyncio.Event()
        self._group: asyncio.TaskGroup | None = None
        self._tasks: dict[Key, asyncio.Task[None]] = {}

    # Life

    def start(self) -> None:
        """Pass on what was passed on before."""
        registry = self._registry
        if registry is None:
            return
        store = self._app.store
        self._unobserve.append(store.observe(registry.prefix, self._changed))
        for prefix in ("/registry/core/services/", "/registry/discovery.k8s.io/endpointslices/"):
            self._unobserve.append(store.observe(prefix, self._moved))
        for item in registry.cache.readable():
            self._take(item.name, item.value)

    def close(self) -> None:
        for unobserve in self._unobserve:
            unobserve()
        self._unobserve.clear()

    async def run(self) -> None:
        """Until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                for remote in self.remotes.values():
                    self._follow(remote)
                group.create_task(self._keep_registered())
        finally:
            self._group = None
            self._tasks.clear()

    def customized(self) -> None:
        """Other custom resources are served than before."""
        self._changed_own.set()

    # What is passed on

    def find(self, info: RequestInfo) -> Remote | None:
        """The aggregated group version that a request concerns."""
        if info.is_resource:
            return self.remotes.get((info.group, info.version))
        match info.path.strip("/").split("/"):
            case ["apis", group, version]:
                return self.remotes.get((group, version))
            case ["api", version]:
                return self.remotes.get(("", version))
        return None

    def describing(self, path: str) -> Remote | None:
        """The aggregated group version whose server itself answers this path below /openapi/v3."""
        if not path.startswith(_V3):
            return None
        for remote in self.remotes.values():
            if remote.path == path.removeprefix(_V3[:-1]) and remote.described is not None and remote.described.v3_url:
                return remote
        return None

    async def ask(self, request: Request) -> Response:
        """The answer to a question of this server, which has all rights, where another server answers it.

        Its own paths are for clients: who may say where webhooks are must not make it write for them.
        """
        if self.find(requestinfo.parse(request.method, request.path, Query(request.query))) is None:
            raise NotFound.path()
        return await self._app.handle(request)

    async def forward(self, remote: Remote, ctx: Context) -> Response:
        from steersman.apiserver.aggregator.proxy import forward

        return await forward(self._app, self._connector(), remote, ctx)

    def _connector(self) -> Connector:
        if self._connected is None:
            from steersman.apiserver.aggregator.transport import Connector

            app = self._app
            self._connected = Connector(app.registries, app.backends, app.config.proxy_client)
        return self._connected

    # What clients are told

    def arrange(self, groups: Mapping[str, Mapping[str, list[V]]]) -> dict[str, dict[str, list[V]]]:
        """Groups and versions with those of other servers (which have nothing in the lists), in the order of discovery."""
        every = {group: dict(versions) for group, versions in groups.items()}
        for group, version in self.remotes:
            every.setdefault(group, {})[version] = []
        return arrange(every, self._priorities)

    def discovered(self, group: str, version: str) -> dict[str, Any] | None:
        """What aggregated discovery says of a group version of another server."""
        remote = self.remotes.get((group, version))
        return None if remote is None else remote.discovered

    def _retell(self) -> None:
        self._app.discovery.forget()

    def _redescribe(self) -> None:
        openapi = self._app.openapi
        if openapi is not None:
            openapi.aggregate([r.described for r in self.remotes.values() if r.described is not None])

    # APIServices

    def _changed(self, events: Sequence[Event]) -> None:
        start = "" if self._registry is None else self._registry.prefix
        for event in events:
            self._take(event.key.removeprefix(start), event.value)

    def _take(self, name: str, value: bytes | None) -> None:
        """Go by what is stored now; without a value the APIService is gone."""
        from steersman.apiserver.aggregator.remote import remote_of
        from steersman.kinds.types.apiregistration_v1 import APIService

        version, _, group = name.partition(".")
        key = group, version
        self._changed_own.set()
        obj = codec.decode(APIService, value) if value else None
        told = None if obj is None else Priority(obj.spec.groupPriorityMinimum, obj.spec.versionPriority)
        before = self._priorities.pop(key, None)
        if told is not None:
            self._priorities[key] = told
        wanted = None if obj is None else remote_of(obj)
        known = self.remotes.get(key)
        if known is not None and (wanted is None or wanted.uid != known.uid):
            self._leave(known)
            known = None
        if known is not None and obj is not None:
            if known.update(obj):
                known.wake.set()
        elif wanted is not None:
            self.remotes[key] = wanted
            self._follow(wanted)
            self._retell()
        if told != before:
            self._retell()

    def _leave(self, remote: Remote) -> None:
        """Its group version is another server's no longer, from now on."""
        del self.remotes[remote.key]
        task = self._tasks.pop(remote.key, None)
        if task is not None:
            task.cancel()
        self._retell()
        self._redescribe()

    def _moved(self, events: Sequence[Event]) -> None:
        """Services or endpoints have changed: look at those that are behind them."""
        for remote in self.remotes.values():
            if any(remote.place.is_behind(event) for event in events):
                remote.wake.set()

    # Keeping them

    async def _keep_registered(self) -> None:
        """An APIService for every group version of our own."""
        if self._registry is None or not self._app.config.bootstrap:
            return
        from steersman.apiserver.aggregator.registration import Registration

        registration = Registration(self._app, self._registry)
        while True:
            self._changed_own.clear()
            await self._register(registration)
            await self._changed_own.wait()

    async def _register(self, registration: Registration) -> None:
        try:
            await registration.sync()
        except (StatusError, CommitFailed) as error:
            # Refused, by a webhook for example, or not written: that may be over in a while.
            _log.warning("APIServices of this server: %s", error)
            self._app.deadlines.add(RECHECK_SECONDS, self._changed_own.set)

    def _follow(self, remote: Remote) -> None:
        if self._group is not None:
            self._tasks[remote.key] = self._group.create_task(self._look_after(remote))

    async def _look_after(self, remote: Remote) -> None:
        """Until the APIService is gone."""
        while True:
            remote.wake.clear()
            try:
                seconds = await self._visit(remote)
            except Exception:  # noqa: BLE001 - one server's trouble must not keep the others from being looked after
                _log.exception("APIService %s", remote.name)
                seconds = RECHECK_SECONDS
            self._app.deadlines.add(seconds, partial(remote.wake_after, remote.begin_wait()))
            await remote.wake.wait()

    async def _visit(self, remote: Remote) -> float:
        """See whether the server is there, write it down, and ask what it serves; the seconds until the next time."""
        found = await self._check(remote)
        await self._tell(remote, found)
        learned = found.status == "True" and await self._learn(remote)
        if remote.fresh != learned:
            remote.fresh = learned
            self._retell()
        remote.failures = 0 if learned else remote.failures + 1
        return RECHECK_SECONDS if learned else min(RECHECK_SECONDS, _AGAIN_SECONDS * 2.0 ** min(remote.failures - 1, 8))

    async def _check(self, remote: Remote) -> Availability:
        from steersman.apiserver import serviceendpoints
        from steersman.apiserver.aggregator import availability
        from steersman.kinds.types.core_v1 import Service

        place, registries = remote.place, self._app.registries
        slices = serviceendpoints.slices(registries, place.namespace, place.service)
        service = registries.get(Service, place.namespace, place.service)
        return availability.look(place, service, slices) or await availability.probe(self._connector(), remote)

    async def _tell(self, remote: Remote, found: Availability) -> None:
        """Write the condition, unless it says that already."""
        from steersman.kinds.apiregistration import apiservice_rules
        from steersman.kinds.types.apiregistration_v1 import APIService

        def change(old: APIService) -> APIService:
            new = codec.clone(old)
            if old.metadata.uid == remote.uid and not apiservice_rules.says(old, found):
                apiservice_rules.tell(new, found, format_time(self._app.clock.now()))
            return new

        registries = self._app.registries
        stored: APIService | None = registries.get(APIService, "", remote.name)
        if stored is not None and not apiservice_rules.says(stored, found):
            await registries.change_status(APIService, "", remote.name, change)

    async def _learn(self, remote: Remote) -> bool:
        """Ask what is served and how it is described; whether the first was answered."""
        from steersman.apiserver.aggregator import discovery, openapi
        from steersman.apiserver.aggregator.transport import Failed, Untrusted
        from steersman.apiserver.serviceendpoints import Unresolved

        connector = self._connector()
        try:
            target = connector.target(remote.place)
            entry = await discovery.learn(connector, target, remote)
        except (Failed, Unresolved, Untrusted) as error:
            _log.warning("discovery of APIService %s: %s", remote.name, error)
            return False
        if entry != remote.entry:
            remote.entry = entry
            self._retell()
        try:
            described = await openapi.learn(connector, target, remote)
        except Failed as error:
            _log.warning("OpenAPI of APIService %s: %s", remote.name, error)
            return True
        if described != remote.described:
            remote.described = described
            self._redescribe()
        return True
