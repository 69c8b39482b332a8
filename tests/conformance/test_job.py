"""A Job's way through the API while its pods run on simulated nodes."""

import pytest

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_should_manage_the_lifecycle_of_a_job(api, ns, unique):
    """Job should manage the lifecycle of a job"""
    jobs = f"/apis/batch/v1/namespaces/{ns}/jobs"
    path, labels = f"{jobs}/tested", f"job={unique}"
    pod = {"restartPolicy": "Never", "containers": [{"name": "c", "image": "busybox", "command": ["true"]}]}
    spec = {"suspend": True, "parallelism": 2, "completions": 4, "backoffLimit": 6, "template": {"spec": pod}}
    revision = (await api.get(jobs))["metadata"]["resourceVersion"]
    async with api.watch(jobs, labelSelector=labels, resourceVersion=revision) as watch:
        body = {"metadata": {"name": "tested", "labels": {"job": unique}}, "spec": spec}
        created = await api.post(jobs, body, code=201)
        patched = await api.patch(path, {"metadata": {"labels": {unique: "patched"}}}, "strategic")
        assert int(patched["metadata"]["resourceVersion"]) > int(created["metadata"]["resourceVersion"])
        await watch.until("MODIFIED", lambda o: o["metadata"]["labels"].get(unique) == "patched")

        def resume(obj):
            obj["spec"]["suspend"] = False
            obj["metadata"].setdefault("annotations", {})["updated"] = "true"

        await api.change(path, resume)
        await watch.until("MODIFIED", lambda o: o["metadata"].get("annotations", {}).get("updated") == "true")
        assert len(await api.items("/apis/batch/v1/jobs", labels)) == 1
        done = await api.until(path, lambda o: "completionTime" in o["status"])
        assert done["status"]["succeeded"] == 4
        complete = [c for c in done["status"]["conditions"] if c["type"] == "Complete"]
        assert [(c["status"], c["reason"]) for c in complete] == [("True", "CompletionsReached")]
        await api.delete(jobs, labelSelector=labels, propagationPolicy="Background")
        await watch.until("DELETED", lambda o: o["metadata"]["labels"]["job"] == unique)
    assert await api.items("/apis/batch/v1/jobs", labels) == []
    pods = f"/api/v1/namespaces/{ns}/pods"
    await api.until(pods, lambda found: found["items"] == [])
