"""Stored custom objects as one version has them: pruned and defaulted by today's schemas, and converted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from steersman.api.errors import InternalError
from steersman.api.untyped import Untyped
from steersman.apiserver.cached import Cached
from steersman.apiserver.crd.convert import Converter
from steersman.apiserver.crd.version import Version
from steersman.apiserver.splice import splice, unsplice

_REMEMBERED = 200_000
_decode = msgspec.json.Decoder().decode


class View:
    """One version's view of what is stored. What it has made of an object is remembered until the object changes."""

    def __init__(
        self, target: Version, versions: Mapping[str, Version], storage: Version, converter: Converter
    ) -> None:
        """`versions` by apiVersion: all in which objects may be stored."""
        self.target = target
        self._versions = versions
        self._storage = storage
        self._converter = converter
        self._memo: dict[str, Cached] = {}

    @property
    def immediate(self) -> bool:
        """Whether `now` can be used."""
        return self._converter.immediate or len(self._versions) == 1

    # Objects

    def stored(self, value: bytes) -> Untyped:
        """The object in the version in which it was stored."""
        plain = _decode(value)
        version = self._versions.get(plain.get("apiVersion", ""))
        if version is None:
            found = plain.get("apiVersion", "")
            raise InternalError.occurred(f"request to convert CR from an invalid group/version: {found}")
        return version.stored(plain)

    def _name(self, obj: Untyped) -> Untyped:
        """The object in this version, where only the name of the version must change."""
        target = self.target
        if obj.apiVersion == target.resource.api_version:
            return obj
        obj.apiVersion = target.resource.api_version
        return target.converted(obj)

    async def load(self, value: bytes) -> Untyped:
        """A stored object in this version, for its new owner to change."""
        obj = self.stored(value)
        if self.immediate:
            return self._name(obj)
        return (await self._convert([obj], self.target))[0]

    async def dump(self, obj: Untyped) -> bytes:
        """An object of this version as it is to be stored."""
        storage = self._storage
        if storage is self.target:
            return obj.encode()
        own = obj.clone()
        own.metadata.resourceVersion = ""
        if self._converter.immediate:
            own.apiVersion = storage.resource.api_version
            return storage.converted(own).encode()
        return (await self._convert([own], storage))[0].encode()

    async def _convert(self, objects: Sequence[Untyped], version: Version) -> list[Untyped]:
        wanted = version.resource.api_version
        moved = [o.apiVersion != wanted for o in objects]
        found = await self._converter.convert(objects, wanted)
        return [version.converted(o) if m else o for o, m in zip(found, moved, strict=True)]

    async def convert(self, obj: Untyped) -> Untyped:
        """An object of any version, which becomes the view's own, in this one."""
        if self.immediate:
            return self._name(obj)
        return (await self._convert([obj], self.target))[0]

    # Cached objects

    def now(self, item: Cached) -> Cached:
        """The object as this version has it; `item` itself where that is the same."""
        known = self._memo.get(item.key)
        if known is not None and known.revision == item.revision:
            return known
        return self._remember(item, self._name(self.stored(item.value)))

    async def items(self, items: Sequence[Cached]) -> list[Cached]:
        """As `now`, of many: what must be converted by somebody else goes to them at once."""
        if self.immediate:
            return [self.now(item) for item in items]
        out: list[Cached | None] = []
        missing: list[tuple[int, Cached]] = []
        for index, item in enumerate(items):
            known = self._memo.get(item.key)
            fresh = known is not None and known.revision == item.revision
            out.append(known if fresh else None)
            if not fresh:
                missing.append((index, item))
        if missing:
            objects = await self._convert([self.stored(item.value) for _, item in missing], self.target)
            for (index, item), obj in zip(missing, objects, strict=True):
                out[index] = self._remember(item, obj)
        return [item for item in out if item is not None]

    def _remember(self, item: Cached, obj: Untyped) -> Cached:
        value = obj.encode()
        if value != item.value:
            item = Cached(item.key, item.namespace, item.name, item.revision, value, item.describe, item.described)
        if len(self._memo) >= _REMEMBERED:
            self._memo.clear()
        self._memo[item.key] = item
        return item

    def bookmark(self, item: Cached) -> Cached:
        """A bookmark in this version's name."""
        plain: dict[str, Any] = _decode(item.value)
        plain["apiVersion"] = self.target.resource.api_version
        value = msgspec.json.encode(plain)
        return Cached(item.key, item.namespace, item.name, item.revision, value, item.describe)

    async def told(self, body: bytes) -> bytes:
        """Stored bytes, with their resourceVersion, as clients of this version read them."""
        if self._storage is self.target:
            return body
        obj = await self.load(unsplice(body))
        revision = _decode(body)["metadata"].get("resourceVersion")
        value = obj.encode()
        return splice(value, int(revision)) if revision else value
