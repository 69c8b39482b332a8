"""Removes objects of kinds that are kept for a time only (events), once they have not changed for that long."""

from __future__ import annotations

from datetime import datetime

import msgspec

from steersman.api.meta import parse_time
from steersman.apiserver.cached import Cached
from steersman.apiserver.registries import Registries
from steersman.apiserver.registry import Registry
from steersman.store.errors import RevisionMismatch


class _Metadata(msgspec.Struct):
    creationTimestamp: str = ""


class _Series(msgspec.Struct):
    lastObservedTime: str | None = None


class _Dated(msgspec.Struct):
    metadata: _Metadata
    lastTimestamp: str | None = None
    eventTime: str | None = None
    series: _Series | None = None


_decode = msgspec.json.Decoder(_Dated).decode


def last_change(value: bytes) -> datetime | None:
    """When the object last told of something: the newest of the times that events carry, else its creation."""
    obj = _decode(value)
    times = (
        obj.series.lastObservedTime if obj.series else None, obj.lastTimestamp, obj.eventTime, obj.metadata.creationTimestamp,
    )  # fmt: skip
    return max((parse_time(t) for t in times if t), default=None)


def is_over(item: Cached, ttl: float, now: datetime) -> bool:
    changed = last_change(item.value)
    return changed is not None and (now - changed).total_seconds() > ttl


async def expire(registries: Registries, ttl: float, now: datetime) -> int:
    """Remove what has not changed for `ttl` seconds (0: nothing); returns how many. An object that changes meanwhile stays."""
    removed = 0
    for registry in registries.values():
        if ttl and registry.kind.expires:
            removed += await _expire(registry, ttl, now)
    return removed


async def _expire(registry: Registry, ttl: float, now: datetime) -> int:
    removed = 0
    for item in registry.cache.readable():
        if is_over(item, ttl, now):
            try:
                await registry.store.delete(item.key, item.revision)
            except RevisionMismatch:
                continue
            removed += 1
    return removed
