"""ResourceQuota as an object, and what its controller makes of its status."""

import pytest

pytestmark = pytest.mark.asyncio(loop_scope="session")


def quota(unique, cpu, memory):
    return {
        "metadata": {"name": "quota", "labels": {"quota": unique}},
        "spec": {"hard": {"cpu": cpu, "memory": memory}},
    }


async def test_should_manage_the_lifecycle_of_a_resourcequota(api, ns, unique):
    """ResourceQuota should manage the lifecycle of a ResourceQuota"""
    path = f"/api/v1/namespaces/{ns}/resourcequotas"
    await api.post(path, quota(unique, "1", "500Mi"), code=201)
    assert (await api.get(f"{path}/quota"))["spec"]["hard"] == {"cpu": "1", "memory": "500Mi"}
    assert len(await api.items("/api/v1/resourcequotas", f"quota={unique}")) == 1
    patch = {"metadata": {"labels": {unique: "patched"}}, "spec": {"hard": {"memory": "750Mi"}}}
    patched = await api.patch(f"{path}/quota", patch, "strategic")
    assert patched["metadata"]["labels"][unique] == "patched"
    assert patched["spec"]["hard"] == {"cpu": "1", "memory": "750Mi"}
    await api.delete_all(path, f"quota={unique}")
    await api.get(f"{path}/quota", code=404)


async def test_should_apply_changes_to_a_resourcequota_status(driven, unique):
    """ResourceQuota should apply changes to a resourcequota status"""
    await driven.post("/api/v1/namespaces", {"metadata": {"name": unique}})
    all_of_them = f"/api/v1/namespaces/{unique}/resourcequotas"
    path = f"{all_of_them}/quota"
    revision = (await driven.get(all_of_them))["metadata"]["resourceVersion"]
    async with driven.watch(all_of_them, labelSelector=f"quota={unique}", resourceVersion=revision) as watch:
        await driven.post(all_of_them, quota(unique, "500m", "500Mi"))
        hard = {"cpu": "500m", "memory": "500Mi"}
        updated = await driven.change(path, lambda o: o.update(status={"hard": hard}), "/status")
        assert updated["status"]["hard"] == hard
        await watch.until("MODIFIED", lambda o: o["status"].get("hard") == hard)
        hard = {"cpu": "1", "memory": "1Gi"}
        await driven.patch(path, {"spec": {"hard": hard}}, "strategic")
        await driven.patch(f"{path}/status", {"status": {"hard": hard}}, "strategic")
        await watch.until("MODIFIED", lambda o: o["status"].get("hard") == hard)
        assert (await driven.get(f"{path}/status"))["status"]["hard"] == hard
        wrong = {"cpu": "2", "memory": "2Gi"}
        patched = await driven.patch(f"{path}/status", {"status": {"hard": wrong}}, "strategic")
        assert (patched["spec"]["hard"], patched["status"]["hard"]) == (hard, wrong)
        await watch.until("MODIFIED", lambda o: o["status"].get("hard") == wrong)
    # The controller looks at every quota from time to time, and puts its status right.
    await driven.cluster.advance(6 * 60)
    found = await driven.until(path, lambda o: o["status"]["hard"] == hard)
    assert found["spec"]["hard"] == hard
