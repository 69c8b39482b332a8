"""CronJobs: their verbs, and what their controller does as minutes pass."""

import pytest
from tests.conformance.patterns import Resource, operations

pytestmark = pytest.mark.asyncio(loop_scope="session")


def cronjob(policy, **spec):
    pod = {"restartPolicy": "OnFailure", "containers": [{"name": "c", "image": "busybox", "command": ["sleep", "300"]}]}
    spec = {"schedule": "*/1 * * * *", "concurrencyPolicy": policy, **spec}
    spec["jobTemplate"] = {"spec": {"template": {"spec": pod}}}
    return {"metadata": {"name": "tested"}, "spec": spec}


@pytest.fixture
def made(driven, unique):
    """Creates a CronJob in a namespace of its own: its path, and that of the Jobs."""

    async def make(obj):
        await driven.post("/api/v1/namespaces", {"metadata": {"name": unique}})
        root = f"/apis/batch/v1/namespaces/{unique}"
        await driven.post(f"{root}/cronjobs", obj, code=201)
        return f"{root}/cronjobs/tested", f"{root}/jobs"

    return make


async def active(api, path, count):
    """The names of the active Jobs, once there are that many. A minute may have to pass before."""
    await api.cluster.advance(60)
    found = await api.until(path, lambda o: len(o["status"].get("active", [])) >= count)
    return [reference["name"] for reference in found["status"]["active"]]


async def test_should_schedule_multiple_jobs_concurrently(driven, made):
    """CronJob should schedule multiple jobs concurrently"""
    path, jobs = await made(cronjob("Allow"))
    await active(driven, path, 1)
    names = await active(driven, path, 2)
    assert len(names) == 2
    assert {o["metadata"]["name"] for o in await driven.items(jobs)} >= set(names)
    await driven.delete(path)


async def test_should_not_schedule_jobs_when_suspended(driven, made):
    """CronJob should not schedule jobs when suspended [Slow]"""
    path, jobs = await made(cronjob("Allow", suspend=True))
    for _ in range(5):
        await driven.cluster.advance(60)
    assert await driven.items(jobs) == []
    assert "lastScheduleTime" not in (await driven.get(path))["status"]
    await driven.delete(path)


async def test_should_not_schedule_new_jobs_when_forbidconcurrent(driven, made):
    """CronJob should not schedule new jobs when ForbidConcurrent [Slow]"""
    path, jobs = await made(cronjob("Forbid"))
    (name,) = await active(driven, path, 1)
    for _ in range(5):
        assert await active(driven, path, 1) == [name]
    assert [o["metadata"]["name"] for o in await driven.items(jobs)] == [name]
    await driven.delete(path)


async def test_should_replace_jobs_when_replaceconcurrent(driven, made):
    """CronJob should replace jobs when ReplaceConcurrent"""
    path, jobs = await made(cronjob("Replace"))
    (first,) = await active(driven, path, 1)
    await driven.cluster.advance(60)
    await driven.until(path, lambda o: [r["name"] for r in o["status"].get("active", [])] not in ([], [first]))
    await driven.gone(f"{jobs}/{first}")
    assert len(await driven.items(jobs)) == 1
    await driven.delete(path)


async def test_should_support_cronjob_api_operations(api, ns, unique):
    """CronJob should support CronJob API operations"""
    obj = cronjob("Allow", schedule="0 0 29 2 1")
    resource = Resource("batch/v1", "cronjobs", ns)
    await operations(api, resource, obj, unique)
    await api.post(resource.path, obj)
    path = resource.named("tested")
    # In the past: the controller leaves such a time alone.
    time = "2026-01-01T00:00:00Z"
    patched = await api.patch(f"{path}/status", {"status": {"lastScheduleTime": time}})
    assert patched["status"]["lastScheduleTime"] == time
    later = "2026-01-02T00:00:00Z"
    updated = await api.change(path, lambda o: o["status"].update(lastScheduleTime=later), "/status")
    assert updated["status"]["lastScheduleTime"] == later
    assert (await api.get(f"{path}/status"))["metadata"]["uid"] == updated["metadata"]["uid"]
