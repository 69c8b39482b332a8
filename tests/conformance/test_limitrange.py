"""LimitRanges as objects."""

import pytest

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_should_list_patch_and_delete_a_limitrange_by_collection(api, ns, unique):
    """LimitRange should list, patch and delete a LimitRange by collection"""
    limit = {"type": "Container", "max": {"cpu": "500m", "memory": "500Mi"}, "min": {"cpu": "50m", "memory": "100Mi"}}
    ranges, other = f"/api/v1/namespaces/{ns}/limitranges", f"{ns}-2"
    body = {"metadata": {"name": "tested", "labels": {"of": unique}}, "spec": {"limits": [limit]}}
    await api.post("/api/v1/namespaces", {"metadata": {"name": other}})
    for namespace in (ns, other):
        await api.post(f"/api/v1/namespaces/{namespace}/limitranges", body, code=201)
    assert len(await api.items("/api/v1/limitranges", f"of={unique}")) == 2
    changed = limit | {"max": limit["max"] | {"memory": "600Mi"}}
    patch = {"metadata": {"labels": {unique: "patched"}}, "spec": {"limits": [changed]}}
    patched = await api.patch(f"{ranges}/tested", patch, "strategic")
    assert patched["metadata"]["labels"][unique] == "patched"
    assert patched["spec"]["limits"][0]["max"]["memory"] == "600Mi"
    await api.delete_all(ranges, f"{unique}=patched")
    await api.until(ranges, lambda found: not found["items"])
    (left,) = await api.items("/api/v1/limitranges", f"of={unique}")
    assert left["metadata"]["namespace"] == other
    await api.delete(f"/api/v1/namespaces/{other}")
