"""StatefulSets over the real API server; named after upstream's apps/statefulset.go."""

import pytest

from steersman.controllers import pvcprotection, serviceaccount, statefulset
from steersman.kinds.types.apps_v1 import ControllerRevision, StatefulSet
from steersman.kinds.types.core_v1 import PersistentVolumeClaim, Pod

LABELS = {"app": "db"}
HASH = "controller-revision-hash"
CLAIM = {
    "metadata": {"name": "data"},
    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
}


@pytest.fixture
async def db(world, make):
    await world.start(serviceaccount, statefulset, pvcprotection)
    world.make = make
    return world


async def create(world, replicas=3, *, settle=True, **fields):
    template = {"metadata": {"labels": LABELS}, "spec": {"containers": [{"name": "c", "image": "db:1"}]}}
    spec = {"replicas": replicas, "serviceName": "db", "selector": {"matchLabels": LABELS}, "template": template}
    await world.client.create(world.make(StatefulSet, "db", spec=spec | fields))
    if settle:
        await world.settle()


async def patch(world, **spec):
    await world.client.patch(StatefulSet, "db", {"spec": spec}, "default", "strategic")
    await world.settle()


def image(version):
    return {"template": {"spec": {"containers": [{"name": "c", "image": f"db:{version}"}]}}}


async def get(world):
    return await world.client.get(StatefulSet, "db", "default")


async def pods(world):
    """Names of the pods that are not going, in order of their ordinals."""
    return sorted(p.metadata.name for p in await world.all(Pod) if not p.metadata.deletionTimestamp)


async def images(world):
    found = [p for p in await world.all(Pod) if not p.metadata.deletionTimestamp]
    return {p.metadata.name[-1]: p.spec.containers[0].image[-1] for p in found}


async def run(world, name, *, ready=True, phase="Running"):
    pod = await world.client.get(Pod, name, "default")
    await world.run_pod(pod, ready=ready, phase=phase, node="n1")
    await world.settle()


async def all_up(world, limit=20):
    """Play the kubelet until nothing is left to do; the order in which pods were made and deleted."""
    order = []
    before = set(await pods(world))
    for _ in range(limit):
        await world.run_pods(node="n1")
        await world.end_pods()
        now = set(await pods(world))
        order += [f"-{n}" for n in sorted(before - now)] + [f"+{n}" for n in sorted(now - before)]
        before = now
    return order


async def test_pods_are_made_in_order(db):
    await create(db)
    assert await pods(db) == ["db-0"]
    await run(db, "db-0", ready=False)
    assert await pods(db) == ["db-0"]
    await run(db, "db-0")
    assert await pods(db) == ["db-0", "db-1"]
    await run(db, "db-1")
    await run(db, "db-2")
    found = await get(db)
    status = found.status
    assert (status.replicas, status.readyReplicas, status.availableReplicas) == (3, 3, 3)
    assert (status.currentReplicas, status.updatedReplicas) == (3, 3)
    assert status.currentRevision == status.updateRevision
    assert status.observedGeneration == found.metadata.generation
    assert [e.message for e in await db.events("SuccessfulCreate")] == [
        f"create Pod db-{i} in StatefulSet db successful" for i in range(3)
    ]


async def test_every_pod_has_its_identity(db):
    await create(db, volumeClaimTemplates=[CLAIM])
    pod = await db.client.get(Pod, "db-0", "default")
    assert pod.metadata.labels == LABELS | {
        "statefulset.kubernetes.io/pod-name": "db-0",
        "apps.kubernetes.io/pod-index": "0",
        HASH: (await get(db)).status.updateRevision,
    }
    assert (pod.spec.hostname, pod.spec.subdomain) == ("db-0", "db")
    volume = next(v for v in pod.spec.volumes if v.name == "data")
    assert volume.persistentVolumeClaim.claimName == "data-db-0"
    (claim,) = await db.all(PersistentVolumeClaim)
    assert (claim.metadata.name, claim.metadata.labels) == ("data-db-0", LABELS)
    assert not claim.metadata.ownerReferences


async def test_scaling_happens_in_predictable_order_and_halts_if_a_pod_is_unhealthy(db):
    await create(db, 1)
    await run(db, "db-0", ready=False)
    await patch(db, replicas=3)
    assert await pods(db) == ["db-0"]
    await run(db, "db-0")
    assert await all_up(db) == ["+db-2"]
    assert await pods(db) == ["db-0", "db-1", "db-2"]
    for name in ("db-0", "db-1", "db-2"):
        await run(db, name, ready=False)
    await patch(db, replicas=0)
    assert await pods(db) == ["db-0", "db-1", "db-2"]
    for name in ("db-2", "db-1", "db-0"):
        await run(db, name)
    assert await pods(db) == ["db-0", "db-1"]
    assert (await get(db)).status.replicas == 3
    await db.end_pods()
    assert await pods(db) == ["db-0"]
    await all_up(db)
    assert await pods(db) == []


async def test_burst_scaling_runs_to_completion_even_with_unhealthy_pods(db):
    await create(db, 1, podManagementPolicy="Parallel")
    await run(db, "db-0", ready=False)
    await patch(db, replicas=3)
    assert await pods(db) == ["db-0", "db-1", "db-2"]
    await patch(db, replicas=0)
    assert await pods(db) == []


async def test_rolling_updates_and_roll_backs_of_template_modifications(db):
    await create(db)
    await all_up(db)
    first = (await get(db)).status.currentRevision
    await patch(db, **image(2))
    status = (await get(db)).status
    assert status.currentRevision == first
    assert status.updateRevision != first
    # From the highest ordinal down, one at a time.
    assert await pods(db) == ["db-0", "db-1"]
    await db.end_pods()
    assert await images(db) == {"0": "1", "1": "1", "2": "2"}
    await all_up(db)
    assert await images(db) == {"0": "2", "1": "2", "2": "2"}
    status = (await get(db)).status
    assert status.currentRevision == status.updateRevision != first
    assert (status.currentReplicas, status.updatedReplicas) == (3, 3)
    old = await db.client.get(ControllerRevision, first, "default")
    await db.client.patch(StatefulSet, "db", old.data, "default", "strategic")
    await db.settle()
    await all_up(db)
    assert await images(db) == {"0": "1", "1": "1", "2": "1"}
    assert (await get(db)).status.currentRevision == first
    assert {r.metadata.name: r.revision for r in await db.all(ControllerRevision)}[first] == 3


async def test_canary_updates_and_phased_rolling_updates(db):
    def partition(number):
        return {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": number}}}

    await create(db, **partition(3))
    await all_up(db)
    await patch(db, **image(2))
    await all_up(db)
    assert await images(db) == {"0": "1", "1": "1", "2": "1"}
    await patch(db, **partition(2))
    await all_up(db)
    assert await images(db) == {"0": "1", "1": "1", "2": "2"}
    status = (await get(db)).status
    assert (status.currentReplicas, status.updatedReplicas) == (2, 1)
    # A pod below the partition comes back as it was, one above as it shall be.
    for name in ("db-0", "db-2"):
        await db.client.delete(Pod, name, "default", grace=0)
    await db.settle()
    await all_up(db)
    assert await images(db) == {"0": "1", "1": "1", "2": "2"}
    await patch(db, **partition(0))
    await all_up(db)
    assert await images(db) == {"0": "2", "1": "2", "2": "2"}


async def test_on_delete(db):
    await create(db, updateStrategy={"type": "OnDelete"})
    await all_up(db)
    await patch(db, **image(2))
    await all_up(db)
    assert await images(db) == {"0": "1", "1": "1", "2": "1"}
    await db.client.delete(Pod, "db-1", "default", grace=0)
    await db.settle()
    await all_up(db)
    assert await images(db) == {"0": "1", "1": "2", "2": "1"}
    status = (await get(db)).status
    assert (status.currentReplicas, status.updatedReplicas) == (2, 1)


@pytest.mark.parametrize("policy", ["Parallel", "OrderedReady"])
async def test_max_unavailable(db, policy):
    rolling = {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 2}}}
    await create(db, 4, podManagementPolicy=policy, **rolling)
    await all_up(db)
    await patch(db, **image(2))
    assert await pods(db) == ["db-0", "db-1"]
    await all_up(db)
    assert set((await images(db)).values()) == {"2"}


async def test_evicted_pods_are_recreated(db):
    await create(db, 1)
    before = await db.client.get(Pod, "db-0", "default")
    await run(db, "db-0", ready=False, phase="Failed")
    await db.end_pods()
    after = await db.client.get(Pod, "db-0", "default")
    assert after.metadata.uid != before.metadata.uid
    assert after.status.phase == "Pending"


async def test_start_ordinal_and_min_ready_seconds(db):
    await create(db, 2, ordinals={"start": 5}, minReadySeconds=10)
    await run(db, "db-5")
    assert await pods(db) == ["db-5"]
    status = (await get(db)).status
    assert (status.readyReplicas, status.availableReplicas) == (1, 0)
    await db.pass_time(11)
    assert await pods(db) == ["db-5", "db-6"]
    await patch(db, ordinals={"start": 6})
    await run(db, "db-6")
    await db.pass_time(11)
    await all_up(db)
    await db.pass_time(11)
    await all_up(db)
    assert await pods(db) == ["db-6", "db-7"]


@pytest.mark.parametrize(
    ("deleted", "scaled", "whole", "shrunk"),
    [
        ("Retain", "Retain", [], []),
        ("Delete", "Retain", ["StatefulSet"], ["StatefulSet"]),
        ("Retain", "Delete", [], ["Pod"]),
        ("Delete", "Delete", ["StatefulSet"], ["Pod"]),
    ],
)
async def test_claims_are_kept_or_go(db, deleted, scaled, whole, shrunk):
    policy = {"whenDeleted": deleted, "whenScaled": scaled}
    await create(db, 2, volumeClaimTemplates=[CLAIM], persistentVolumeClaimRetentionPolicy=policy)
    await all_up(db)

    async def owners(name):
        claim = await db.client.get(PersistentVolumeClaim, name, "default")
        return [r.kind for r in claim.metadata.ownerReferences or ()]

    assert (await owners("data-db-0"), await owners("data-db-1")) == (whole, whole)
    await patch(db, replicas=1)
    assert (await owners("data-db-0"), await owners("data-db-1")) == (whole, shrunk)
    if shrunk == ["Pod"]:
        # Its pod must not come back before the claim has gone with the old one.
        await all_up(db)
        await patch(db, replicas=2)
        assert await pods(db) == ["db-0"]
        await db.client.delete(PersistentVolumeClaim, "data-db-1", "default")
        await db.pass_time(2)
        assert await pods(db) == ["db-0", "db-1"]


async def test_history_is_limited(db):
    await create(db, 1, revisionHistoryLimit=1)
    await all_up(db)
    for version in (2, 3, 4):
        await patch(db, **image(version))
        await all_up(db)
    assert sorted(r.revision for r in await db.all(ControllerRevision)) == [3, 4]


async def test_only_pods_of_its_name_are_adopted(db):
    spec = {"containers": [{"name": "c", "image": "db:1"}]}
    for name in ("db-0", "other-0"):
        await db.client.create(db.make(Pod, name, meta={"labels": LABELS}, spec=spec))
    await create(db, 1)
    adopted = await db.client.get(Pod, "db-0", "default")
    assert adopted.metadata.ownerReferences[0].name == "db"
    assert adopted.metadata.labels["statefulset.kubernetes.io/pod-name"] == "db-0"
    assert not (await db.client.get(Pod, "other-0", "default")).metadata.ownerReferences


async def test_a_working_scale_subresource(db):
    await create(db, 1)
    scale = await db.client.request("GET", "/apis/apps/v1/namespaces/default/statefulsets/db/scale")
    assert b'"replicas":1' in scale.body
    await db.client.request(
        "PATCH",
        "/apis/apps/v1/namespaces/default/statefulsets/db/scale",
        body={"spec": {"replicas": 4}},
        headers={"content-type": "application/merge-patch+json"},
    )
    await db.settle()
    assert (await get(db)).spec.replicas == 4
    await all_up(db)
    assert len(await pods(db)) == 4
