"""PodDisruptionBudgets as objects, and the controller that looks after them."""

import pytest

pytestmark = pytest.mark.asyncio(loop_scope="session")


def budget(name, unique, **spec):
    spec = {"selector": {"matchLabels": {"app": unique}}, **(spec or {"minAvailable": 1})}
    return {"metadata": {"name": name, "labels": {"of": unique}}, "spec": spec}


def budgets(ns):
    return f"/apis/policy/v1/namespaces/{ns}/poddisruptionbudgets"


def processed(obj):
    return obj["status"].get("observedGeneration", 0) >= obj["metadata"]["generation"]


async def test_should_list_and_delete_a_collection_of_poddisruptionbudgets(api, ns, unique):
    """DisruptionController Listing PodDisruptionBudgets for all namespaces should list and delete a collection of PodDisruptionBudgets"""
    other = f"{ns}-2"
    await api.post("/api/v1/namespaces", {"metadata": {"name": other}})
    for namespace, name in ((ns, "one"), (ns, "two"), (other, "one")):
        await api.post(budgets(namespace), budget(name, unique), code=201)
        await api.until(f"{budgets(namespace)}/{name}", processed)
    everywhere = "/apis/policy/v1/poddisruptionbudgets"
    assert len(await api.items(everywhere, f"of={unique}")) == 3
    assert len(await api.items(budgets(ns), f"of={unique}")) == 2
    await api.delete_all(budgets(ns), f"of={unique}")
    assert await api.items(budgets(ns)) == []
    assert len(await api.items(everywhere, f"of={unique}")) == 1
    await api.delete(f"/api/v1/namespaces/{other}")


async def test_should_create_a_poddisruptionbudget(api, ns, unique):
    """DisruptionController should create a PodDisruptionBudget"""
    path = f"{budgets(ns)}/tested"
    await api.post(budgets(ns), budget("tested", unique), code=201)
    await api.until(path, processed)
    updated = await api.change(path, lambda o: o["spec"].update(minAvailable="2%"))
    assert updated["spec"]["minAvailable"] == "2%"
    assert updated["metadata"]["generation"] == 2
    await api.until(path, processed)
    patched = await api.patch(path, {"spec": {"minAvailable": "3%"}}, "strategic")
    assert patched["spec"]["minAvailable"] == "3%"
    await api.until(path, processed)
    await api.delete(path)
    await api.gone(path)
