"""A pod that comes right after its namespace waits for the namespace's default service account."""

from __future__ import annotations

import asyncio

from tests.apiserver.conftest import Api

ACCOUNTS = "/api/v1/namespaces/fresh/serviceaccounts"
PODS = "/api/v1/namespaces/fresh/pods"
POD = {"metadata": {"name": "a"}, "spec": {"containers": [{"name": "c", "image": "x"}]}}


async def test_the_default_account_is_waited_for(api: Api) -> None:
    await api.post("/api/v1/namespaces", {"metadata": {"name": "fresh"}})
    async with asyncio.TaskGroup() as group:
        creation = group.create_task(api.post(PODS, POD))
        await api.clock.advance(0)
        assert api.clock.sleepers
        await api.post(ACCOUNTS, {"metadata": {"name": "default"}})
        await api.clock.advance(0.2)
    assert creation.result()["spec"]["serviceAccountName"] == "default"


async def test_another_account_is_not(api: Api) -> None:
    await api.post("/api/v1/namespaces", {"metadata": {"name": "fresh"}})
    answer = await api.post(PODS, {**POD, "spec": {**POD["spec"], "serviceAccountName": "other"}}, code=403)
    assert 'error looking up service account fresh/other: serviceaccount "other" not found' in answer["message"]
