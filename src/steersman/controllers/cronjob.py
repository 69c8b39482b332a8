"""Starts the Jobs of CronJobs at their times, and keeps a limited history of them."""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, tzinfo

from steersman.api import codec, cron
from steersman.api.errors import AlreadyExists, NotFound, StatusError
from steersman.api.meta import format_time, parse_time
from steersman.client.events import reference
from steersman.client.informer import by_controller_uid
from steersman.controller.declaration import Context, Controller, own, owned
from steersman.controller.freshness import SOON, Writes
from steersman.controller.ownership import controller_reference, is_controlled_by
from steersman.controller.pod_control import namespace_ends
from steersman.controllers.cron_times import MANY, next_after, passed
from steersman.controllers.job_plan import COMPLETE, FAILED, condition, is_finished
from steersman.kinds.types.batch_v1 import CronJob, Job
from steersman.kinds.types.core_v1 import ObjectReference
from steersman.kinds.types.meta_v1 import ObjectMeta

SCHEDULED_AT = "batch.kubernetes.io/cronjob-scheduled-timestamp"
# A little later than the moment itself, so that clocks that differ by a little see it as passed; seconds.
LATER = 0.1


class CronJobs:
    def __init__(self, context: Context) -> None:
        self._client, self._clock, self._recorder = context.client, context.clock, context.recorder
        self._crons = context.informers.informer(CronJob)
        self._jobs = context.informers.informer(Job)
        self._jobs.add_index("controller", by_controller_uid)
        self._writes = Writes()

    async def reconcile(self, key: str) -> float | None:
        cached = self._crons.get(key)
        if cached is None:
            self._writes.forget(key)
            return None
        if not self._writes.seen(key):
            return SOON
        cronjob = codec.clone(cached)
        jobs = self._jobs.by("controller", cronjob.metadata.uid)
        await self._clean(key, cronjob, jobs)
        self._follow(cronjob, jobs)
        again = None
        if not cronjob.metadata.deletionTimestamp and not cronjob.spec.suspend:
            again = await self._start_due(key, cronjob, jobs)
        if cronjob.status != cached.status:
            try:
                stored = await self._client.update_status(cronjob)
            except NotFound:
                return None
            self._writes.wrote(key, self._crons, stored.metadata.resourceVersion)
        return again

    # The past

    def _follow(self, cronjob: CronJob, jobs: list[Job]) -> None:
        """Make the list of active Jobs true, and remember the last success."""
        known = {ref.uid: ref for ref in cronjob.status.active or ()}
        present = {job.metadata.uid: job for job in jobs}
        for uid, ref in list(known.items()):
            job = present.get(uid)
            if job is None:
                self._recorder.event(cronjob, "Normal", "MissingJob", f"Active job went missing: {ref.name}")
                del known[uid]
            elif is_finished(job):
                end = condition(job, COMPLETE) or condition(job, FAILED)
                text = f"Saw completed job: {ref.name}, condition: {end.type if end is not None else ''}"
                self._recorder.event(cronjob, "Normal", "SawCompletedJob", text)
                del known[uid]
        for job in jobs:
            if not is_finished(job) and job.metadata.uid not in known:
                text = f"Saw a job that the controller did not create or forgot: {job.metadata.name}"
                self._recorder.event(cronjob, "Warning", "UnexpectedJob", text)
        ends = [job.status.completionTime for job in jobs if condition(job, COMPLETE) is not None]
        cronjob.status.lastSuccessfulTime = max([cronjob.status.lastSuccessfulTime, *ends])
        cronjob.status.active = list(known.values()) or None

    async def _clean(self, key: str, cronjob: CronJob, jobs: list[Job]) -> None:
        for job in expired(cronjob, jobs):
            if await self._delete(key, job):
                self._recorder.event(cronjob, "Normal", "SuccessfulDelete", f"Deleted job {job.metadata.name}")

    async def _delete(self, key: str, job: Job) -> bool:
        version = await self._client.delete_seen(job, propagation="Background")
        if version is None:
            return False
        self._writes.wrote(key, self._jobs, version)
        return True

    # The present

    async def _start_due(self, key: str, cronjob: CronJob, jobs: list[Job]) -> float | None:
        """Start the Job whose time has come, if any; the seconds until the next time."""
        now = self._clock.now()
        try:
            schedule, zone = cron.parse(cronjob.spec.schedule), zone_of(cronjob)
        except (cron.CronError, zoneinfo.ZoneInfoNotFoundError) as e:
            text = f"unparseable schedule: {cronjob.spec.schedule} : {e}"
            self._recorder.event(cronjob, "Warning", "UnparseableSchedule", text)
            return None
        earliest = _earliest(cronjob, now)
        due = passed(schedule, earliest, now, zone)
        if due.count > MANY:
            text = "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew"
            self._recorder.event(cronjob, "Warning", "TooManyMissedTimes", text)
        if due.last is not None:
            await self._start(key, cronjob, jobs, due.last, now)
        coming = next_after(schedule, now if due.last is not None else max(earliest, now), zone)
        return (coming - now).total_seconds() + LATER if coming is not None else None

    async def _start(self, key: str, cronjob: CronJob, jobs: list[Job], due: datetime, now: datetime) -> None:
        limit = cronjob.spec.startingDeadlineSeconds
        if limit is not None and due + timedelta(seconds=limit) < now:
            text = f"Missed scheduled time to start a job: {format_time(due)}"
            self._recorder.event(cronjob, "Warning", "MissSchedule", text)
            return
        active = cronjob.status.active or []
        if active and cronjob.spec.concurrencyPolicy == "Forbid":
            text = "Not starting job because prior execution is running and concurrency policy is Forbid"
            self._recorder.event(cronjob, "Normal", "JobAlreadyActive", text)
            return
        if cronjob.spec.concurrencyPolicy == "Replace":
            for job in jobs:
                if any(ref.uid == job.metadata.uid for ref in active):
                    await self._delete(key, job)
            cronjob.status.active = None
        started = await self._create(key, cronjob, due)
        if started is not None:
            cronjob.status.active = [*(cronjob.status.active or ()), started]
        cronjob.status.lastScheduleTime = format_time(due)

    async def _create(self, key: str, cronjob: CronJob, due: datetime) -> ObjectReference | None:
        """Create the Job of that time; None when it has been there and finished, or its namespace is ending."""
        wanted = new_job(cronjob, due)
        try:
            job = await self._client.create(wanted)
        except AlreadyExists:
            job = await self._client.get(Job, wanted.metadata.name, wanted.metadata.namespace)
            if not is_controlled_by(job, cronjob):
                raise
            return None if is_finished(job) else reference(job)
        except StatusError as e:
            if namespace_ends(e):
                return None
            self._recorder.event(cronjob, "Warning", "FailedCreate", f"Error creating job: {e}")
            raise
        self._writes.wrote(key, self._jobs, job.metadata.resourceVersion)
        self._recorder.event(cronjob, "Normal", "SuccessfulCreate", f"Created job {job.metadata.name}")
        return reference(job)


def zone_of(cronjob: CronJob) -> tzinfo:
    return zoneinfo.ZoneInfo(cronjob.spec.timeZone) if cronjob.spec.timeZone else UTC


def _earliest(cronjob: CronJob, now: datetime) -> datetime:
    """The moment after which times count: the last start, and nothing beyond the starting deadline."""
    since = parse_time(cronjob.status.lastScheduleTime or cronjob.metadata.creationTimestamp)
    if cronjob.spec.startingDeadlineSeconds is not None:
        since = max(since, now - timedelta(seconds=cronjob.spec.startingDeadlineSeconds))
    return since


def expired(cronjob: CronJob, jobs: Iterable[Job]) -> list[Job]:
    """The oldest finished Jobs beyond the history limits."""
    found: list[Job] = []
    by_age = sorted(jobs, key=lambda job: (job.status.startTime, job.metadata.name))
    for type_, limit in (
        (COMPLETE, cronjob.spec.successfulJobsHistoryLimit),
        (FAILED, cronjob.spec.failedJobsHistoryLimit),
    ):
        done = [job for job in by_age if condition(job, type_) is not None]
        if limit is not None and len(done) > limit:
            found += done[: len(done) - limit]
    return found


def new_job(cronjob: CronJob, due: datetime) -> Job:
    """The Job of a CronJob's time. Its name says the time, so that it is never made twice."""
    template = codec.clone(cronjob.spec.jobTemplate)
    stamp = due.astimezone(zone_of(cronjob)).isoformat().replace("+00:00", "Z")
    return Job(
        metadata=ObjectMeta(
            name=f"{cronjob.metadata.name}-{int(due.timestamp()) // 60}",
            namespace=cronjob.metadata.namespace,
            labels=template.metadata.labels,
            annotations={**(template.metadata.annotations or {}), SCHEDULED_AT: stamp},
            ownerReferences=[controller_reference(cronjob)],
        ),
        spec=template.spec,
    )


def _reference(job: Job) -> ObjectReference:
    return reference(job)


CONTROLLER = Controller(
    name="cronjob",
    reconciler=CronJobs,
    watches=(own(CronJob), owned(Job, CronJob)),
    workers=2,
    account="cronjob-controller",
)
