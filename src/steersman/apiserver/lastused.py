"""Notes on a Secret the day on which its token was last used, so that somebody can find out which nobody needs.

Since when that is done stands in a ConfigMap of kube-system.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from steersman.api import codec
from steersman.api.clock import Clock
from steersman.api.errors import NotFound, StatusError
from steersman.apiserver.admission.framework import LOOPBACK
from steersman.apiserver.registry import Write
from steersman.kinds.core.legacytoken import LAST_USED, NAMESPACE, SINCE, TRACKING, day_of
from steersman.kinds.types.core_v1 import ConfigMap, Secret
from steersman.kinds.types.meta_v1 import ObjectMeta

if TYPE_CHECKING:
    from steersman.apiserver.registries import Registries

log = logging.getLogger(__name__)


class LastUsed:
    """`used` is told of every use and costs nothing; `run` writes, at most once a day for each Secret."""

    def __init__(self, registries: Registries, clock: Clock) -> None:
        self._registries = registries
        self._clock = clock
        self._waiting: dict[tuple[str, str], None] = {}
        self._wake = asyncio.Event()

    def used(self, secret: Secret) -> None:
        if (secret.metadata.labels or {}).get(LAST_USED) != self._today():
            self._waiting[secret.metadata.namespace, secret.metadata.name] = None
            self._wake.set()

    async def run(self) -> None:
        await self.track()
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                namespace, name = next(iter(self._waiting))
                await self._note(namespace, name)
                del self._waiting[namespace, name]

    async def track(self) -> None:
        """Say since when, unless that is said already."""
        wanted = ConfigMap(metadata=ObjectMeta(name=TRACKING, namespace=NAMESPACE), data={SINCE: self._today()})

        async def mended(old: ConfigMap) -> ConfigMap:
            new = codec.clone(old)
            new.data = wanted.data
            return new

        try:
            found = self._registries.get(ConfigMap, NAMESPACE, TRACKING)
            if found is None:
                await self._registries.create(wanted)
            elif day_of((found.data or {}).get(SINCE, "")) is None:
                write = Write(LOOPBACK, admitted=True)
                await self._registries.of(ConfigMap).update(NAMESPACE, TRACKING, mended, write, [])
        except StatusError as error:
            log.warning("configmap %s/%s cannot be made: %s", NAMESPACE, TRACKING, error)

    async def _note(self, namespace: str, name: str) -> None:
        async def noted(old: Secret) -> Secret:
            new = codec.clone(old)
            new.metadata.labels = {**(old.metadata.labels or {}), LAST_USED: self._today()}
            return new

        try:
            # No request of anybody's: webhooks are not asked.
            write = Write(LOOPBACK, admitted=True)
            await self._registries.of(Secret).update(namespace, name, noted, write, [])
        except NotFound:
            # Deleted meanwhile.
            return
        except StatusError as error:
            log.warning("secret %s/%s: the use of its token cannot be noted: %s", namespace, name, error)

    def _today(self) -> str:
        return self._clock.now().date().isoformat()
