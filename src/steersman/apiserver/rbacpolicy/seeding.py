"""Makes the default roles and bindings at the server's start, and puts right what is stored of them."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from steersman.api import codec
from steersman.api.errors import AlreadyExists, Conflict, NotFound
from steersman.apiserver.admission.framework import LOOPBACK
from steersman.apiserver.params import DeleteOptions, Preconditions
from steersman.apiserver.rbacpolicy.policy import objects
from steersman.apiserver.rbacpolicy.reconciliation import Verdict, migrated, reconciled
from steersman.apiserver.registry import Write
from steersman.kinds.types.rbac_v1 import ClusterRole

if TYPE_CHECKING:
    from steersman.apiserver.registries import Registries
    from steersman.apiserver.registry import Registry

log = logging.getLogger(__name__)
_TRIES = 4
_AGGREGATED = ("admin", "edit", "view")


async def seed(registries: Registries) -> None:
    """All at once, so that the store commits them together; nothing is written when all is as it should be."""
    await _migrate(registries.of(ClusterRole))
    async with asyncio.TaskGroup() as group:
        for expected in objects():
            registry = registries.of(type(expected))
            meta = expected.metadata
            if registry.key(meta.namespace, meta.name) in registry.cache.unreadable:
                # It is there, and nobody knows what it says.
                continue
            cached = registry.cache.get(meta.namespace, meta.name)
            if cached is None:
                group.create_task(_make(registry, expected))
            elif reconciled(registry.at(cached.value, cached.revision), expected)[0] is not Verdict.KEEP:
                group.create_task(_mend(registry, expected))


async def _migrate(roles: Registry) -> None:
    """Who has made a role of such a name keeps its rules, which aggregation would replace."""
    for name in _AGGREGATED:
        part = f"system:aggregate-to-{name}"
        if any(roles.key("", one) in roles.cache.unreadable for one in (name, part)):
            continue
        if roles.cache.get("", name) is None or roles.cache.get("", part) is not None:
            continue
        before = roles.get("", name)
        if before.aggregationRule is None:
            with suppress(AlreadyExists):
                await roles.create(migrated(before, part), "", Write(LOOPBACK), [])


async def _make(registry: Registry, expected: Any) -> None:
    try:
        # Tests have checked what is declared here: checking it at every start would take most of the time.
        await registry.plant(codec.clone(expected))
    except AlreadyExists:
        # Another API server on the same store was faster.
        await _mend(registry, expected)


async def _mend(registry: Registry, expected: Any) -> None:
    meta = expected.metadata
    for _ in range(_TRIES):
        try:
            current = registry.get(meta.namespace, meta.name)
            verdict, new = reconciled(current, expected)
            if verdict is Verdict.RECREATE:
                this = DeleteOptions(preconditions=Preconditions(uid=current.metadata.uid))
                await registry.delete(meta.namespace, meta.name, this, Write(LOOPBACK))
                await registry.create(new, meta.namespace, Write(LOOPBACK), [])
            elif verdict is Verdict.UPDATE:
                await registry.update(meta.namespace, meta.name, partial(_wanted, expected), Write(LOOPBACK), [])
        except (AlreadyExists, Conflict, NotFound):
            # It came or went meanwhile: once more.
            continue
        if verdict is not Verdict.KEEP:
            log.info("%s %s: %sd, as it lacked what it must have", registry.resource.plural, meta.name, verdict.value)
        return
    raise Conflict.of(registry.resource, meta.name)


async def _wanted(expected: Any, current: Any) -> Any:
    return reconciled(current, expected)[1]
