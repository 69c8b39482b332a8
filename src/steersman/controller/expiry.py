"""Deletes the objects of one kind whose time is over: what all controllers that only do that have in common."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Generic, TypeVar

from steersman.client.rest import ApiObject, Propagation
from steersman.controller.declaration import Context

T = TypeVar("T", bound=ApiObject)


class Expiry(Generic[T]):
    """A reconciler. `seconds_left` says how long an object has still to stay, or None as long as that is not known.

    With `unchanged` only exactly what was judged is deleted. `fields` are those of the controller's watch.
    """

    def __init__(
        self,
        context: Context,
        type_: type[T],
        seconds_left: Callable[[T, datetime], float | None],
        *,
        fields: str = "",
        unchanged: bool = False,
        propagation: Propagation | None = None,
    ) -> None:
        self._client, self._clock = context.client, context.clock
        self._objects = context.informers.informer(type_, fields=fields)
        self._seconds_left = seconds_left
        self._unchanged, self._propagation = unchanged, propagation

    async def reconcile(self, key: str) -> float | None:
        found = self._objects.get(key)
        left = None if found is None else self._seconds_left(found, self._clock.now())
        if found is None or left is None or left > 0:
            return left
        await self._client.delete_seen(found, unchanged=self._unchanged, propagation=self._propagation)
        return None
