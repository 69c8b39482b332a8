"""Encryption at rest as the API server runs it: the configuration and its reloading, the plugins' health, rewriting, status.

Made before the store is opened, because it gives the store its keys; bound to the App afterwards.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from steersman.api import configuration
from steersman.api.clock import Clock
from steersman.api.configuration import ConfigurationError
from steersman.api.http import Response
from steersman.api.metrics import Metric
from steersman.apiserver.context import Context
from steersman.apiserver.encryption import built, paths
from steersman.apiserver.encryption.built import NOTHING, Built, Dial, key_hash
from steersman.apiserver.encryption.plugin import Plugin
from steersman.apiserver.encryption.rewriting import Rewriting, told
from steersman.apiserver.encryption.table import Tables, shown
from steersman.apiserver.reloads import Reloads
from steersman.store.sealing import PLAIN, Origin

if TYPE_CHECKING:
    from steersman.apiserver.encryption.kms import KMSProvider
    from steersman.apiserver.registry import Registry
    from steersman.apiserver.server import App

log = logging.getLogger(__name__)

RELOAD_SECONDS = 1.0
"""Between two looks at the file: rotating keys waits for them."""
CLOSE_SECONDS = 10.0
"""How long the plugins of a configuration that was replaced may still be asked."""
SHOWN = 100
_HEALTH = ("/healthz", "/readyz")


class Encryption:
    """`tables` is what the store is to be opened with. `prime` comes before that, `bind` after, `run` as long as it serves."""

    def __init__(self, clock: Clock, path: Path | None = None, *, reload: bool = False, dial: Dial = Plugin) -> None:
        """Reads the configuration. Raises ConfigurationError."""
        self._clock, self._path, self._dial = clock, path, dial
        self.reloads = reload and path is not None
        self._seen = b"" if path is None else configuration.read_bytes(path)
        self._built = NOTHING if path is None else self._build(self._seen, path)
        self.tables = Tables(self._built.table, active=path is not None)
        self._app: App | None = None
        self._rewriting: Rewriting | None = None
        # What a file says that is good, but for a plugin that does not answer yet.
        self._candidate: Built | None = None
        self.reloads_done = Reloads(clock, self._seen)

    def _build(self, content: bytes, path: Path) -> Built:
        # Most servers have no configuration, and do without the libraries.
        from steersman.apiserver.encryption.build import build

        return build(content, path, self._clock, self._dial)

    async def prime(self) -> None:
        """Asks the plugins once, so that what they have encrypted can be read. What they lack is logged: they may come later."""
        await asyncio.gather(*(self._probe(plugin) for plugin in self._built.plugins))

    def bind(self, app: App) -> None:
        """The App whose store has the tables."""
        self._app = app
        self._rewriting = Rewriting(app.store)

    def report(self) -> None:
        """Logs what cannot be read."""
        if self._app is None:
            return
        sealed = sorted(self._app.store.sealed)
        if sealed:
            more = f" and {len(sealed) - SHOWN} more" if len(sealed) > SHOWN else ""
            log.error(
                "%d objects cannot be decrypted and are not served: %s%s", len(sealed), ", ".join(sealed[:SHOWN]), more
            )

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            if self._rewriting is not None:
                group.create_task(self._rewriting.run())
            if self.reloads:
                group.create_task(self._reload(group))
            if self._path is not None:
                group.create_task(self._keep_plugins())

    def close(self) -> None:
        """Hangs up on the plugins."""
        self._built.close()

    # The configuration.

    async def _reload(self, group: asyncio.TaskGroup) -> None:
        while True:
            await self._clock.sleep(RELOAD_SECONDS)
            old = self._built
            if await self.look():
                group.create_task(self._close_later(old))

    async def _close_later(self, built: Built) -> None:
        await self._clock.sleep(CLOSE_SECONDS)
        built.close()

    async def look(self) -> bool:
        """Takes what the file says now, if that is new and good; whether it was."""
        if self._path is None:
            return False
        try:
            content = configuration.read_bytes(self._path)
            if content != self._seen:
                self._seen = content
                self._candidate = self._build(content, self._path)
        except ConfigurationError as error:
            self.reloads_done.failed()
            self._candidate = None
            log.error("the encryption configuration of before stays in force: %s", error)
            return False
        if self._candidate is None:
            return False
        wrong = [w for w in await asyncio.gather(*(self._probe(p) for p in self._candidate.plugins)) if w]
        if wrong:
            # The next look tries it again.
            self.reloads_done.failed()
            return False
        await self._take(self._candidate)
        return True

    async def _take(self, built: Built) -> None:
        self._candidate, self._built = None, built
        self.tables.table = built.table
        self.reloads_done.taken(self._seen)
        log.info("%s was read again and is in force", self._path)
        await self._reopen()
        self._warn_of_lost()

    def _warn_of_lost(self) -> None:
        """Tells of what is in memory and could not be read after a restart: somebody took a key away too early."""
        if self._app is None:
            return
        table = self.tables.table
        lost = [
            key
            for registry in self._registries()
            for key, origin in self._app.store.origins(registry.prefix)
            if origin is not None and not table.chain(key).reads(origin)
        ]
        if lost:
            log.error(
                "%d objects are stored in a way that the configuration cannot read: they are lost after a restart, such as %s",
                len(lost),
                lost[0],
            )

    async def _reopen(self) -> None:
        """Tries to read what could not be read."""
        if self._app is not None and self._app.store.sealed and (keys := await self._app.store.reopen()):
            log.info("%d objects can be decrypted again", len(keys))

    # Plugins.

    async def _probe(self, plugin: KMSProvider) -> str:
        before = plugin.health
        wrong = await asyncio.to_thread(plugin.probe)
        if wrong and wrong != before:
            log.error("kms plugin failed health check probe: %s", wrong)
        return wrong

    async def _keep_plugins(self) -> None:
        """Asks plugins how they are: often while one is not well."""
        while True:
            plugins = self._built.plugins
            wrong = any(plugin.health for plugin in plugins)
            blind = bool(self._app is not None and self._app.store.sealed)
            await self._clock.sleep(built.UNHEALTHY_SECONDS if wrong or blind else built.HEALTHY_SECONDS)
            await self.probe()

    async def probe(self) -> None:
        """Asks the plugins now."""
        if self._built.plugins:
            await asyncio.gather(*(self._probe(plugin) for plugin in self._built.plugins))
            await self._reopen()

    def metrics(self) -> Iterator[Metric]:
        """What is counted of the configuration; values and plugins are counted for the whole process."""
        if self._path is not None:
            yield from self.reloads_done.metrics("encryption")

    def checks(self) -> dict[str, Callable[[], bool]]:
        """Health checks by name, which tell how plugins were when they were last asked: one for each, or, where the
        configuration is read again and others may come, one for all."""
        if self.reloads:
            return {"kms-providers": lambda: self.healthy}
        return {f"kms-provider-{i}": partial(_healthy, plugin) for i, plugin in enumerate(self._built.plugins)}

    @property
    def healthy(self) -> bool:
        """Whether every plugin was well when it was last asked."""
        return not any(plugin.health for plugin in self._built.plugins)

    async def refresh(self) -> None:
        """Asks those plugins that were not asked for a while."""
        old = [plugin for plugin in self._built.plugins if not plugin.fresh()]
        if old:
            await asyncio.gather(*(self._probe(plugin) for plugin in old))

    # Requests.

    async def answer(self, ctx: Context) -> Response | None:
        """The answer to what `steer encryption` asks, None for every other path. Asks plugins before their health is told."""
        path = ctx.info.path
        if path.startswith(paths.ROOT):
            return await paths.answer(self, ctx)
        if path.startswith(_HEALTH) and self._built.plugins:
            await self.refresh()
        return None

    # Status and rewriting.

    def _registries(self) -> Iterable[Registry]:
        return () if self._app is None else self._app.registries.values()

    def status(self) -> dict[str, Any]:
        """What is stored under which provider and key, and how plugins and rewriting are."""
        sealed = () if self._app is None else self._app.store.sealed
        return {
            "configHash": self._built.digest,
            "reloads": dict(self.reloads_done.counts),
            "resources": list(self._resources()),
            "unreadable": sorted(sealed)[:SHOWN],
            "unreadableCount": len(sealed),
            "plugins": [
                {"name": p.name, "healthy": not p.health, "error": p.health, "keyIDHash": key_hash(p.origin.mark)}
                for p in self._built.plugins
            ],
            "rewrite": {} if self._rewriting is None else told(self._rewriting.progress),
        }

    def _resources(self) -> Iterator[dict[str, Any]]:
        """Resources that a rule names, or of which something is encrypted."""
        if self._app is None:
            return
        store = self._app.store
        for registry in self._registries():
            current = self.tables.current(f"{registry.prefix}-/-")
            counts = Counter(origin for _, origin in store.origins(registry.prefix))
            if current == PLAIN and set(counts) <= {PLAIN}:
                continue
            resource = registry.resource
            yield {
                "resource": shown(resource.group, resource.plural),
                "writes": _named(current),
                "stale": sum(n for origin, n in counts.items() if origin is not None and origin != current),
                "stored": [{**_named(origin), "objects": n} for origin, n in counts.items()],
            }

    def rewrite(self, resources: Iterable[str]) -> int:
        """Begins to write again what is stale of these resources (all, if there are none); the number of the rewriting.

        Raises KeyError for a resource that there is not, StatusError while another rewriting runs.
        """
        known = {shown(r.resource.group, r.resource.plural): r.prefix for r in self._registries()}
        prefixes = [known[name] for name in resources] or list(known.values())
        assert self._rewriting is not None
        return self._rewriting.begin(prefixes)


def _healthy(plugin: KMSProvider) -> bool:
    return not plugin.health


def _named(origin: Origin | None) -> dict[str, str]:
    if origin is None:
        return {"provider": "unreadable", "key": ""}
    if origin == PLAIN:
        return {"provider": "identity", "key": ""}
    shown_mark = {"keyIDHash": key_hash(origin.mark)} if origin.provider == "kms" else {}
    return {"provider": origin.provider, "key": origin.key, **shown_mark}
