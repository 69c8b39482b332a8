"""Follows the custom resource definitions: accepts their names, serves their resources, and removes what was theirs.

Level, not edge: whatever has happened to a definition, it is looked at again and brought to where it should be.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from steersman.api import codec
from steersman.api.errors import Conflict, NotFound
from steersman.api.meta import format_time
from steersman.apiserver.admission.framework import LOOPBACK
from steersman.apiserver.registry import Write
from steersman.kinds.apiextensions.customresourcedefinition import KIND
from steersman.kinds.kind import Served
from steersman.store.protocol import Event

if TYPE_CHECKING:
    from steersman.apiserver.cached import Cached
    from steersman.apiserver.crd.serving import Key, Serving
    from steersman.apiserver.server import App
    from steersman.kinds.types.apiextensions_v1 import CustomResourceDefinition

# What serves custom resources is loaded with the first definition.

GROUP, PLURAL = "apiextensions.k8s.io", "customresourcedefinitions"
_AGAIN_SECONDS = 1.0

_log = logging.getLogger(__name__)


class CustomResources:
    """The definitions of one server. `start` before the first request; `run` as long as it serves."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._registry = app.registries.find(GROUP, PLURAL)
        self._serving: dict[str, Serving] = {}
        # By name: the revision that was looked at, and what it said but for its schemas.
        self._outlines: dict[str, tuple[int, CustomResourceDefinition]] = {}
        self._dirty: set[str] = set()
        self._wake = asyncio.Event()
        self._unobserve: list[Callable[[], None]] = []
        # Observers of the objects of definitions that wait for them to go.
        self._ending: dict[str, Callable[[], None]] = {}

    # Life

    async def start(self) -> None:
        """Serve what was established before."""
        registry = self._registry
        if registry is None:
            return
        self._unobserve.append(self._app.store.observe(registry.prefix, self._changed))
        items = registry.cache.readable()
        if not items:
            return
        from steersman.kinds.apiextensions import crd_status

        for item in items:
            crd = self._get(item.name)
            if crd is not None and crd_status.is_served(crd):
                await self._serve(item.name)
            self.look(item.name)

    def close(self) -> None:
        for unobserve in (*self._unobserve, *self._ending.values()):
            unobserve()
        self._unobserve.clear()
        self._ending.clear()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._dirty:
                name = min(self._dirty)
                self._dirty.discard(name)
                await self._try(name)

    async def _try(self, name: str) -> None:
        try:
            await self._sync(name)
        except (Conflict, NotFound):
            # It has changed, or is gone: whoever did that has us look again.
            self.look(name)
        except Exception:  # noqa: BLE001 - one definition's trouble must not keep the others from being served
            _log.exception("custom resource definition %s", name)
            self._app.deadlines.add(_AGAIN_SECONDS, lambda: self.look(name))

    def look(self, name: str) -> None:
        """Have a definition looked at, soon."""
        self._dirty.add(name)
        self._wake.set()

    def _changed(self, events: Sequence[Event]) -> None:
        start = "" if self._registry is None else self._registry.prefix
        for event in events:
            name = event.key.removeprefix(start)
            if not event.value:
                # Whoever hears that a definition is gone must not meet what it served.
                self._swap(name, None)
            self.look(name)

    # What is served

    @property
    def served(self) -> list[Served]:
        """Every custom resource at every version."""
        return [served for serving in self._serving.values() for served in serving.served]

    async def _serve(self, name: str) -> Serving:
        """Serve what the definition says now. Raises NotFound when it is gone."""
        stored = self._stored(name)
        if stored is None:
            raise NotFound.of(KIND.resource, name)
        crd = self._decoded(stored)
        known = self._serving.get(name)
        if known is not None and known.serves(crd):
            if crd.metadata.deletionTimestamp and not known.life.ending:
                known.life.ending = True
                self._app.discovery.forget()
            return known
        from steersman.apiserver.crd.serving import assemble

        serving = await assemble(self._app, crd)
        self._swap(name, serving)
        return serving

    def _swap(self, name: str, serving: Serving | None) -> None:
        """Everything changes at once: nothing is awaited here."""
        old = self._serving.pop(name, None)
        if serving is not None:
            self._serving[name] = serving
        if old is None and serving is None:
            return
        app = self._app
        gone: dict[Key, Any] = {} if old is None else dict(old.endpoints)
        app.exchange(gone, {} if serving is None else serving.endpoints)
        if old is not None:
            app.registries.remove(old.registry)
        if serving is not None:
            app.registries.add(serving.registry)
        app.discovery.forget()
        app.aggregator.customized()
        if app.openapi is not None:
            app.openapi.customize(self.served)
        if old is not None:
            old.cache.retire()

    # One definition

    def _stored(self, name: str) -> Cached | None:
        return None if self._registry is None else self._registry.cache.get("", name)

    def _decoded(self, stored: Cached) -> CustomResourceDefinition:
        """For this question alone: a definition may be large."""
        from steersman.kinds.types.apiextensions_v1 import CustomResourceDefinition

        found: CustomResourceDefinition = self._app.registries.decode(CustomResourceDefinition, stored)
        return found

    def _get(self, name: str) -> CustomResourceDefinition | None:
        """The definition without its schemas, for which only `_serve` asks."""
        stored = self._stored(name)
        if stored is None:
            self._outlines.pop(name, None)
            return None
        known = self._outlines.get(name)
        if known is not None and known[0] == stored.revision:
            return known[1]
        found = self._decoded(stored)
        for version in found.spec.versions:
            version.schema = None
        self._outlines[name] = stored.revision, found
        return found

    def _others(self, group: str) -> Iterator[CustomResourceDefinition]:
        """All definitions of a group. Their names end with it."""
        if self._registry is None:
            return
        for item in self._registry.cache.readable():
            if item.name.endswith(f".{group}"):
                found = self._get(item.name)
                if found is not None and found.spec.group == group:
                    yield found

    async def _sync(self, name: str) -> None:
        from steersman.kinds.apiextensions import crd_status

        crd = self._get(name)
        if crd is None:
            self._forget(name)
            return
        if not crd_status.named(crd) and await self._name(crd):
            return
        if not (crd_status.is_true(crd, crd_status.NAMES_ACCEPTED) or crd_status.is_served(crd)):
            self._swap(name, None)
            if crd.metadata.deletionTimestamp:
                await self._clean(crd, None)
            return
        serving = await self._serve(name)
        if not crd_status.is_served(crd):
            await self._write(name, lambda new: self._set(new, crd_status.ESTABLISHED_NOW))
        if crd.metadata.deletionTimestamp:
            await self._clean(crd, serving)

    def _forget(self, name: str) -> None:
        """The definition is gone: its names are free for others."""
        from steersman.kinds.apiextensions import crd_status

        self._swap(name, None)
        self._stop_waiting(name)
        for other in self._others(name.partition(".")[2]):
            if not crd_status.named(other):
                self.look(other.metadata.name)

    async def _name(self, crd: CustomResourceDefinition) -> bool:
        """Decide which of its names the definition gets; whether that was news."""
        from steersman.kinds.apiextensions import crd_status

        names, accepted = crd_status.accept_names(crd, self._others(crd.spec.group))
        established = crd_status.establishment(crd, accepted)
        if names == crd.status.acceptedNames and crd_status.says(crd, accepted):
            return False

        def change(new: CustomResourceDefinition) -> None:
            new.status.acceptedNames = codec.clone(names)
            self._set(new, accepted)
            if established is not None:
                self._set(new, established)

        await self._write(crd.metadata.name, change)
        for other in self._others(crd.spec.group):
            if other.metadata.name != crd.metadata.name and not crd_status.named(other):
                self.look(other.metadata.name)
        return True

    async def _clean(self, crd: CustomResourceDefinition, serving: Serving | None) -> None:
        """Remove the definition's objects, then let it go."""
        from steersman.kinds.apiextensions import crd_status

        name = crd.metadata.name
        if crd_status.CLEANUP not in (crd.metadata.finalizers or ()):
            return
        done = crd_status.NEVER_ESTABLISHED
        if serving is not None:
            if not crd_status.says(crd, crd_status.DELETION_IN_PROGRESS):
                await self._write(name, lambda new: self._set(new, crd_status.DELETION_IN_PROGRESS))
            if await serving.remove_objects():
                self._wait(name, serving)
                return
            done = crd_status.DELETION_COMPLETED
        self._stop_waiting(name)

        def change(new: CustomResourceDefinition) -> None:
            self._set(new, done)
            left = [f for f in new.metadata.finalizers or () if f != crd_status.CLEANUP]
            new.metadata.finalizers = left or None

        await self._write(name, change, "finalize")

    def _wait(self, name: str, serving: Serving) -> None:
        """Look again when an object goes, and for good measure in a while."""
        if name not in self._ending:
            prefix = serving.registry.prefix
            self._ending[name] = self._app.store.observe(prefix, lambda _: self.look(name))
        self._app.deadlines.add(_AGAIN_SECONDS, lambda: self.look(name))

    def _stop_waiting(self, name: str) -> None:
        unobserve = self._ending.pop(name, None)
        if unobserve is not None:
            unobserve()

    # Writing

    def _set(self, crd: CustomResourceDefinition, condition: Any) -> None:
        from steersman.kinds.apiextensions import crd_status

        crd_status.set_condition(crd, condition, format_time(self._app.clock.now()))

    async def _write(
        self, name: str, change: Callable[[CustomResourceDefinition], None], subresource: str = "status"
    ) -> None:
        """Change a definition's status as the server itself, or with `finalize` its finalizers, too."""
        if self._registry is None:
            return

        async def changed(old: CustomResourceDefinition) -> CustomResourceDefinition:
            # What it specifies is not changed, and may be large: both share it.
            new = replace(old, metadata=codec.clone(old.metadata), status=codec.clone(old.status))
            change(new)
            return new

        await self._registry.update("", name, changed, Write(LOOPBACK, subresource=subresource), [])
