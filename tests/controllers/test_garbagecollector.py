"""The garbage collector over the real API server, with objects of several kinds."""

from types import SimpleNamespace

import msgspec
import pytest
from tests.controllers.conftest import AWAY

from steersman.api.errors import NotFound
from steersman.client.metadata import PartialMeta, PartialObject, PartialOwner
from steersman.controllers import deployment, garbagecollector, replicaset, serviceaccount
from steersman.controllers.garbagecollector import GarbageCollector
from steersman.controllers.ownergraph import Node
from steersman.kinds.types.apiregistration_v1 import APIService
from steersman.kinds.types.apps_v1 import Deployment, ReplicaSet
from steersman.kinds.types.core_v1 import ConfigMap, Pod, Secret
from steersman.kinds.types.rbac_v1 import ClusterRole, ClusterRoleBinding

TEMPLATE = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "web:1"}]}}
SPEC = {"replicas": 2, "selector": {"matchLabels": {"app": "web"}}, "template": TEMPLATE}


def ref(owner, **more):
    resource = owner.__resource__
    return {
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "name": owner.metadata.name,
        "uid": owner.metadata.uid,
        **more,
    }


@pytest.fixture
async def gc(world, make):
    await world.start(garbagecollector)

    async def create(type_, name, *owners, **more):
        obj = await world.client.create(make(type_, name, meta={"ownerReferences": list(owners)}, **more))
        await world.settle()
        return obj

    async def exists(type_, name):
        try:
            return await world.client.get(type_, name, "default")
        except NotFound:
            return None

    world.create, world.exists = create, exists
    return world


async def delete(world, type_, name, **options):
    await world.client.delete(type_, name, "default", **options)
    await world.settle()


async def test_dependents_follow_their_owner(gc):
    owner = await gc.create(ConfigMap, "owner")
    child = await gc.create(Secret, "child", ref(owner))
    await gc.create(ConfigMap, "grandchild", ref(child))
    await gc.create(ConfigMap, "stranger")
    await delete(gc, ConfigMap, "owner")
    assert await gc.exists(Secret, "child") is None
    assert await gc.exists(ConfigMap, "grandchild") is None
    assert await gc.exists(ConfigMap, "stranger") is not None


async def test_one_living_owner_is_enough(gc):
    one, two = [await gc.create(ConfigMap, name) for name in ("one", "two")]
    await gc.create(Secret, "child", ref(one), ref(two))
    await delete(gc, ConfigMap, "one")
    child = await gc.exists(Secret, "child")
    assert [r.name for r in child.metadata.ownerReferences] == ["two"]


async def test_an_owner_that_never_was(gc):
    owner = await gc.create(ConfigMap, "owner")
    await gc.create(Secret, "wrong-uid", {**ref(owner), "uid": "00000000-0000-0000-0000-000000000000"})
    await gc.create(Secret, "right-uid", ref(owner))
    assert await gc.exists(Secret, "wrong-uid") is None
    assert await gc.exists(Secret, "right-uid") is not None


async def test_an_owner_of_unknown_kind_is_not_judged(gc):
    await gc.create(Secret, "child", {"apiVersion": "no.such/v1", "kind": "Thing", "name": "x", "uid": "u"})
    await gc.pass_time(1)
    assert await gc.exists(Secret, "child") is not None


async def test_cluster_scoped_owner_of_a_namespaced_object(gc):
    owner = await gc.create(ClusterRole, "owner")
    await gc.create(Secret, "child", ref(owner))
    assert await gc.exists(Secret, "child") is not None
    await gc.client.delete(ClusterRole, "owner")
    await gc.settle()
    assert await gc.exists(Secret, "child") is None


async def test_a_wrong_reference_says_nothing_of_right_ones(gc, make):
    """Where the owner is not followed yet, so that it has to be looked up."""
    owner = await gc.create(ClusterRole, "owner")
    unaware = GarbageCollector(SimpleNamespace(client=gc.client, queue=SimpleNamespace(add=lambda key: None)))
    for kind in (ClusterRole, ClusterRoleBinding):
        unaware._kinds["rbac.authorization.k8s.io", kind.__resource__.kind] = kind.__resource__
    found = {}
    for name, said in {"wrong": {"name": "x"}, "other": {"kind": "ClusterRoleBinding"}, "right": {}}.items():
        child = PartialObject(metadata=PartialMeta(name=name, namespace="default", uid=name))
        refers = msgspec.convert(ref(owner, **said), PartialOwner)
        found[name] = await unaware._look_up(Node(Secret.__resource__, child), refers) is not None
    assert found == {"wrong": False, "other": False, "right": True}


async def test_orphaning_keeps_dependents(gc):
    owner = await gc.create(ConfigMap, "owner")
    await gc.create(Secret, "child", ref(owner))
    await delete(gc, ConfigMap, "owner", propagation="Orphan")
    assert await gc.exists(ConfigMap, "owner") is None
    assert not (await gc.exists(Secret, "child")).metadata.ownerReferences


async def test_foreground_waits_for_those_that_block(gc):
    owner = await gc.create(ConfigMap, "owner")
    await gc.create(Secret, "child", ref(owner, blockOwnerDeletion=True))
    await gc.client.patch(Secret, "child", {"metadata": {"finalizers": ["x.io/stay"]}}, "default")
    await gc.settle()
    await delete(gc, ConfigMap, "owner", propagation="Foreground")
    assert (await gc.exists(ConfigMap, "owner")).metadata.deletionTimestamp
    assert (await gc.exists(Secret, "child")).metadata.deletionTimestamp
    await gc.client.patch(Secret, "child", {"metadata": {"finalizers": None}}, "default")
    await gc.settle()
    assert await gc.exists(ConfigMap, "owner") is None


async def test_nobody_is_owned_from_another_namespace(gc, make):
    """Nor holds up the deletion of what lies there."""
    owner = await gc.create(ConfigMap, "owner")
    for name, more in (("stays", {"finalizers": ["x.io/stay"]}), ("goes", {})):
        meta = {"ownerReferences": [ref(owner, blockOwnerDeletion=True)], **more}
        await gc.client.create(make(Secret, name, "kube-system", meta=meta))
    await gc.settle()
    left = [s.metadata.name for s in await gc.all(Secret, "kube-system")]
    assert "stays" in left
    assert "goes" not in left
    await delete(gc, ConfigMap, "owner", propagation="Foreground")
    assert await gc.exists(ConfigMap, "owner") is None


async def test_a_circle_in_the_foreground_ends(gc):
    one = await gc.create(ConfigMap, "one")
    two = await gc.create(ConfigMap, "two", ref(one, blockOwnerDeletion=True))
    body = {"metadata": {"ownerReferences": [ref(two, blockOwnerDeletion=True)]}}
    await gc.client.patch(ConfigMap, "one", body, "default")
    await gc.settle()
    await delete(gc, ConfigMap, "one", propagation="Foreground")
    await gc.pass_time(1)
    assert await gc.exists(ConfigMap, "one") is None
    assert await gc.exists(ConfigMap, "two") is None


async def test_a_deployment_goes_with_all_it_made(world, make):
    await world.start(garbagecollector, serviceaccount, deployment, replicaset)
    for policy in ("Background", "Foreground"):
        await world.client.create(make(Deployment, "web", spec=SPEC))
        await world.settle()
        assert len(await world.all(Pod)) == 2
        await world.client.delete(Deployment, "web", "default", propagation=policy)
        await world.settle()
        await world.end_pods()
        await world.settle()
        assert [await world.all(type_) for type_ in (Pod, ReplicaSet, Deployment)] == [[], [], []]


async def test_a_server_that_is_away_keeps_nothing_else_from_being_collected(world, make):
    await world.client.create(make(APIService, "v1.away.io", spec=AWAY))
    await world.start(garbagecollector)
    owner = await world.client.create(make(ConfigMap, "owner"))
    await world.client.create(make(Secret, "child", meta={"ownerReferences": [ref(owner)]}))
    await world.client.create(make(Secret, "stranger", meta={"ownerReferences": [ref(owner, uid="other")]}))
    await world.client.delete(ConfigMap, "owner", "default")
    await world.settle()
    assert await world.all(Secret, "default") == []
