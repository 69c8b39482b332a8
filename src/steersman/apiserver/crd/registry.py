"""Custom objects of one version: the write path of all kinds, between this version and the one that is stored."""

from __future__ import annotations

from typing import Any

import msgspec

from steersman.api.clock import Clock
from steersman.api.errors import Forbidden
from steersman.api.untyped import Untyped
from steersman.apiserver.admission.framework import Chain
from steersman.apiserver.crd.kind import CustomKind
from steersman.apiserver.crd.view import View
from steersman.apiserver.registry import Outcome, Registry, Write
from steersman.apiserver.watchcache import WatchCache
from steersman.kinds.types.meta_v1 import ObjectMeta
from steersman.store.protocol import Store

_ENDING = "create not allowed while custom resource definition is terminating"


class CustomRegistry(Registry):
    """Objects are judged in this version. Nothing new comes when their definition is being deleted."""

    def __init__(
        self,
        kind: CustomKind,
        store: Store,
        cache: WatchCache,
        chain: Chain,
        clock: Clock,
        view: View,
    ) -> None:
        super().__init__(kind, store, cache, chain, clock)
        self.view = view
        self._life = kind.life

    def decode(self, body: bytes) -> Untyped:
        """An object of this version, as it was encoded by it."""
        plain: dict[str, Any] = msgspec.json.decode(body)
        meta = msgspec.convert(plain.pop("metadata"), ObjectMeta)
        return Untyped(plain.pop("kind"), plain.pop("apiVersion"), meta, plain)

    def at(self, value: bytes, revision: int) -> Untyped:
        obj = self.view.stored(value)
        obj.metadata.resourceVersion = str(revision)
        return obj

    async def load(self, value: bytes, revision: int) -> Untyped:
        obj = await self.view.load(value)
        obj.metadata.resourceVersion = str(revision)
        return obj

    async def dump(self, obj: Untyped) -> bytes:
        return await self.view.dump(obj)

    async def create(self, obj: Any, namespace: str, write: Write, warnings: list[str], *, asked: str = "") -> Outcome:
        if self._life.ending:
            raise Forbidden.of(self.resource, obj.metadata.name, _ENDING)
        return await super().create(obj, namespace, write, warnings, asked=asked)
