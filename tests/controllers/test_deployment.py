"""Deployments over the real API server: rollout, undo, scale, pause, deadline, Recreate."""

import pytest

from steersman.controllers import deployment, replicaset, serviceaccount
from steersman.kinds.types.apps_v1 import Deployment, ReplicaSet
from steersman.kinds.types.core_v1 import Pod

TEMPLATE = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "web:1"}]}}
SPEC = {"replicas": 4, "selector": {"matchLabels": {"app": "web"}}, "template": TEMPLATE}
REVISION = "deployment.kubernetes.io/revision"


@pytest.fixture
async def web(world, make):
    await world.start(serviceaccount, replicaset, deployment)
    world.create = lambda **spec: world.client.create(make(Deployment, "web", spec=SPEC | spec))
    return world


async def get(world):
    return await world.client.get(Deployment, "web", "default")


async def patch(world, body):
    await world.client.patch(Deployment, "web", {"spec": body}, "default", "strategic")
    await world.settle()


def image(version):
    return {"template": {"spec": {"containers": [{"name": "c", "image": f"web:{version}"}]}}}


def condition(found, type_):
    return next(((c.status, c.reason) for c in found.status.conditions or () if c.type == type_), None)


async def sizes(world):
    """Sizes of the ReplicaSets by revision."""
    return {rs.metadata.annotations[REVISION]: rs.spec.replicas for rs in await world.all(ReplicaSet)}


async def run_until_done(world, limit=20):
    """Play the kubelet until the rollout is complete."""
    for _ in range(limit):
        await world.run_pods()
        await world.end_pods()
        found = await get(world)
        if condition(found, "Progressing") == ("True", "NewReplicaSetAvailable"):
            return
    raise AssertionError(f"not complete: {found.status}")


async def test_a_new_deployment(web):
    await web.create()
    await web.settle()
    found = await get(web)
    assert await sizes(web) == {"1": 4}
    assert found.metadata.annotations[REVISION] == "1"
    assert condition(found, "Available") == ("False", "MinimumReplicasUnavailable")
    assert condition(found, "Progressing") == ("True", "ReplicaSetUpdated")
    assert (found.status.replicas, found.status.updatedReplicas, found.status.unavailableReplicas) == (4, 4, 4)
    await web.run_pods()
    found = await get(web)
    assert condition(found, "Available") == ("True", "MinimumReplicasAvailable")
    assert condition(found, "Progressing") == ("True", "NewReplicaSetAvailable")
    assert (found.status.readyReplicas, found.status.availableReplicas, found.status.unavailableReplicas) == (4, 4, 0)
    rs = (await web.all(ReplicaSet))[0]
    digest = rs.metadata.labels["pod-template-hash"]
    assert rs.metadata.name == f"web-{digest}"
    assert rs.spec.selector.matchLabels == {"app": "web", "pod-template-hash": digest}
    assert [e.message for e in await web.events("ScalingReplicaSet")] == [
        f"Scaled up replica set {rs.metadata.name} from 0 to 4"
    ]


async def test_a_rolling_update_keeps_within_its_bounds(web):
    await web.create()
    await web.settle()
    await web.run_pods()
    await patch(web, image(2))
    # 25% of 4: one more pod, one unavailable.
    assert await sizes(web) == {"1": 3, "2": 2}
    for _ in range(10):
        pods = [p for p in await web.all(Pod) if not p.metadata.deletionTimestamp]
        ready = [p for p in pods if any(c.type == "Ready" and c.status == "True" for c in p.status.conditions or ())]
        assert len(pods) <= 5
        assert len(ready) >= 3
        await web.run_pods()
    await web.end_pods()
    assert await sizes(web) == {"1": 0, "2": 4}
    found = await get(web)
    assert condition(found, "Progressing") == ("True", "NewReplicaSetAvailable")
    assert found.metadata.annotations[REVISION] == "2"


async def test_undo_makes_the_old_template_the_newest_revision(web):
    await web.create()
    await web.settle()
    await run_until_done(web)
    await patch(web, image(2))
    await run_until_done(web)
    await patch(web, image(1))
    await run_until_done(web)
    assert await sizes(web) == {"3": 4, "2": 0}
    old = next(rs for rs in await web.all(ReplicaSet) if rs.spec.replicas)
    assert old.metadata.annotations["deployment.kubernetes.io/revision-history"] == "1"


async def test_scaling(web):
    await web.create()
    await web.settle()
    await web.run_pods()
    await patch(web, {"replicas": 10})
    assert await sizes(web) == {"1": 10}
    await patch(web, {"replicas": 2})
    assert await sizes(web) == {"1": 2}
    await web.run_pods()
    assert condition(await get(web), "Progressing") == ("True", "NewReplicaSetAvailable")


async def test_scaling_in_the_middle_of_a_rollout_is_shared(web):
    await web.create(replicas=10)
    await web.settle()
    await web.run_pods()
    await patch(web, image(2))
    assert await sizes(web) == {"1": 8, "2": 5}
    await patch(web, {"replicas": 20})
    # 20 and 5 more at the most: 25 pods, shared as 8 to 5.
    found = await sizes(web)
    assert sum(found.values()) == 25
    assert found == {"1": 15, "2": 10}


async def test_a_paused_deployment_does_not_roll(web):
    await web.create()
    await web.settle()
    await run_until_done(web)
    await patch(web, {"paused": True} | image(2))
    assert await sizes(web) == {"1": 4}
    assert condition(await get(web), "Progressing") == ("Unknown", "DeploymentPaused")
    await patch(web, {"replicas": 5})
    assert await sizes(web) == {"1": 5}
    await patch(web, {"paused": False})
    await run_until_done(web)
    assert await sizes(web) == {"1": 0, "2": 5}


async def test_a_rollout_that_stands_still_is_reported(web):
    await web.create(progressDeadlineSeconds=60)
    await web.settle()
    await web.pass_time(55)
    assert condition(await get(web), "Progressing")[0] == "True"
    await web.pass_time(10)
    assert condition(await get(web), "Progressing") == ("False", "ProgressDeadlineExceeded")
    await run_until_done(web)


async def test_recreate_ends_all_old_pods_first(web):
    await web.create(strategy={"type": "Recreate"})
    await web.settle()
    await web.run_pods(node="")
    for pod in await web.all(Pod):
        await web.client.patch(Pod, pod.metadata.name, {"metadata": {"finalizers": ["x.io/stay"]}}, "default")
    await patch(web, image(2))
    assert await sizes(web) == {"1": 0}
    for pod in await web.all(Pod):
        await web.client.patch(Pod, pod.metadata.name, {"metadata": {"finalizers": None}}, "default")
    await web.settle()
    await web.end_pods()
    assert await sizes(web) == {"1": 0, "2": 4}


async def test_history_is_limited(web):
    await web.create(revisionHistoryLimit=1)
    await web.settle()
    for version in (2, 3, 4):
        await run_until_done(web)
        await patch(web, image(version))
    await run_until_done(web)
    await web.settle()
    assert sorted(await sizes(web)) == ["3", "4"]


async def test_a_taken_name_gives_another_hash(web):
    await web.create()
    await web.settle()
    # Nothing collects garbage here: the ReplicaSet stays, and is another Deployment's.
    await web.client.delete(Deployment, "web", "default", propagation="Background")
    await web.create()
    await web.settle()
    assert (await get(web)).status.collisionCount == 1
    assert len(await web.all(ReplicaSet)) == 2
