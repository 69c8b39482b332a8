"""All registries of a server, and the typed reads of what is durable by which admission and the server's parts look around."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

import msgspec
from msgspec import Struct

from steersman.api.errors import AlreadyExists
from steersman.api.meta import Resource
from steersman.apiserver.admission.framework import LOOPBACK
from steersman.apiserver.cached import Cached
from steersman.apiserver.registry import Registry, Write
from steersman.apiserver.watchcache import WatchCache

_LISTS, _LISTED = 1024, 16
_DECODED = 2048
# Larger objects are decoded again each time: remembering thousands of them would cost more than that.
_REMEMBERED_BYTES = 64 * 1024


class _Uid(Struct):
    uid: str = ""


class _Identified(Struct):
    metadata: _Uid


_identified = msgspec.json.Decoder(_Identified)


class Registries:
    """All kinds' objects, and typed reads of them for admission and the parts of the server."""

    def __init__(self) -> None:
        self._registries: dict[tuple[str, str], Registry] = {}
        self._by_type: dict[type[Any], Registry] = {}
        # The decoded object of a cached one, so that a namespace or service account is decoded once per change.
        self._decoded: dict[tuple[type[Any], str, str], tuple[int, Any]] = {}
        # Short lists, such as the few quotas of a namespace, that every write asks for; good until their cache changes.
        self._listed: dict[tuple[type[Any], str], tuple[WatchCache, int, list[Any]]] = {}

    def add(self, registry: Registry) -> None:
        resource = registry.resource
        self._registries[(resource.group, resource.plural)] = registry

    def remove(self, registry: Registry) -> None:
        """Forget the registry of a resource that is served no longer."""
        resource = registry.resource
        if self._registries.get((resource.group, resource.plural)) is registry:
            del self._registries[(resource.group, resource.plural)]

    def find(self, group: str, plural: str) -> Registry | None:
        return self._registries.get((group, plural))

    def of(self, cls: type[Any]) -> Registry:
        registry = self._by_type.get(cls)
        if registry is None:
            resource: Resource = cls.__resource__
            registry = self._by_type[cls] = self._registries[(resource.group, resource.plural)]
        return registry

    def get(self, cls: type[Any], namespace: str, name: str) -> Any:
        """The object, shared and not to be changed, or None."""
        registry = self.of(cls)
        cached = registry.cache.get(namespace, name)
        if cached is None:
            return None
        key = (cls, namespace, name)
        known = self._decoded.get(key)
        if known is not None and known[0] == cached.revision:
            return known[1]
        obj = registry.at(cached.value, cached.revision)
        if len(self._decoded) > _DECODED:
            self._decoded.clear()
        if len(cached.value) <= _REMEMBERED_BYTES:
            self._decoded[key] = (cached.revision, obj)
        return obj

    def list(self, cls: type[Any], namespace: str = "") -> list[Any]:
        """The objects, in the order of their keys; shared and not to be changed, nor is the list."""
        registry = self.of(cls)
        cache = registry.cache
        known = self._listed.get((cls, namespace))
        if known is not None and known[0] is cache and known[1] == cache.changed:
            return known[2]
        found = [registry.at(c.value, c.revision) for c in cache.list(namespace)]
        if len(self._listed) > _LISTS:
            self._listed.clear()
        if len(found) <= _LISTED:
            self._listed[cls, namespace] = cache, cache.changed, found
        return found

    def each(self, cls: type[Any], namespace: str = "") -> Iterator[Any]:
        """As `list` is now, decoding only what is taken; whoever takes one may keep it."""
        registry = self.of(cls)
        return (registry.at(cached.value, cached.revision) for cached in registry.cache.list(namespace))

    def versions(self, group: str, plural: str, namespace: str) -> Sequence[Cached]:
        registry = self.find(group, plural)
        return () if registry is None else registry.cache.list(namespace)

    def decode(self, cls: type[Any], version: Cached) -> Any:
        return self.of(cls).at(version.value, version.revision)

    def uid(self, group: str, plural: str, namespace: str, name: str) -> str:
        registry = self.find(group, plural)
        cached = registry.cache.get(namespace, name) if registry is not None else None
        return _identified.decode(cached.value).metadata.uid if cached is not None else ""

    def exists(self, group: str, plural: str, namespace: str, name: str) -> bool:
        registry = self.find(group, plural)
        return registry is not None and registry.cache.get(namespace, name) is not None

    def count(self, group: str, plural: str, namespace: str) -> int | None:
        registry = self.find(group, plural)
        return None if registry is None else registry.cache.count(namespace)

    async def create(self, obj: Any) -> None:
        with suppress(AlreadyExists):
            await self.of(type(obj)).create(obj, obj.metadata.namespace, Write(LOOPBACK), [])

    async def change_status(self, cls: type[Any], namespace: str, name: str, change: Callable[[Any], Any]) -> Any:
        async def changed(current: Any) -> Any:
            return change(current)

        write = Write(LOOPBACK, subresource="status")
        return (await self.of(cls).update(namespace, name, changed, write, [])).obj

    def values(self) -> Sequence[Registry]:
        return list(self._registries.values())
