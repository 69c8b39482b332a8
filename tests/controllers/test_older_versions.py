"""Older API versions and the controllers that act on objects of any kind: each object is one object, whatever it is called."""

import pytest

from steersman.api.errors import NotFound
from steersman.api.meta import Resource
from steersman.client.metadata import PartialObject
from steersman.controller.served import discover
from steersman.controllers import garbagecollector, namespace
from steersman.kinds.types.core_v1 import ConfigMap, Namespace

INGRESSES = Resource("extensions", "v1beta1", "ingresses", "Ingress", True)
SPEC = {"backend": {"serviceName": "a", "servicePort": 80}}


async def ingress(world, name, space="default"):
    body = {"apiVersion": "extensions/v1beta1", "kind": "Ingress", "metadata": {"name": name}, "spec": SPEC}
    await world.client.request("POST", INGRESSES.path(space), body=body)
    return await world.client.get(PartialObject, name, space, resource=INGRESSES)


async def gone(world, type_, name, space="default", **more):
    try:
        await world.client.get(type_, name, space, **more)
    except NotFound:
        return True
    return False


def owner_reference(owner, api_version, kind):
    meta = owner.metadata
    return {"apiVersion": api_version, "kind": kind, "name": meta.name, "uid": meta.uid}


@pytest.mark.parametrize("version", ["extensions/v1beta1", "networking.k8s.io/v1beta1", "networking.k8s.io/v1"])
async def test_owners_are_found_by_any_of_their_names(world, make, version):
    owner = await ingress(world, "owner")
    child = make(ConfigMap, "child", meta={"ownerReferences": [owner_reference(owner, version, "Ingress")]})
    await world.client.create(child)
    await world.start(garbagecollector)
    assert not await gone(world, ConfigMap, "child")
    await world.client.delete(PartialObject, "owner", "default", resource=INGRESSES)
    await world.settle()
    assert await gone(world, ConfigMap, "child")


async def test_an_absent_owner_of_old_is_absent(world, make):
    meta = {"apiVersion": "extensions/v1beta1", "kind": "ReplicaSet", "name": "none", "uid": "nobody"}
    await world.client.create(make(ConfigMap, "child", meta={"ownerReferences": [meta]}))
    await world.start(garbagecollector)
    assert await gone(world, ConfigMap, "child")


async def test_nothing_is_followed_twice(world):
    found = await discover(world.client)
    names = [s.resource.group_resource for s in found.resources]
    assert "ingresses.networking.k8s.io" in names
    assert not [n for n in names if n.endswith(".extensions")]


async def test_a_namespace_with_things_of_old_ends(world, make):
    await world.client.create(make(Namespace, "old"))
    await ingress(world, "a", "old")
    await world.start(namespace)
    await world.client.delete(Namespace, "old")
    await world.settle()
    assert await gone(world, Namespace, "old", "")
