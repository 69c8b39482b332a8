"""ResourceQuotas over the real API server; named after upstream's apimachinery/resource_quota.go."""

import asyncio

import pytest

from steersman.api.errors import Forbidden
from steersman.controllers import replicationcontroller, resourcequota, serviceaccount
from steersman.kinds.types.apps_v1 import ReplicaSet
from steersman.kinds.types.core_v1 import ConfigMap, Pod, ReplicationController, ResourceQuota, Secret, Service

TEMPLATE = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "web:1"}]}}
HARD = {
    "pods": "5", "services": "10", "services.nodeports": "1", "services.loadbalancers": "1",
    "replicationcontrollers": "10", "resourcequotas": "1", "configmaps": "10", "secrets": "10", "cpu": "1",
    "memory": "500Mi", "persistentvolumeclaims": "10", "requests.storage": "10Gi", "ephemeral-storage": "50Gi",
    "requests.example.com/dongle": "3", "count/replicasets.apps": "5",
    "gold.storageclass.storage.k8s.io/persistentvolumeclaims": "10",
}  # fmt: skip


@pytest.fixture
async def quotas(world, make):
    await world.start(serviceaccount, resourcequota, replicationcontroller)
    world.make = make
    world.used = lambda name="q": _used(world, name)
    return world


async def _used(world, name):
    await world.settle()
    return (await world.client.get(ResourceQuota, name, "default")).status.used


async def limit(world, hard, name="q", **spec):
    await world.client.create(world.make(ResourceQuota, name, spec={"hard": hard, **spec}))
    await world.settle()


def pod(world, name, cpu="", **fields):
    resources = {"requests": {"cpu": cpu, "memory": "10Mi"}} if cpu else {}
    spec = {"containers": [{"name": "c", "image": "x", "resources": resources}], **fields}
    return world.make(Pod, name, spec=spec)


async def test_its_status_is_promptly_calculated(quotas):
    await limit(quotas, HARD)
    found = await quotas.client.get(ResourceQuota, "q", "default")
    assert found.status.hard == HARD
    assert found.status.used == dict.fromkeys(HARD, "0") | {"resourcequotas": "1"}


async def test_the_life_of_a_pod(quotas):
    await limit(quotas, HARD)
    await quotas.client.create(pod(quotas, "a", "500m"))
    used = await quotas.used()
    assert (used["pods"], used["cpu"], used["memory"]) == ("1", "500m", "10Mi")
    with pytest.raises(Forbidden, match="exceeded quota: q, requested: cpu=600m, used: cpu=500m, limited: cpu=1"):
        await quotas.client.create(pod(quotas, "b", "600m"))
    # A pod that ends makes room, and so does one that goes.
    found = await quotas.client.get(Pod, "a", "default")
    await quotas.run_pod(found, phase="Succeeded")
    used = await quotas.used()
    assert (used["pods"], used["cpu"]) == ("0", "0")
    await quotas.client.create(pod(quotas, "b", "600m"))
    await quotas.client.delete(Pod, "b", "default", grace=0)
    assert (await quotas.used())["pods"] == "0"


@pytest.mark.parametrize(
    ("name", "type_", "fields"),
    [
        ("configmaps", ConfigMap, {}),
        ("secrets", Secret, {}),
        ("services", Service, {"spec": {"ports": [{"port": 80}]}}),
        ("replicationcontrollers", ReplicationController, {"spec": {"replicas": 0, "template": TEMPLATE}}),
        (
            "count/replicasets.apps",
            ReplicaSet,
            {"spec": {"replicas": 0, "selector": {"matchLabels": {"app": "web"}}, "template": TEMPLATE}},
        ),
    ],
)
async def test_the_life_of_an_object(quotas, name, type_, fields):
    await limit(quotas, {name: "10"})
    before = int((await quotas.used())[name])
    await quotas.client.create(quotas.make(type_, "a", **fields))
    assert (await quotas.used())[name] == str(before + 1)
    await quotas.client.delete(type_, "a", "default", propagation="Background")
    assert (await quotas.used())[name] == str(before)


async def test_what_was_there_before_the_quota_counts(quotas):
    for i in range(3):
        await quotas.client.create(quotas.make(ConfigMap, f"m{i}"))
    await limit(quotas, {"configmaps": "3"})
    assert await quotas.used() == {"configmaps": "3"}
    with pytest.raises(Forbidden):
        await quotas.client.create(quotas.make(ConfigMap, "another"))


async def test_terminating_scopes(quotas):
    await limit(quotas, {"pods": "5"}, "ending", scopes=["Terminating"])
    await limit(quotas, {"pods": "5"}, "lasting", scopes=["NotTerminating"])
    await quotas.client.create(pod(quotas, "a"))
    await quotas.client.create(pod(quotas, "b", activeDeadlineSeconds=3600))
    assert (await quotas.used("ending"), await quotas.used("lasting")) == ({"pods": "1"}, {"pods": "1"})
    await quotas.client.delete(Pod, "a", "default", grace=0)
    assert (await quotas.used("ending"), await quotas.used("lasting")) == ({"pods": "1"}, {"pods": "0"})


async def test_best_effort_scope(quotas):
    await limit(quotas, {"pods": "5"}, "best", scopes=["BestEffort"])
    await limit(quotas, {"pods": "5"}, "better", scopes=["NotBestEffort"])
    await quotas.client.create(pod(quotas, "a"))
    await quotas.client.create(pod(quotas, "b", "1"))
    assert (await quotas.used("best"), await quotas.used("better")) == ({"pods": "1"}, {"pods": "1"})


async def test_update_and_delete(quotas):
    await limit(quotas, {"cpu": "1"})
    await quotas.client.patch(ResourceQuota, "q", {"spec": {"hard": {"cpu": "2", "memory": "1Gi"}}}, "default")
    await quotas.settle()
    found = await quotas.client.get(ResourceQuota, "q", "default")
    assert found.status.hard == {"cpu": "2", "memory": "1Gi"}
    assert found.status.used == {"cpu": "0", "memory": "0"}
    await quotas.client.delete(ResourceQuota, "q", "default")
    await quotas.client.create(pod(quotas, "a"))


async def test_changes_to_its_status_are_undone(quotas):
    await limit(quotas, {"cpu": "1"})
    found = await quotas.client.get(ResourceQuota, "q", "default")
    found.status.hard = {"cpu": "9"}
    stored = await quotas.client.update_status(found)
    assert (stored.status.hard, stored.spec.hard) == ({"cpu": "9"}, {"cpu": "1"})
    await quotas.settle()
    assert (await quotas.client.get(ResourceQuota, "q", "default")).status.hard == {"cpu": "1"}


async def test_usage_that_went_wrong_is_mended(quotas):
    await limit(quotas, {"pods": "5"})
    found = await quotas.client.get(ResourceQuota, "q", "default")
    found.status.used = {"pods": "4"}
    await quotas.client.update_status(found)
    await quotas.pass_time(2)
    assert await quotas.used() == {"pods": "0"}


async def test_never_too_many_whoever_counts(quotas):
    await limit(quotas, {"pods": "10"})
    bodies = [pod(quotas, f"p{i}") for i in range(64)]
    outcomes = await asyncio.gather(*map(quotas.client.create, bodies), return_exceptions=True)
    assert sum(1 for o in outcomes if isinstance(o, Pod)) == 10
    await quotas.pass_time(5)
    assert len(await quotas.all(Pod)) == 10
    assert await quotas.used() == {"pods": "10"}


async def test_replication_controllers_surface_an_exceeded_quota(quotas):
    """Of apps/rc.go: the condition comes, and goes when there is room."""
    await limit(quotas, {"pods": "2"})
    spec = {"replicas": 3, "selector": {"app": "web"}, "template": TEMPLATE}
    await quotas.client.create(quotas.make(ReplicationController, "rc", spec=spec))
    await quotas.pass_time(1)
    found = await quotas.client.get(ReplicationController, "rc", "default")
    assert [c.type for c in found.status.conditions] == ["ReplicaFailure"]
    assert "exceeded quota: q" in found.status.conditions[0].message
    await quotas.client.patch(ReplicationController, "rc", {"spec": {"replicas": 2}}, "default")
    await quotas.pass_time(5)
    found = await quotas.client.get(ReplicationController, "rc", "default")
    assert not found.status.conditions
    assert found.status.replicas == 2


async def test_unknown_resources_are_not_counted(quotas):
    await limit(quotas, {"count/widgets.example.com": "2", "pods": "1"})
    assert await quotas.used() == {"pods": "0"}
