"""Keeping objects that are in use: a finalizer on each, which goes when the object is deleted and nobody uses it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from steersman.api import codec
from steersman.api.errors import NotFound
from steersman.client.rest import ApiObject
from steersman.controller.declaration import Context

T = TypeVar("T", bound=ApiObject)


class Protection(Generic[T]):
    """`in_use` tells by the cache whether an object is in use; it may be asked often and be a little late."""

    def __init__(self, context: Context, type_: type[T], finalizer: str, in_use: Callable[[T], bool]) -> None:
        self._client = context.client
        self._type, self._finalizer, self._in_use = type_, finalizer, in_use
        self._objects = context.informers.informer(type_)

    async def reconcile(self, key: str) -> float | None:
        found = self._objects.get(key)
        if found is None:
            return None
        finalizers = found.metadata.finalizers or []
        if found.metadata.deletionTimestamp:
            if self._finalizer in finalizers and not self._in_use(found) and not await self.in_use_by_now(found):
                await self._set(found, [f for f in finalizers if f != self._finalizer])
        elif self._finalizer not in finalizers:
            # From before there was protection, or somebody took it away.
            await self._set(found, [*finalizers, self._finalizer])
        return None

    async def in_use_by_now(self, found: T) -> bool:
        """What the server itself says, where a late cache would cost somebody's data."""
        return False

    async def _set(self, found: T, finalizers: list[str]) -> None:
        changed = codec.clone(found)
        changed.metadata.finalizers = finalizers or None
        try:
            await self._client.update(changed)
        except NotFound:
            return
