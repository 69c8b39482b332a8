"""Counting only what has changed gives what counting everything gives."""

from __future__ import annotations

import random
from typing import Any

import pytest
from tests.apiserver.admission.test_quota import QUOTAS, pod, quota, used
from tests.apiserver.conftest import PODS, Api

from steersman.api import quantity
from steersman.apiserver.admission.quota_tally import _SLICE
from steersman.kinds.core import quota_usage
from steersman.kinds.types.core_v1 import Pod, ResourceQuota

HARD = {"pods": "1000", "count/pods": "1000", "requests.cpu": "1000", "requests.memory": "1000Gi"}


async def recount(api: Api, name: str = "q") -> dict[str, int]:
    """What a client that counts nothing is corrected to, in nanos."""
    nothing = dict.fromkeys(HARD, "0")
    await api.patch(f"{QUOTAS}/{name}/status", {"status": {"used": nothing}})
    return _nanos(await used(api, name))


def _nanos(amounts: dict[str, Any]) -> dict[str, int]:
    return {name: quantity.nano(amount) for name, amount in amounts.items()}


def everything(api: Api, name: str = "q") -> dict[str, int]:
    found = api.app.registries.get(ResourceQuota, "default", name)
    meter = quota_usage.meter("", "pods")
    assert meter is not None
    pods = [p for p in api.app.registries.list(Pod, "default") if meter.covers(found, p)]
    return _nanos(quota_usage.total([meter.usage(p, api.clock.now()) for p in pods], HARD))


@pytest.mark.parametrize("scopes", [[], ["NotTerminating"], ["Terminating", "NotBestEffort"]])
async def test_like_counting_everything(api: Api, scopes: list[str]) -> None:
    chance = random.Random(1)
    await quota(api, HARD, **({"scopes": scopes} if scopes else {}))
    there: list[str] = []
    for number in range(120):
        match chance.choice(("create", "create", "delete", "finish", "resize")) if there else "create":
            case "create":
                amounts = {"cpu": f"{chance.randrange(1, 9)}00m", "memory": chance.choice(("1Gi", "100M"))}
                deadline = {"activeDeadlineSeconds": 9} if chance.random() < 0.5 else {}
                await api.post(PODS, pod(f"p{number}", amounts, **deadline))
                there.append(f"p{number}")
            case "delete":
                name = there.pop(chance.randrange(len(there)))
                await api.delete(f"{PODS}/{name}?gracePeriodSeconds=0")
            case "finish":
                await api.patch(f"{PODS}/{chance.choice(there)}/status", {"status": {"phase": "Succeeded"}})
            case _:
                body = {"spec": {"containers": [{"name": "c", "resources": {"requests": {"cpu": "50m"}}}]}}
                name = chance.choice(there)
                await api.raw(
                    "PATCH", f"{PODS}/{name}/resize", body, {"content-type": "application/strategic-merge-patch+json"}
                )
        if chance.random() < 0.3:
            assert await recount(api) == everything(api)
    assert await recount(api) == everything(api)
    tallies = api.app.chain._environment.quotas.tallies
    assert [len(t) for t in tallies._kept.values()] == [len(there)]


async def test_many_at_once(api: Api) -> None:
    for number in range(3 * _SLICE):
        await api.post(PODS, pod(f"p{number}", {"cpu": "1", "memory": "1Gi"}))
    await quota(api, HARD)
    assert await recount(api) == everything(api)


async def test_a_pod_that_should_be_gone(api: Api) -> None:
    await quota(api, HARD)
    await api.post("/api/v1/nodes", {"metadata": {"name": "n"}})
    await api.post(PODS, pod("a", {"cpu": "1", "memory": "1Gi"}, nodeName="n"))
    await api.delete(f"{PODS}/a")
    await recount(api)
    assert await used(api) == {"pods": "1", "count/pods": "1", "requests.cpu": "1", "requests.memory": "1Gi"}
    await api.clock.advance(120)
    await recount(api)
    assert await used(api) == {"pods": "0", "count/pods": "1", "requests.cpu": "0", "requests.memory": "0"}
