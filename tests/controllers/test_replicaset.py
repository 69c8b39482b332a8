"""ReplicaSets over the real API server."""

import pytest

from steersman.controllers import replicaset, serviceaccount
from steersman.kinds.types.apps_v1 import ReplicaSet
from steersman.kinds.types.core_v1 import Pod

TEMPLATE = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "web:1"}]}}
SPEC = {"replicas": 3, "selector": {"matchLabels": {"app": "web"}}, "template": TEMPLATE}


@pytest.fixture
async def rs(world, make):
    await world.start(serviceaccount, replicaset)
    await world.client.create(make(ReplicaSet, "web", spec=SPEC))
    await world.settle()
    return world


async def test_pods_are_made_and_counted(rs):
    pods = await rs.all(Pod)
    assert len(pods) == 3
    assert all(p.metadata.name.startswith("web-") for p in pods)
    owner = await rs.client.get(ReplicaSet, "web", "default")
    assert pods[0].metadata.ownerReferences[0].uid == owner.metadata.uid
    assert (owner.status.replicas, owner.status.fullyLabeledReplicas, owner.status.readyReplicas) == (3, 3, 0)
    assert owner.status.observedGeneration == owner.metadata.generation
    assert len(await rs.events("SuccessfulCreate")) == 3
    await rs.run_pods()
    owner = await rs.client.get(ReplicaSet, "web", "default")
    assert (owner.status.readyReplicas, owner.status.availableReplicas) == (3, 3)


async def test_scaling_down_takes_the_pods_that_are_missed_least(rs):
    pods = await rs.all(Pod)
    await rs.run_pod(pods[0], node="n1")
    await rs.client.patch(ReplicaSet, "web", {"spec": {"replicas": 1}}, "default")
    await rs.settle()
    left = [p for p in await rs.all(Pod) if not p.metadata.deletionTimestamp]
    assert [p.metadata.name for p in left] == [pods[0].metadata.name]
