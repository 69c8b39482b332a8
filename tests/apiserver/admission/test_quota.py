"""Quotas as a client meets them, with whoever counts usage played by the test."""

import asyncio
from typing import Any

import pytest
from tests.apiserver.conftest import ADMIN, MAPS, PODS, Api, config_map

from steersman.apiserver.admission import quota_line
from steersman.apiserver.admission.framework import CREATE, Review
from steersman.apiserver.admission.quota_ledger import Promise
from steersman.kinds.core import quota_usage
from steersman.kinds.types.core_v1 import ConfigMap, ResourceQuota
from steersman.kinds.types.meta_v1 import ObjectMeta

QUOTAS = "/api/v1/namespaces/default/resourcequotas"
SERVICES = "/api/v1/namespaces/default/services"
CLAIMS = "/api/v1/namespaces/default/persistentvolumeclaims"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"


def pod(name: str = "a", requests: Any = None, limits: Any = None, **spec: Any) -> dict[str, Any]:
    resources = {k: v for k, v in (("requests", requests), ("limits", limits)) if v is not None}
    containers = [{"name": "c", "image": "x", "resources": resources}]
    return {"metadata": {"name": name}, "spec": {"containers": containers, **spec}}


async def quota(
    api: Api, hard: dict[str, str], used: dict[str, str] | None = None, name: str = "q", **spec: Any
) -> None:
    """A quota whose usage has been counted."""
    await api.post(QUOTAS, {"metadata": {"name": name}, "spec": {"hard": hard, **spec}})
    status = {"hard": hard, "used": dict.fromkeys(hard, "0") | (used or {})}
    await api.patch(f"{QUOTAS}/{name}/status", {"status": status})


async def used(api: Api, name: str = "q") -> Any:
    return (await api.get(f"{QUOTAS}/{name}"))["status"]["used"]


async def test_exceeded(api: Api) -> None:
    await quota(api, {"pods": "2"})
    await api.post(PODS, pod("a"))
    await api.post(PODS, pod("b"))
    assert await used(api) == {"pods": "2"}
    answer = await api.post(PODS, pod("c"), code=403)
    assert (
        answer["message"]
        == 'pods "c" is forbidden: exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2'
    )
    assert answer["reason"] == "Forbidden"
    assert answer["details"] == {"name": "c", "kind": "pods"}


async def test_several_resources_are_named_in_order(api: Api) -> None:
    await quota(api, {"requests.memory": "1Gi", "requests.cpu": "1", "pods": "5"})
    answer = await api.post(PODS, pod("c", {"cpu": "1100m", "memory": "2Gi"}), code=403)
    assert answer["message"].endswith(
        "exceeded quota: q, requested: requests.cpu=1100m,requests.memory=2Gi, "
        "used: requests.cpu=0,requests.memory=0, limited: requests.cpu=1,requests.memory=1Gi"
    )


async def test_what_a_quota_limits_must_be_said(api: Api) -> None:
    await quota(api, {"limits.cpu": "1", "requests.memory": "1Gi", "requests.ephemeral-storage": "1Gi"})
    answer = await api.post(PODS, pod("c"), code=403)
    assert answer["message"] == (
        'pods "c" is forbidden: failed quota: q: must specify limits.cpu for: c; requests.memory for: c'
    )


async def test_nothing_is_admitted_before_usage_is_known(api: Api) -> None:
    await api.post(QUOTAS, {"metadata": {"name": "q"}, "spec": {"hard": {"pods": "1", "secrets": "1"}}})
    await api.post(PODS, pod("a"))
    await api.patch(f"{QUOTAS}/q/status", {"status": {"hard": {"pods": "1", "secrets": "1"}}})
    answer = await api.post(PODS, pod("b"), code=403)
    assert answer["message"] == 'pods "b" is forbidden: status unknown for quota: q, resources: pods'


async def test_never_too_many_at_once(api: Api) -> None:
    await quota(api, {"pods": "10", "count/pods": "12"})
    await quota(api, {"pods": "20"}, name="r")
    before = api.app.store.revision
    answers = await asyncio.gather(*(api.raw("POST", PODS, pod(f"p{i}")) for i in range(64)))
    assert sorted(a.status for a in answers) == [201] * 10 + [403] * 54
    assert await used(api) == {"pods": "10", "count/pods": "10"}
    assert await used(api, "r") == {"pods": "10"}
    assert len((await api.get(PODS))["items"]) == 10
    # Whoever waits shares writes of the quotas.
    assert api.app.store.revision - before < 10 + 10


async def test_a_count_from_the_past_opens_nothing(api: Api) -> None:
    """Somebody counts while pods are on their way, and writes less than there are."""
    await quota(api, {"pods": "10"})

    async def miscount() -> None:
        for _ in range(40):
            await api.raw(
                "PATCH",
                f"{QUOTAS}/q/status",
                {"status": {"used": {"pods": "0"}}},
                {"content-type": "application/merge-patch+json"},
            )
            await asyncio.sleep(0)

    creations = [api.raw("POST", PODS, pod(f"p{i}")) for i in range(64)]
    answers = await asyncio.gather(*creations, miscount(), miscount())
    assert sum(1 for a in answers if a is not None and a.status == 201) == 10
    assert len((await api.get(PODS))["items"]) == 10
    assert await used(api) == {"pods": "10"}


async def test_failed_writes_give_back(api: Api) -> None:
    await quota(api, {"pods": "3", "count/pods": "3"})
    await api.post(PODS, pod("a"))
    answers = await asyncio.gather(*(api.raw("POST", PODS, pod("a")) for _ in range(40)))
    assert {a.status for a in answers} <= {409, 403}
    assert await used(api) == {"pods": "1", "count/pods": "1"}
    assert not list(api.app.chain._environment.quotas.promises("default", "q", 0.0))
    await api.post(PODS, pod("b"))
    await api.post(PODS, pod("c"))


async def test_dry_runs_cost_nothing(api: Api) -> None:
    await quota(api, {"pods": "1"})
    await api.post(f"{PODS}?dryRun=All", pod("a"))
    assert await used(api) == {"pods": "0"}
    await api.post(PODS, pod("a"))
    await api.post(f"{PODS}?dryRun=All", pod("b"), code=403)


async def test_a_cancelled_write_is_in_doubt_for_a_while(api: Api) -> None:
    await quota(api, {"configmaps": "5"})
    environment = api.app.chain._environment
    obj = ConfigMap(metadata=ObjectMeta(name="a", namespace="default", uid="1"))
    review = Review(CREATE, ConfigMap.__resource__, "", "default", "a", obj, None, ADMIN)
    meter = quota_usage.meter("", "configmaps")
    assert meter is not None
    await quota_line.charge(review, meter, environment)
    await review.settle(None)

    async def counted() -> Any:
        await api.patch(f"{QUOTAS}/q/status", {"status": {"used": {"configmaps": "0"}}})
        return await used(api)

    # It may be stored yet: nobody can count it away.
    assert await counted() == {"configmaps": "1"}
    await api.clock.advance(31)
    assert await counted() == {"configmaps": "0"}
    assert not environment.quotas._promises


CASES: list[tuple[dict[str, Any], dict[str, Any], bool]] = [
    ({"scopes": ["BestEffort"]}, pod(), True),
    ({"scopes": ["BestEffort"]}, pod(requests={"cpu": "1"}), False),
    ({"scopes": ["NotBestEffort"]}, pod(), False),
    ({"scopes": ["NotBestEffort"]}, pod(requests={"cpu": "1"}), True),
    ({"scopes": ["Terminating"]}, pod(activeDeadlineSeconds=5), True),
    ({"scopes": ["Terminating"]}, pod(), False),
    ({"scopes": ["NotTerminating"]}, pod(activeDeadlineSeconds=5), False),
    ({"scopes": ["NotTerminating", "BestEffort"]}, pod(), True),
    ({"scopes": ["NotTerminating", "BestEffort"]}, pod(requests={"cpu": "1"}), False),
    ({"scopes": ["CrossNamespacePodAffinity"]}, pod(), False),
]


@pytest.mark.parametrize(("spec", "body", "counted"), CASES)
async def test_scopes(api: Api, spec: dict[str, Any], body: dict[str, Any], counted: bool) -> None:
    await quota(api, {"pods": "5"}, **spec)
    await api.post(PODS, body)
    assert await used(api) == {"pods": "1" if counted else "0"}


@pytest.mark.parametrize(
    ("operator", "values", "named", "counted"),
    [
        ("In", ["system-node-critical"], True, True),
        ("In", ["other"], True, False),
        ("NotIn", ["other"], True, True),
        ("NotIn", ["other"], False, True),
        ("Exists", None, True, True),
        ("Exists", None, False, False),
        ("DoesNotExist", None, False, True),
    ],
)
async def test_priority_classes(api: Api, operator: str, values: Any, named: bool, counted: bool) -> None:
    requirement = {"scopeName": "PriorityClass", "operator": operator} | ({"values": values} if values else {})
    await quota(api, {"pods": "5"}, scopeSelector={"matchExpressions": [requirement]})
    await api.post(PODS, pod(**({"priorityClassName": "system-node-critical"} if named else {})))
    assert await used(api) == {"pods": "1" if counted else "0"}


async def test_pods_that_look_at_other_namespaces(api: Api) -> None:
    await quota(api, {"pods": "0"}, scopes=["CrossNamespacePodAffinity"])
    term = {"topologyKey": "zone", "labelSelector": {}, "namespaces": ["other"]}
    affinity = {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    assert "exceeded quota" in (await api.post(PODS, pod(affinity=affinity), code=403))["message"]


@pytest.mark.parametrize(
    ("path", "body", "cost"),
    [
        (MAPS, config_map("a"), {"configmaps": "1", "count/configmaps": "1"}),
        (
            DEPLOYMENTS,
            {
                "metadata": {"name": "d"},
                "spec": {
                    "selector": {"matchLabels": {"a": "b"}},
                    "template": {"metadata": {"labels": {"a": "b"}}, "spec": pod()["spec"]},
                },
            },
            {"count/deployments.apps": "1"},
        ),
        (
            SERVICES,
            {
                "metadata": {"name": "s"},
                "spec": {"type": "NodePort", "ports": [{"name": "a", "port": 1}, {"name": "b", "port": 2}]},
            },
            # The namespace has the service `kubernetes` already.
            {"services": "2", "services.nodeports": "2", "services.loadbalancers": "0", "count/services": "2"},
        ),
        (
            CLAIMS,
            {
                "metadata": {"name": "c"},
                "spec": {
                    "accessModes": ["ReadWriteOnce"],
                    "storageClassName": "gold",
                    "resources": {"requests": {"storage": "10Gi"}},
                },
            },
            {
                "persistentvolumeclaims": "1",
                "requests.storage": "10Gi",
                "gold.storageclass.storage.k8s.io/requests.storage": "10Gi",
                "gold.storageclass.storage.k8s.io/persistentvolumeclaims": "1",
                "bronze.storageclass.storage.k8s.io/persistentvolumeclaims": "0",
            },
        ),
        (
            PODS,
            pod(
                "a",
                {"cpu": "100m", "memory": "1Gi", "ephemeral-storage": "2Gi", "example.com/gpu": "2"},
                {"cpu": "1", "memory": "1Gi", "example.com/gpu": "2"},
            ),
            {
                "cpu": "100m",
                "limits.cpu": "1",
                "memory": "1Gi",
                "requests.ephemeral-storage": "2Gi",
                "requests.example.com/gpu": "2",
                "count/pods": "1",
            },
        ),
    ],
)
async def test_what_is_counted(api: Api, path: str, body: dict[str, Any], cost: dict[str, str]) -> None:
    await quota(api, dict.fromkeys(cost, "100Gi"))
    await api.post(path, body)
    assert await used(api) == cost


async def test_updates_cost_the_difference(api: Api) -> None:
    await quota(api, {"services.nodeports": "1", "services": "2"})
    await api.post(SERVICES, {"metadata": {"name": "s"}, "spec": {"ports": [{"port": 1}]}})
    await api.patch(f"{SERVICES}/s", {"spec": {"type": "NodePort"}})
    assert await used(api) == {"services.nodeports": "1", "services": "2"}
    ports = [{"name": "a", "port": 1}, {"name": "b", "port": 2}]
    answer = await api.patch(f"{SERVICES}/s", {"spec": {"ports": ports}}, code=403)
    assert "requested: services.nodeports=1, used: services.nodeports=1" in answer["message"]
    # What frees something is never refused.
    await api.patch(f"{SERVICES}/s", {"spec": {"type": "ClusterIP", "ports": [{"port": 1, "nodePort": None}]}})


async def test_a_pods_resources_change_by_resize_only(api: Api) -> None:
    await quota(api, {"requests.cpu": "1"})
    await api.post(PODS, pod("a", {"cpu": "500m"}))

    def body(cpu: str) -> dict[str, Any]:
        return {"spec": {"containers": [{"name": "c", "resources": {"requests": {"cpu": cpu}}}]}}

    await api.patch(f"{PODS}/a/resize", body("800m"), "strategic-merge-patch+json")
    assert await used(api) == {"requests.cpu": "800m"}
    answer = await api.patch(f"{PODS}/a/resize", body("1200m"), "strategic-merge-patch+json", code=403)
    assert "requested: requests.cpu=400m, used: requests.cpu=800m, limited: requests.cpu=1" in answer["message"]


async def test_a_deleted_quota_limits_nothing(api: Api) -> None:
    await quota(api, {"pods": "0"})
    await api.delete(f"{QUOTAS}/q")
    await api.post(PODS, pod("a"))
    assert api.app.registries.list(ResourceQuota, "default") == []


async def test_what_is_counted_while_a_creation_fails_is_not_given_back_twice(api: Api) -> None:
    """A name is taken: whoever counts before the charge is given back must leave it in."""
    await quota(api, {"configmaps": "5"})
    await api.post(MAPS, config_map("a"))
    environment = api.app.chain._environment
    obj = ConfigMap(metadata=ObjectMeta(name="a", namespace="default", uid="another"))
    review = Review(CREATE, ConfigMap.__resource__, "", "default", "a", obj, None, ADMIN)
    meter = quota_usage.meter("", "configmaps")
    assert meter is not None
    await quota_line.charge(review, meter, environment)
    await api.patch(f"{QUOTAS}/q/status", {"status": {"used": {"configmaps": "0"}}})
    assert await used(api) == {"configmaps": "2"}
    await review.settle(False)
    assert await used(api) == {"configmaps": "1"}
    assert not environment.quotas._promises


async def test_whoever_gives_up_in_the_line_leaves_no_promise(api: Api) -> None:
    await quota(api, {"pods": "40"})
    requests = [asyncio.ensure_future(api.raw("POST", PODS, pod(f"p{i}"))) for i in range(40)]
    for turn in range(60):
        await asyncio.sleep(0)
        if turn % 3 == 0 and not requests[turn // 3].done():
            requests[turn // 3].cancel()
    await asyncio.wait(requests)
    environment = api.app.chain._environment
    await api.clock.advance(31)
    assert not list(environment.quotas.promises("default", "q", api.clock.monotonic()))
    await api.patch(f"{QUOTAS}/q/status", {"status": {"used": {"pods": "0"}}})
    assert await used(api) == {"pods": str(len((await api.get(PODS))["items"]))}


CLAIM_PATH = "/apis/resource.k8s.io/v1/namespaces/default/resourceclaims"


def device_claim(name: str, **request: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"devices": {"requests": [{"name": "r", **request}]}}}


async def test_devices(api: Api) -> None:
    name = "gold.deviceclass.resource.k8s.io/devices"
    await quota(api, {name: "40", "count/resourceclaims.resource.k8s.io": "9"})
    await api.post(CLAIM_PATH, device_claim("a", exactly={"deviceClassName": "gold", "count": 3}))
    await api.post(CLAIM_PATH, device_claim("b", exactly={"deviceClassName": "other"}))
    alternatives = [
        {"name": "x", "deviceClassName": "gold", "count": 2},
        {"name": "y", "deviceClassName": "gold", "count": 4},
    ]
    await api.post(CLAIM_PATH, device_claim("c", firstAvailable=alternatives))
    assert await used(api) == {name: "7", "count/resourceclaims.resource.k8s.io": "3"}
    everything = {"deviceClassName": "gold", "allocationMode": "All"}
    await api.post(CLAIM_PATH, device_claim("d", exactly=everything))
    answer = await api.post(CLAIM_PATH, device_claim("e", exactly=everything), code=403)
    assert f"requested: {name}=32, used: {name}=39, limited: {name}=40" in answer["message"]


async def test_a_deadline_that_is_set_later(api: Api) -> None:
    await quota(api, {"pods": "1"}, scopes=["Terminating"])
    for name in ("a", "b"):
        await api.post(PODS, pod(name))
    assert await used(api) == {"pods": "0"}
    await api.patch(f"{PODS}/a", {"spec": {"activeDeadlineSeconds": 100}})
    assert await used(api) == {"pods": "1"}
    assert (
        "exceeded quota" in (await api.patch(f"{PODS}/b", {"spec": {"activeDeadlineSeconds": 9}}, code=403))["message"]
    )
    await api.patch(f"{PODS}/a", {"spec": {"activeDeadlineSeconds": 50}})
    assert await used(api) == {"pods": "1"}


async def test_a_status_may_exceed_what_is_limited(api: Api) -> None:
    await quota(api, {"requests.storage": "10Gi"})
    spec = {"accessModes": ["ReadWriteOnce"], "storageClassName": "s", "resources": {"requests": {"storage": "10Gi"}}}
    await api.post(CLAIMS, {"metadata": {"name": "c"}, "spec": spec})
    status = {"allocatedResources": {"storage": "11Gi"}, "capacity": {"storage": "10Gi"}, "phase": "Bound"}
    await api.patch(f"{CLAIMS}/c/status", {"status": status})
    assert await used(api) == {"requests.storage": "11Gi"}


async def test_a_count_before_the_charge_does_not_have_it(api: Api) -> None:
    """Or else the charge, which comes again after it, would find itself in its way."""
    await quota(api, {"configmaps": "1"})
    environment = api.app.chain._environment
    version = (await api.get(f"{QUOTAS}/q"))["metadata"]["resourceVersion"]
    environment.quotas.promise("default", "q", Promise({"configmaps": "1"}, "", "configmaps", "a", "u", version))
    await api.patch(f"{QUOTAS}/q/status", {"status": {"used": {"configmaps": "0"}}, "metadata": {"labels": {"a": "b"}}})
    assert await used(api) == {"configmaps": "0"}
    await api.patch(f"{QUOTAS}/q", {"metadata": {"labels": {"c": "d"}}})
    await api.patch(f"{QUOTAS}/q/status", {"status": {"used": {"configmaps": "0"}}})
    assert await used(api) == {"configmaps": "1"}
