"""Deletes PodCertificateRequests after the time in which they are of use: a kubelet has its answer by then, or asks anew."""

from __future__ import annotations

from datetime import timedelta

from steersman.api.errors import NotFound
from steersman.api.meta import parse_time
from steersman.controller.declaration import Context, Controller, own
from steersman.kinds.types.certificates_v1 import PodCertificateRequest

LIFE = timedelta(minutes=15)


class Cleaner:
    def __init__(self, context: Context) -> None:
        self._client = context.client
        self._clock = context.clock
        self._requests = context.informers.informer(PodCertificateRequest)

    async def reconcile(self, key: str) -> float | None:
        found = self._requests.get(key)
        if found is None:
            return None
        meta = found.metadata
        left = (parse_time(meta.creationTimestamp) + LIFE - self._clock.now()).total_seconds()
        if left > 0:
            return left
        try:
            await self._client.delete(PodCertificateRequest, meta.name, meta.namespace, uid=meta.uid)
        except NotFound:
            # Somebody was faster.
            return None
        return None


CONTROLLER = Controller(
    name="podcertificaterequestcleaner",
    reconciler=Cleaner,
    watches=(own(PodCertificateRequest),),
    account="podcertificaterequestcleaner",
)
