"""CronJobs over the real API server, and the moments of schedules by tables."""

import zoneinfo
from datetime import UTC, datetime

import pytest

from steersman.api import cron
from steersman.controllers import cronjob
from steersman.controllers.cron_times import next_after, passed
from steersman.kinds.types.batch_v1 import CronJob, Job, JobCondition

TEMPLATE = {"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "x"}], "restartPolicy": "Never"}}}}
SPEC = {"schedule": "*/10 * * * *", "jobTemplate": TEMPLATE}


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


NEXT = [
    ("*/15 * * * *", "2024-01-01T10:07", "UTC", "2024-01-01T10:15"),
    ("*/15 * * * *", "2024-01-01T10:15", "UTC", "2024-01-01T10:30"),
    ("30 4 * * *", "2024-01-01T10:00", "UTC", "2024-01-02T04:30"),
    ("0 0 29 2 *", "2024-03-01T00:00", "UTC", "2028-02-29T00:00"),
    ("0 0 31 2 *", "2024-03-01T00:00", "UTC", None),
    ("0 9 * * mon", "2024-01-01T09:00", "UTC", "2024-01-08T09:00"),
    # Two lists of days are alternatives.
    ("0 0 13 * fri", "2024-01-01T00:00", "UTC", "2024-01-05T00:00"),
    ("0 12 1 */3 *", "2024-01-02T00:00", "UTC", "2024-04-01T12:00"),
    ("0 9 * * *", "2024-07-01T00:00", "Europe/Berlin", "2024-07-01T07:00"),
    ("0 9 * * *", "2024-01-01T00:00", "Europe/Berlin", "2024-01-01T08:00"),
    # Half past two does not come in the night when summer time begins.
    ("30 2 * * *", "2024-03-30T12:00", "Europe/Berlin", "2024-04-01T00:30"),
    ("@every 90s", "2024-01-01T10:00", "UTC", "2024-01-01T10:01:30"),
    ("@daily", "2024-02-28T10:00", "UTC", "2024-02-29T00:00"),
]


@pytest.mark.parametrize(("schedule", "after", "zone", "expected"), NEXT)
def test_next(schedule, after, zone, expected):
    found = next_after(cron.parse(schedule), at(after), zoneinfo.ZoneInfo(zone))
    assert found == (at(expected) if expected else None)


PASSED = [
    ("*/10 * * * *", "2024-01-01T10:00", "2024-01-01T10:09", None, 0),
    ("*/10 * * * *", "2024-01-01T10:00", "2024-01-01T10:35", "2024-01-01T10:30", 3),
    ("* * * * *", "2024-01-01T00:00", "2026-01-01T00:00", "2026-01-01T00:00", 101),
    ("@every 1m", "2024-01-01T00:00", "2024-02-01T00:00", "2024-02-01T00:00", 101),
]


@pytest.mark.parametrize(("schedule", "since", "now", "last", "count"), PASSED)
def test_passed(schedule, since, now, last, count):
    found = passed(cron.parse(schedule), at(since), at(now))
    assert (found.last, found.count) == (at(last) if last else None, count)


class Crons:
    def __init__(self, world, make):
        self.world, self.make = world, make

    async def create(self, **spec):
        await self.world.client.create(self.make(CronJob, "c", spec=SPEC | spec))
        await self.world.settle()

    async def get(self):
        return await self.world.client.get(CronJob, "c", "default")

    async def jobs(self):
        return sorted(await self.world.all(Job), key=lambda j: j.metadata.name)

    async def finish(self, name, type_="Complete"):
        job = await self.world.client.get(Job, name, "default")
        stamp = self.world.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
        interim = "SuccessCriteriaMet" if type_ == "Complete" else "FailureTarget"
        job.status.startTime = stamp
        job.status.completionTime = stamp if type_ == "Complete" else ""
        job.status.conditions = [
            JobCondition(type=t, status="True", lastTransitionTime=stamp) for t in (interim, type_)
        ]
        await self.world.client.update_status(job)
        await self.world.settle()


@pytest.fixture
async def crons(world, make):
    await world.start(cronjob)
    return Crons(world, make)


async def test_jobs_start_at_their_times(crons):
    await crons.create()
    assert await crons.jobs() == []
    await crons.world.pass_time(600)
    (job,) = await crons.jobs()
    minute = int(crons.world.clock.time()) // 600 * 10
    assert job.metadata.name == f"c-{minute}"
    assert job.metadata.ownerReferences[0].kind == "CronJob"
    assert "batch.kubernetes.io/cronjob-scheduled-timestamp" in job.metadata.annotations
    found = await crons.get()
    assert [ref.name for ref in found.status.active] == [job.metadata.name]
    assert found.status.lastScheduleTime
    await crons.finish(job.metadata.name)
    found = await crons.get()
    assert (found.status.active, found.status.lastSuccessfulTime != "") == (None, True)
    await crons.world.pass_time(600)
    assert len(await crons.jobs()) == 2


async def test_forbid_waits_for_the_one_before(crons):
    await crons.create(concurrencyPolicy="Forbid")
    await crons.world.pass_time(1300)
    (job,) = await crons.jobs()
    assert len(await crons.world.events("JobAlreadyActive")) == 1
    await crons.finish(job.metadata.name)
    await crons.world.pass_time(1)
    assert len(await crons.jobs()) == 2


async def test_replace_deletes_the_one_before(crons):
    await crons.create(concurrencyPolicy="Replace")
    await crons.world.pass_time(600)
    (before,) = await crons.jobs()
    await crons.world.pass_time(600)
    (after,) = await crons.jobs()
    assert before.metadata.name != after.metadata.name


async def test_suspended(crons):
    await crons.create(suspend=True)
    await crons.world.pass_time(3000)
    assert await crons.jobs() == []


async def test_history_is_limited(crons):
    await crons.create(successfulJobsHistoryLimit=1, failedJobsHistoryLimit=0)
    names = []
    for type_ in ("Complete", "Complete", "Failed"):
        await crons.world.pass_time(600)
        names.append((await crons.jobs())[-1].metadata.name)
        await crons.finish(names[-1], type_)
    assert [j.metadata.name for j in await crons.jobs()] == [names[1]]
