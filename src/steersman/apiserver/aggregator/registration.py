"""An APIService for every group version that this server serves itself: the decision for one, and carrying it out.

Those of the server's own kinds are brought to what they should be once, at the start, and are the administrator's from then
on. Those of custom resources follow their definitions. Others are left alone.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

from steersman.api import codec
from steersman.api.errors import AlreadyExists, Conflict, NotFound, StatusError
from steersman.api.meta import format_time
from steersman.apiserver.admission.framework import LOOPBACK
from steersman.apiserver.aggregator.priorities import CUSTOM, Key, Priority, name_of, registered
from steersman.apiserver.params import DeleteOptions, Preconditions
from steersman.apiserver.registry import Registry, Write
from steersman.kinds.apiregistration.apiservice_rules import LOCAL, says, tell
from steersman.kinds.types.apiregistration_v1 import APIService
from steersman.store.errors import CommitFailed

if TYPE_CHECKING:
    from steersman.apiserver.server import App

MANAGED = "kube-aggregator.kubernetes.io/automanaged"
ON_START, ALWAYS = "onstart", "true"


class Step(Enum):
    """What is to be done with one APIService."""

    NOTHING = auto()
    CREATE = auto()
    UPDATE = auto()
    DELETE = auto()


@dataclass(frozen=True, slots=True)
class Wanted:
    """An APIService as it should be; `managed` says for how long."""

    key: Key
    priority: Priority
    managed: str

    def build(self) -> APIService:
        obj, _ = codec.from_builtins(
            APIService,
            {
                "metadata": {"name": name_of(self.key), "labels": {MANAGED: self.managed}},
                "spec": {
                    "group": self.key[0],
                    "version": self.key[1],
                    "groupPriorityMinimum": self.priority.group,
                    "versionPriority": self.priority.version,
                },
            },
        )
        return obj


def decide(wanted: Wanted | None, found: APIService | None, *, at_start: bool, synced: bool) -> Step:
    """`at_start` tells whether it was there when the server started, `synced` whether it has been brought to order since."""
    if wanted is not None and wanted.managed == ON_START and synced:
        return Step.NOTHING
    if found is None:
        return Step.NOTHING if wanted is None else Step.CREATE
    managed = (found.metadata.labels or {}).get(MANAGED)
    if managed not in (ON_START, ALWAYS):
        return Step.NOTHING
    if managed == ON_START and (synced or not at_start):
        return Step.NOTHING
    if wanted is None:
        return Step.DELETE
    return Step.NOTHING if found.spec == wanted.build().spec else Step.UPDATE


class Registration:
    """Keeps the APIServices of one server's own group versions."""

    def __init__(self, app: App, registry: Registry) -> None:
        self._app = app
        self._registry = registry
        own = {(s.resource.group, s.resource.version) for s in app.catalog.served if _is_served(app, s)}
        self._own = {n: Wanted(key, priority, ON_START) for n, (key, priority) in registered(own).items()}
        self._at_start = {item.name for item in registry.cache.readable()}
        self._synced: set[str] = set()

    def _wanted(self) -> dict[str, Wanted]:
        keys = {(s.resource.group, s.resource.version) for s in self._app.custom.served}
        custom = {name_of(k): Wanted(k, CUSTOM, ALWAYS) for k in keys}
        return {**custom, **self._own}

    async def sync(self) -> None:
        """Bring all of them to where they should be. Raises StatusError, CommitFailed; what is done stays done."""
        wanted = self._wanted()
        names = sorted({*wanted, *(item.name for item in self._registry.cache.readable())})
        # Before any is written: one that cannot be decrypted is an error.
        others = [name for name in names if self._differs(name, wanted.get(name))]
        async with asyncio.TaskGroup() as group:
            # Together, because most of a write is waiting for its commit, which they share.
            tasks = [group.create_task(self._bring(name, wanted.get(name))) for name in others]
        for task in tasks:
            problem = task.result()
            if problem is not None:
                raise problem
        self._synced.update(names)

    def _differs(self, name: str, wanted: Wanted | None) -> bool:
        return self._step(name, wanted) is not Step.NOTHING or self._misjudged(name)

    def _found(self, name: str) -> APIService | None:
        found: APIService | None = self._app.registries.get(APIService, "", name)
        return found

    def _step(self, name: str, wanted: Wanted | None) -> Step:
        return decide(wanted, self._found(name), at_start=name in self._at_start, synced=name in self._synced)

    def _misjudged(self, name: str) -> bool:
        """What this server serves itself is available, also when it has been another server's before."""
        found = self._found(name)
        return found is not None and found.spec.service is None and not says(found, LOCAL)

    async def _bring(self, name: str, wanted: Wanted | None) -> StatusError | CommitFailed | None:
        """Do what is to be done about one; what has kept it from being done."""
        try:
            await self._do(name, wanted)
            if self._misjudged(name):
                await self._app.registries.change_status(APIService, "", name, self._judged)
        except (AlreadyExists, NotFound, Conflict):
            # Somebody else was faster, and we are told of what they did.
            return None
        except (StatusError, CommitFailed) as error:
            return error
        self._synced.add(name)
        return None

    def _judged(self, old: APIService) -> APIService:
        new = codec.clone(old)
        if new.spec.service is None:
            tell(new, LOCAL, format_time(self._app.clock.now()))
        return new

    async def _do(self, name: str, wanted: Wanted | None) -> None:
        step, found = self._step(name, wanted), self._found(name)
        if step is Step.CREATE and wanted is not None:
            await self._registry.create(wanted.build(), "", Write(LOOPBACK), [])
        elif step is Step.UPDATE and wanted is not None:
            await self._update(name, wanted.build())
        elif step is Step.DELETE and found is not None:
            options = DeleteOptions(preconditions=Preconditions(uid=found.metadata.uid))
            await self._registry.delete("", name, options, Write(LOOPBACK))

    async def _update(self, name: str, wanted: APIService) -> None:
        async def change(old: Any) -> Any:
            new = codec.clone(old)
            new.spec = wanted.spec
            return new

        await self._registry.update("", name, change, Write(LOOPBACK), [])


def _is_served(app: App, served: Any) -> bool:
    return bool(app.config.runtime.serves(served) and (served.kind.verbs or served.kind.stored))
