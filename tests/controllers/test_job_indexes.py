"""Jobs whose indexes fail one by one, and Jobs for which some indexes are enough."""

import pytest
from tests.controllers.test_job import INDEX, Batch

from steersman.controllers import garbagecollector, job
from steersman.controllers.job_success import matched
from steersman.controllers.job_tally import FAILURES, FINALIZER, IGNORED
from steersman.kinds.types.batch_v1 import Job, JobSpec, SuccessPolicy, SuccessPolicyRule
from steersman.kinds.types.core_v1 import Pod, ServiceAccount


@pytest.fixture
async def batch(world, make):
    await world.start(job, garbagecollector)
    await world.client.create(make(ServiceAccount, "default"))
    return Batch(world, make)


async def active(batch):
    """Active pods by index."""
    return {int(pod.metadata.annotations[INDEX]): pod for pod in await batch.pods(active=True)}


async def end(batch, index, code=0):
    await batch.finish((await active(batch))[index], code)


def indexed(completions, **spec):
    return {"completionMode": "Indexed", "completions": completions, "parallelism": completions, **spec}


async def test_all_indexes_run_although_some_fail(batch):
    await batch.create(**indexed(4, backoffLimitPerIndex=0))
    for index in range(4):
        await end(batch, index, code=index % 2)
    found = await batch.get()
    assert (found.status.completedIndexes, found.status.failedIndexes) == ("0,2", "1,3")
    assert (found.status.succeeded, found.status.failed) == (2, 2)
    assert await batch.conditions() == {"FailureTarget": "FailedIndexes", "Failed": "FailedIndexes"}
    assert not any(pod.metadata.finalizers for pod in await batch.pods())
    assert len(await batch.world.events("FailedIndexes")) == 1


async def test_an_index_has_its_own_limit_and_its_own_pause(batch):
    await batch.create(**indexed(2, backoffLimitPerIndex=1))
    assert {p.metadata.annotations[FAILURES] for p in (await active(batch)).values()} == {"0"}
    await end(batch, 0, code=1)
    assert list(await active(batch)) == [1]
    (failed,) = [pod for pod in await batch.pods() if pod.status.phase == "Failed"]
    assert FINALIZER in failed.metadata.finalizers, "it is kept until another takes its place"
    assert (await batch.get()).status.failed == 0
    await batch.world.pass_time(11)
    replacement = (await active(batch))[0]
    assert replacement.metadata.annotations[FAILURES] == "1"
    assert (await batch.get()).status.failed == 1
    await end(batch, 1)
    await end(batch, 0, code=1)
    found = await batch.get()
    assert (found.status.completedIndexes, found.status.failedIndexes) == ("1", "0")
    assert (found.status.succeeded, found.status.failed) == (1, 2)
    assert "Failed" in await batch.conditions()


async def test_one_index_does_not_wait_for_another(batch):
    await batch.create(**indexed(3, parallelism=2, backoffLimitPerIndex=5))
    await end(batch, 0, code=1)
    assert sorted(await active(batch)) == [1, 2]
    await end(batch, 1, code=1)
    await batch.world.pass_time(11)
    assert sorted(await active(batch)) == [0, 2]


async def test_the_pause_grows_with_the_failures_of_the_index(batch):
    await batch.create(**indexed(1, backoffLimitPerIndex=5))
    for wait in (10, 20, 40):
        await end(batch, 0, code=1)
        await batch.world.pass_time(wait - 2)
        assert await active(batch) == {}
        await batch.world.pass_time(3)
        assert list(await active(batch)) == [0]


async def test_too_many_failed_indexes(batch):
    await batch.create(**indexed(4, backoffLimitPerIndex=0, maxFailedIndexes=1))
    await end(batch, 0, code=1)
    assert await batch.conditions() == {}
    await end(batch, 1, code=1)
    reason = "MaxFailedIndexesExceeded"
    assert (await batch.conditions())["FailureTarget"] == reason
    assert await active(batch) == {}
    assert (await batch.get()).status.failedIndexes == "0,1"


async def test_a_rule_fails_an_index_at_once(batch):
    rules = [{"action": "FailIndex", "onExitCodes": {"operator": "In", "values": [42]}}]
    await batch.create(**indexed(2, backoffLimitPerIndex=5, podFailurePolicy={"rules": rules}))
    await end(batch, 0, code=42)
    await batch.world.pass_time(60)
    assert list(await active(batch)) == [1]
    assert (await batch.get()).status.failedIndexes == "0"
    await end(batch, 1)
    assert (await batch.conditions())["Failed"] == "FailedIndexes"


async def test_ignored_failures_do_not_count(batch):
    rules = [{"action": "Ignore", "onExitCodes": {"operator": "In", "values": [42]}}]
    await batch.create(**indexed(1, backoffLimitPerIndex=0, podFailurePolicy={"rules": rules}))
    await end(batch, 0, code=42)
    await batch.world.pass_time(11)
    replacement = (await active(batch))[0]
    annotations = replacement.metadata.annotations
    assert (annotations[FAILURES], annotations[IGNORED]) == ("0", "1")
    await end(batch, 0)
    assert "Complete" in await batch.conditions()
    assert (await batch.get()).status.failed == 0


async def test_the_limit_of_the_whole_job_counts_too(batch):
    await batch.create(**indexed(3, backoffLimitPerIndex=5, backoffLimit=1))
    await end(batch, 0, code=1)
    await end(batch, 1, code=1)
    assert (await batch.conditions())["FailureTarget"] == "BackoffLimitExceeded"
    assert (await batch.get()).status.failed == 3, "with the one that was ended"


async def test_pods_that_are_one_too_many_have_not_failed(batch):
    """Neither those of a Job that is suspended, nor those that a lower parallelism leaves no room for."""
    await batch.create(**indexed(3, backoffLimitPerIndex=0))
    await batch.patch(parallelism=1)
    await batch.world.end_pods()
    assert len(await active(batch)) == 1
    await batch.patch(suspend=True)
    await batch.world.end_pods()
    assert await active(batch) == {}
    found = await batch.get()
    assert (found.status.failed, found.status.failedIndexes) == (0, "")
    await batch.patch(suspend=False, parallelism=3)
    assert sorted(await active(batch)) == [0, 1, 2]
    for index in range(3):
        await end(batch, index)
    assert "Complete" in await batch.conditions()


async def test_a_deleted_job_lets_its_pods_go(batch):
    await batch.create(**indexed(1, backoffLimitPerIndex=5))
    await end(batch, 0, code=1)
    await batch.world.client.delete(Job, "j", "default", propagation="Background")
    await batch.world.settle()
    await batch.world.pass_time(30)
    assert await batch.world.all(Pod) == []


@pytest.mark.parametrize(
    ("rule", "ends"),
    [
        ({"succeededCount": 1}, [2]),
        ({"succeededIndexes": "0"}, [0]),
        ({"succeededIndexes": "0-3", "succeededCount": 2}, [3, 1]),
    ],
)
async def test_some_indexes_are_enough(batch, rule, ends):
    await batch.create(**indexed(4, successPolicy={"rules": [rule]}))
    for index in ends[:-1]:
        await end(batch, index)
        assert await batch.conditions() == {}
    await end(batch, ends[-1])
    assert await active(batch) == {}, "the others are ended"
    await batch.world.end_pods()
    assert await batch.conditions() == {"SuccessCriteriaMet": "SuccessPolicy", "Complete": "SuccessPolicy"}
    found = await batch.get()
    assert [c.message for c in found.status.conditions] == ["Matched rules at index 0"] * 2
    assert found.status.completedIndexes == ",".join(str(i) for i in sorted(ends))
    assert (found.status.succeeded, found.status.failed) == (len(ends), 0)
    assert found.status.completionTime


async def test_all_indexes_have_succeeded(batch):
    await batch.create(**indexed(2, successPolicy={"rules": [{"succeededCount": 2}]}))
    await end(batch, 0)
    await end(batch, 1)
    assert await batch.conditions() == {"SuccessCriteriaMet": "SuccessPolicy", "Complete": "SuccessPolicy"}


async def test_failure_goes_before_success(batch):
    policy = {"rules": [{"succeededIndexes": "1"}]}
    await batch.create(**indexed(2, backoffLimitPerIndex=0, successPolicy=policy))
    await end(batch, 0, code=1)
    await end(batch, 1)
    assert (await batch.conditions())["Failed"] == "FailedIndexes"


@pytest.mark.parametrize(
    ("rules", "succeeded", "expected"),
    [
        ([{"succeededIndexes": "0-2"}], {0, 1}, ""),
        ([{"succeededIndexes": "0-2"}], {0, 1, 2, 7}, "Matched rules at index 0"),
        ([{"succeededIndexes": "0-2", "succeededCount": 2}], {0, 2}, "Matched rules at index 0"),
        ([{"succeededIndexes": "0-2", "succeededCount": 2}], {0, 5}, ""),
        ([{"succeededIndexes": "9"}, {"succeededCount": 1}], {5}, "Matched rules at index 1"),
        # Indexes that the Job does not have are not waited for, but none at all is no rule.
        ([{"succeededIndexes": "9-99"}], {9}, "Matched rules at index 0"),
        ([{"succeededIndexes": "50"}], {9}, ""),
        ([{"succeededCount": 1}], set(), ""),
    ],
)
def test_rules(rules, succeeded, expected):
    policy = SuccessPolicy(rules=[SuccessPolicyRule(**rule) for rule in rules])
    assert matched(Job(spec=JobSpec(completions=10, successPolicy=policy)), succeeded) == expected
