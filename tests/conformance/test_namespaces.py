"""Namespaces as objects: their labels, finalizers and status."""

import pytest

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_should_apply_an_update_to_a_namespace(api, ns):
    """Namespaces should apply an update to a Namespace [Serial]"""
    path = f"/api/v1/namespaces/{ns}"
    updated = await api.change(path, lambda o: o["metadata"]["labels"].update({ns: "updated"}))
    assert updated["metadata"]["labels"][ns] == "updated"
    assert (await api.get(path))["metadata"]["labels"][ns] == "updated"


async def test_should_apply_changes_to_a_namespace_status(api, ns):
    """Namespaces should apply changes to a namespace status [Serial]"""
    path = f"/api/v1/namespaces/{ns}"
    assert (await api.get(f"{path}/status"))["status"]["phase"] == "Active"
    condition = {"type": "StatusPatch", "status": "True", "reason": "Test", "message": "Patched by the test"}
    patched = await api.patch(
        f"{path}/status",
        {"metadata": {"annotations": {"patched": "true"}}, "status": {"conditions": [condition]}},
    )
    assert condition.items() <= patched["status"]["conditions"][-1].items()
    another = {"type": "StatusUpdate", "status": "True", "reason": "Test", "message": "Updated by the test"}
    updated = await api.change(path, lambda o: o["status"]["conditions"].append(another), "/status")
    assert [c["type"] for c in updated["status"]["conditions"]] == ["StatusPatch", "StatusUpdate"]
    assert updated["status"]["phase"] == "Active"


async def test_should_apply_a_finalizer_to_a_namespace(api, unique):
    """Namespaces should apply a finalizer to a Namespace [Serial]"""
    await api.post("/api/v1/namespaces", {"metadata": {"name": unique}})
    path, finalizer = f"/api/v1/namespaces/{unique}", "example.com/test"
    updated = await api.change(path, lambda o: o["spec"]["finalizers"].append(finalizer), "/finalize")
    assert updated["spec"]["finalizers"] == ["kubernetes", finalizer]
    removed = await api.change(path, lambda o: o["spec"]["finalizers"].remove(finalizer), "/finalize")
    assert removed["spec"]["finalizers"] == ["kubernetes"]
    await api.delete(path)
    await api.gone(path)
