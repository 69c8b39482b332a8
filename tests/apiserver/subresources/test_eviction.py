"""Evictions within disruption budgets."""

from typing import Any

from tests.apiserver.conftest import PODS, Api, pod

BUDGETS = "/apis/policy/v1/namespaces/default/poddisruptionbudgets"
EVICTION: dict[str, Any] = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "a"}}


async def running(api: Api, name: str = "a") -> None:
    body = pod(name)
    body["metadata"]["labels"] = {"app": "x"}
    await api.post(PODS, body)
    ready = [{"type": "Ready", "status": "True"}]
    await api.patch(f"{PODS}/{name}/status", {"status": {"phase": "Running", "conditions": ready}})


async def budget(api: Api, allowed: int, name: str = "b") -> None:
    spec = {"minAvailable": 1, "selector": {"matchLabels": {"app": "x"}}}
    made = await api.post(BUDGETS, {"metadata": {"name": name}, "spec": spec})
    status = {
        "disruptionsAllowed": allowed,
        "currentHealthy": 1 + allowed,
        "desiredHealthy": 1,
        "expectedPods": 1 + allowed,
        "observedGeneration": made["metadata"].get("generation", 0),
    }
    await api.patch(f"{BUDGETS}/{name}/status", {"status": status})


async def test_without_a_budget(api: Api) -> None:
    await running(api)
    await api.post(f"{PODS}/a/eviction?dryRun=All", EVICTION)
    await api.get(f"{PODS}/a")
    assert (await api.post(f"{PODS}/a/eviction", EVICTION, code=201))["status"] == "Success"
    await api.get(f"{PODS}/a", code=404)


async def test_a_budget_is_spent(api: Api) -> None:
    await running(api)
    await budget(api, 1)
    await api.post(f"{PODS}/a/eviction", EVICTION)
    status = (await api.get(f"{BUDGETS}/b"))["status"]
    assert status.get("disruptionsAllowed", 0) == 0
    assert list(status["disruptedPods"]) == ["a"]


async def test_an_empty_budget_refuses(api: Api) -> None:
    await running(api)
    await budget(api, 0)
    answer = await api.post(f"{PODS}/a/eviction", EVICTION, code=429)
    assert answer["reason"] == "TooManyRequests"
    assert answer["message"] == "Cannot evict pod as it would violate the pod's disruption budget."
    assert answer["details"]["causes"] == [
        {
            "reason": "DisruptionBudget",
            "message": "The disruption budget b needs 1 healthy pods and has 1 currently",
        }
    ]
    await api.get(f"{PODS}/a")


async def test_two_budgets(api: Api) -> None:
    await running(api)
    await budget(api, 1, "b")
    await budget(api, 1, "c")
    answer = await api.post(f"{PODS}/a/eviction", EVICTION, code=500)
    assert "more than one PodDisruptionBudget" in answer["message"]


async def test_a_pending_pod_costs_nothing(api: Api) -> None:
    body = pod()
    body["metadata"]["labels"] = {"app": "x"}
    await api.post(PODS, body)
    await budget(api, 0)
    await api.post(f"{PODS}/a/eviction", EVICTION)


async def test_refused(api: Api) -> None:
    await running(api)
    await api.post(f"{PODS}/a/eviction", {**EVICTION, "metadata": {"name": "b"}}, code=400)
    await api.post(f"{PODS}/no/eviction", EVICTION, code=400)
    await api.get(f"{PODS}/a/eviction", code=405)


async def test_an_unhealthy_pod_may_go_when_the_others_are_enough(api: Api) -> None:
    await running(api)
    await budget(api, 0)
    await api.patch(f"{PODS}/a/status", {"status": {"conditions": [{"type": "Ready", "status": "False"}]}})
    await api.post(f"{PODS}/a/eviction", EVICTION)
    assert "disruptedPods" not in (await api.get(f"{BUDGETS}/b"))["status"]


async def test_an_evicted_pod_says_so(api: Api) -> None:
    await running(api)
    await api.patch(f"{PODS}/a", {"metadata": {"finalizers": ["example.com/stay"]}})
    await api.post(f"{PODS}/a/eviction", EVICTION)
    conditions = (await api.get(f"{PODS}/a"))["status"]["conditions"]
    (told,) = [c for c in conditions if c["type"] == "DisruptionTarget"]
    assert (told["status"], told["reason"]) == ("True", "EvictionByEvictionAPI")


async def test_nothing_goes_while_a_budget_cannot_be_told(api: Api) -> None:
    await running(api)
    await budget(api, 0)
    failed = {"type": "DisruptionAllowed", "status": "False", "reason": "SyncFailed", "message": "why"}
    failed["lastTransitionTime"] = "2024-01-01T00:00:00Z"
    await api.patch(f"{BUDGETS}/b/status", {"status": {"conditions": [failed]}})
    answer = await api.post(f"{PODS}/a/eviction", EVICTION, code=429)
    assert answer["details"]["causes"][0]["message"].endswith("because it failed sync: why")


def evicting(**preconditions: str) -> dict[str, Any]:
    return {**EVICTION, "deleteOptions": {"preconditions": preconditions}}


async def test_preconditions_are_checked_before_anything_is_done(api: Api) -> None:
    await running(api)
    await budget(api, 1)
    for wrong in (evicting(resourceVersion="1"), evicting(uid="x")):
        await api.post(f"{PODS}/a/eviction", wrong, code=409)
    assert (await api.get(f"{BUDGETS}/b"))["status"]["disruptionsAllowed"] == 1
    assert [c["type"] for c in (await api.get(f"{PODS}/a"))["status"]["conditions"]] == ["Ready"]


async def test_the_condition_that_an_eviction_adds_does_not_break_its_precondition(api: Api) -> None:
    await running(api)
    found = (await api.get(f"{PODS}/a"))["metadata"]
    await api.post(f"{PODS}/a/eviction", evicting(resourceVersion=found["resourceVersion"], uid=found["uid"]))
    await api.get(f"{PODS}/a", code=404)
