"""Deletes finished Jobs when their ttlSecondsAfterFinished is over."""

from __future__ import annotations

from datetime import datetime

from steersman.api.errors import NotFound
from steersman.api.meta import parse_time
from steersman.controller.declaration import Context, Controller, own
from steersman.controllers.job_plan import COMPLETE, FAILED, condition
from steersman.kinds.types.batch_v1 import Job


def seconds_left(job: Job, now: datetime) -> float | None:
    """Until the Job should go; None when it has not finished or has no time to live."""
    if job.spec.ttlSecondsAfterFinished is None or job.metadata.deletionTimestamp:
        return None
    end = condition(job, COMPLETE) or condition(job, FAILED)
    if end is None or not end.lastTransitionTime:
        return None
    return job.spec.ttlSecondsAfterFinished - (now - parse_time(end.lastTransitionTime)).total_seconds()


class TTLAfterFinished:
    def __init__(self, context: Context) -> None:
        self._client, self._clock = context.client, context.clock
        self._jobs = context.informers.informer(Job)

    async def reconcile(self, key: str) -> float | None:
        job = self._jobs.get(key)
        left = seconds_left(job, self._clock.now()) if job is not None else None
        if job is None or left is None or left > 0:
            return left
        # Only exactly the Job that was judged: somebody may have lengthened its life just now.
        meta = job.metadata
        try:
            await self._client.delete(
                Job,
                meta.name,
                meta.namespace,
                uid=meta.uid,
                resource_version=meta.resourceVersion,
                propagation="Foreground",
            )
        except NotFound:
            return None
        return None


CONTROLLER = Controller(
    name="ttlafterfinished",
    reconciler=TTLAfterFinished,
    watches=(own(Job),),
    component="ttl-after-finished-controller",
    account="ttl-after-finished-controller",
)
