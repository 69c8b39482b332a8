"""Deletes finished Jobs when their ttlSecondsAfterFinished is over."""

from __future__ import annotations

from datetime import datetime

from steersman.api.meta import parse_time
from steersman.controller.declaration import Context, Controller, own
from steersman.controller.expiry import Expiry
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


def _reconciler(context: Context) -> Expiry[Job]:
    # Only exactly the Job that was judged: somebody may have lengthened its life just now.
    return Expiry(context, Job, seconds_left, unchanged=True, propagation="Foreground")


CONTROLLER = Controller(
    name="ttlafterfinished",
    reconciler=_reconciler,
    watches=(own(Job),),
    component="ttl-after-finished-controller",
    account="ttl-after-finished-controller",
)
