"""Jobs over the real API server, and their arithmetic by tables."""

import pytest

from steersman.api.errors import NotFound
from steersman.api.meta import format_time
from steersman.controllers import garbagecollector, job, ttlafterfinished
from steersman.controllers.job_tally import FINALIZER, format_indexes, parse_indexes
from steersman.kinds.types.batch_v1 import Job
from steersman.kinds.types.core_v1 import (
    ContainerState,
    ContainerStateTerminated,
    ContainerStatus,
    Pod,
    ServiceAccount,
)

TEMPLATE = {"spec": {"containers": [{"name": "c", "image": "x:1"}], "restartPolicy": "Never"}}


class Batch:
    def __init__(self, world, make):
        self.world, self.make = world, make

    async def create(self, **spec):
        await self.world.client.create(self.make(Job, "j", spec={"template": TEMPLATE} | spec))
        await self.world.settle()

    async def get(self):
        return await self.world.client.get(Job, "j", "default")

    async def conditions(self):
        return {c.type: c.reason for c in (await self.get()).status.conditions or () if c.status == "True"}

    async def pods(self, *, active=False):
        found = await self.world.all(Pod)
        if active:
            found = [
                p for p in found if p.status.phase in ("Pending", "Running", "") and not p.metadata.deletionTimestamp
            ]
        return sorted(found, key=lambda p: (p.metadata.annotations or {}).get(INDEX, p.metadata.name))

    async def finish(self, pod, code=0):
        """The pod ends with the exit code."""
        pod = await self.world.client.get(Pod, pod.metadata.name, "default")
        pod.status.phase = "Failed" if code else "Succeeded"
        ended = ContainerStateTerminated(exitCode=code, finishedAt=format_time(self.world.clock.now()))
        state = ContainerState(terminated=ended)
        pod.status.containerStatuses = [ContainerStatus(name="c", state=state, image="x:1", imageID="x")]
        await self.world.client.update_status(pod)
        await self.world.settle()

    async def patch(self, **spec):
        await self.world.client.patch(Job, "j", {"spec": spec}, "default")
        await self.world.settle()


INDEX = "batch.kubernetes.io/job-completion-index"


@pytest.fixture
async def batch(world, make):
    await world.start(job, ttlafterfinished, garbagecollector)
    await world.client.create(make(ServiceAccount, "default"))
    return Batch(world, make)


async def test_a_job_to_completion(batch):
    await batch.create(completions=3, parallelism=2)
    pods = await batch.pods()
    assert len(pods) == 2
    assert all(FINALIZER in p.metadata.finalizers for p in pods)
    found = await batch.get()
    assert (found.status.active, found.status.startTime != "") == (2, True)
    for _ in range(3):
        await batch.finish((await batch.pods(active=True))[0])
    found = await batch.get()
    assert (found.status.active, found.status.succeeded, found.status.failed) == (0, 3, 0)
    assert await batch.conditions() == {"SuccessCriteriaMet": "CompletionsReached", "Complete": "CompletionsReached"}
    assert found.status.completionTime
    assert len(await batch.pods()) == 3
    assert not any(p.metadata.finalizers for p in await batch.pods())
    assert len(await batch.world.events("Completed")) == 1


async def test_deleted_pods_are_replaced_and_ends_counted_once(batch):
    await batch.create(completions=2, parallelism=2)
    first, second = await batch.pods()
    await batch.finish(first)
    await batch.world.client.delete(Pod, first.metadata.name, "default", grace=0)
    await batch.world.client.delete(Pod, second.metadata.name, "default", grace=0)
    await batch.world.pass_time(30)
    found = await batch.get()
    assert (found.status.succeeded, found.status.failed, found.status.active) == (1, 1, 1)
    await batch.finish((await batch.pods(active=True))[0])
    assert (await batch.get()).status.succeeded == 2
    assert "Complete" in await batch.conditions()


async def test_failures_back_off_and_then_fail_the_job(batch):
    await batch.create(backoffLimit=2)
    for number, wait in enumerate((10, 20)):
        await batch.finish((await batch.pods(active=True))[0], code=1)
        assert await batch.pods(active=True) == []
        await batch.world.pass_time(wait - 2)
        assert await batch.pods(active=True) == []
        await batch.world.pass_time(3)
        assert len(await batch.pods(active=True)) == 1
        assert (await batch.get()).status.failed == number + 1
    await batch.finish((await batch.pods(active=True))[0], code=1)
    assert await batch.conditions() == {"FailureTarget": "BackoffLimitExceeded", "Failed": "BackoffLimitExceeded"}
    assert (await batch.get()).status.failed == 3
    assert len(await batch.world.events("BackoffLimitExceeded")) == 1


async def test_the_deadline_ends_active_pods(batch):
    await batch.create(activeDeadlineSeconds=60, parallelism=2, completions=2)
    for pod in await batch.pods():
        await batch.world.run_pod(pod, node="n")
    await batch.world.pass_time(61)
    assert await batch.conditions() == {"FailureTarget": "DeadlineExceeded"}
    await batch.world.end_pods()
    assert "Failed" in await batch.conditions()


async def test_indexes(batch):
    await batch.create(completions=4, parallelism=2, completionMode="Indexed")
    pods = await batch.pods()
    assert [p.metadata.annotations[INDEX] for p in pods] == ["0", "1"]
    assert pods[1].spec.hostname == "j-1"
    assert pods[0].spec.containers[0].env[0].name == "JOB_COMPLETION_INDEX"
    await batch.finish(pods[1])
    assert (await batch.get()).status.completedIndexes == "1"
    assert [p.metadata.annotations[INDEX] for p in await batch.pods(active=True)] == ["0", "2"]
    await batch.finish(pods[0], code=1)
    await batch.world.pass_time(11)
    assert [p.metadata.annotations[INDEX] for p in await batch.pods(active=True)] == ["0", "2"]
    for _ in range(3):
        await batch.finish((await batch.pods(active=True))[0])
    found = await batch.get()
    assert (found.status.completedIndexes, found.status.succeeded, found.status.failed) == ("0-3", 4, 1)
    assert "Complete" in await batch.conditions()


async def test_suspend_and_resume(batch):
    await batch.create(suspend=True)
    assert await batch.pods() == []
    assert await batch.conditions() == {"Suspended": "JobSuspended"}
    await batch.patch(suspend=False)
    assert len(await batch.pods(active=True)) == 1
    await batch.patch(suspend=True)
    await batch.world.end_pods()
    assert await batch.pods() == []
    found = await batch.get()
    assert (found.status.failed, found.status.startTime) == (0, "")
    await batch.patch(suspend=False)
    await batch.finish((await batch.pods(active=True))[0])
    assert "Complete" in await batch.conditions()


async def test_less_parallelism_ends_pods(batch):
    await batch.create(completions=5, parallelism=3)
    await batch.patch(parallelism=1)
    assert len(await batch.pods(active=True)) == 1


async def test_a_rule_fails_the_job_at_once(batch):
    rules = [
        {"action": "Ignore", "onExitCodes": {"operator": "In", "values": [7]}},
        {"action": "FailJob", "onExitCodes": {"operator": "In", "values": [42], "containerName": "c"}},
    ]
    await batch.create(podFailurePolicy={"rules": rules}, backoffLimit=0)
    await batch.finish((await batch.pods(active=True))[0], code=7)
    await batch.world.pass_time(11)
    assert (await batch.get()).status.failed == 0
    await batch.finish((await batch.pods(active=True))[0], code=42)
    assert await batch.conditions() == {"FailureTarget": "PodFailurePolicy", "Failed": "PodFailurePolicy"}
    message = (await batch.get()).status.conditions[0].message
    assert message.endswith("failed with exit code 42 matching FailJob rule at index 1")


async def test_time_to_live(batch):
    await batch.create(ttlSecondsAfterFinished=30)
    await batch.finish((await batch.pods())[0])
    await batch.world.pass_time(29)
    assert await batch.get()
    await batch.world.pass_time(2)
    await batch.world.end_pods()
    with pytest.raises(NotFound):
        await batch.get()
    assert await batch.pods() == []


async def test_pods_of_a_deleted_job_can_go(batch):
    await batch.create(parallelism=2, completions=2)
    await batch.world.client.delete(Job, "j", "default", propagation="Background")
    await batch.world.settle()
    await batch.world.end_pods()
    assert await batch.pods() == []


INDEXES = [
    (set(), ""),
    ({3}, "3"),
    ({0, 1}, "0,1"),
    ({0, 1, 2, 5, 7, 8, 9}, "0-2,5,7-9"),
]


@pytest.mark.parametrize(("indexes", "text"), INDEXES)
def test_index_lists(indexes, text):
    assert format_indexes(indexes) == text
    assert parse_indexes(text) == indexes
