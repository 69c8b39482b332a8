"""Controllers that act on objects of any kind, with kinds that come while they run."""

import pytest

from steersman.api.errors import NotFound
from steersman.api.meta import Resource
from steersman.client.metadata import PartialObject
from steersman.controllers import garbagecollector, namespace
from steersman.kinds.types.core_v1 import ConfigMap, Namespace

GROUP = "a.example"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
SCHEMA = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}


def definition(plural, kind, version):
    versions = [{"name": version, "served": True, "storage": True, "schema": SCHEMA}]
    names = {"plural": plural, "kind": kind}
    return {
        "metadata": {"name": f"{plural}.{GROUP}"},
        "spec": {"group": GROUP, "scope": "Namespaced", "names": names, "versions": versions},
    }


FOO = Resource(GROUP, "v1", "foos", "Foo", True)
# In the same group, and not in its preferred version.
BAR = Resource(GROUP, "v1alpha1", "bars", "Bar", True)


async def define(world, resource):
    await world.client.request("POST", CRDS, body=definition(resource.plural, resource.kind, resource.version))
    await world.settle()


async def create(world, resource, name, *owners, where="default", finalizers=None):
    references = [
        {"apiVersion": r.api_version, "kind": r.kind, "name": o.metadata.name, "uid": o.metadata.uid} for r, o in owners
    ]
    meta = {"name": name, "ownerReferences": references, "finalizers": finalizers or []}
    body = {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": meta}
    await world.client.request("POST", resource.path(where), body=body)
    return await world.client.get(PartialObject, name, where, resource=resource)


async def exists(world, resource, name):
    try:
        return await world.client.get(PartialObject, name, "default", resource=resource)
    except NotFound:
        return None


async def test_the_garbage_collector_follows_new_kinds(world, make):
    await world.start(garbagecollector)
    await define(world, FOO)
    await define(world, BAR)
    await world.pass_time(garbagecollector.REDISCOVER + 1)
    owner = await create(world, FOO, "owner")
    child = await create(world, BAR, "child", (FOO, owner))
    reference = {"apiVersion": BAR.api_version, "kind": "Bar", "name": "child", "uid": child.metadata.uid}
    await world.client.create(make(ConfigMap, "grandchild", meta={"ownerReferences": [reference]}))
    await world.settle()
    await world.client.delete(PartialObject, "owner", "default", resource=FOO)
    await world.settle()
    assert await exists(world, BAR, "child") is None
    assert await world.all(ConfigMap) == []


async def test_foreground_deletion_of_custom_objects(world):
    await world.start(garbagecollector)
    await define(world, FOO)
    await world.pass_time(garbagecollector.REDISCOVER + 1)
    owner = await create(world, FOO, "owner")
    await create(world, FOO, "child", (FOO, owner), finalizers=["a.example/stay"])
    await world.settle()
    await world.client.delete(PartialObject, "owner", "default", propagation="Foreground", resource=FOO)
    await world.settle()
    assert (await exists(world, FOO, "child")).metadata.deletionTimestamp
    await world.client.patch(PartialObject, "child", {"metadata": {"finalizers": None}}, "default", resource=FOO)
    await world.settle()
    assert await exists(world, FOO, "owner") is None


async def test_kinds_that_go_are_followed_no_more(world):
    await world.start(garbagecollector)
    await define(world, FOO)
    await world.pass_time(garbagecollector.REDISCOVER + 1)
    await create(world, FOO, "a")
    await world.client.request("DELETE", f"{CRDS}/foos.{GROUP}")
    await world.settle()
    await world.pass_time(garbagecollector.REDISCOVER + 1)
    with pytest.raises(NotFound):
        await world.client.request("GET", FOO.path("default"))


async def test_namespaces_are_emptied_of_custom_objects(world, make):
    await world.start(namespace)
    await define(world, FOO)
    await define(world, BAR)
    await world.client.create(make(Namespace, "team"))
    await world.settle()
    for resource in (FOO, BAR):
        await create(world, resource, "a", where="team")
        await create(world, resource, "a")
    await world.client.delete(Namespace, "team")
    await world.settle()
    with pytest.raises(NotFound):
        await world.client.get(Namespace, "team")
    for resource in (FOO, BAR):
        assert await exists(world, resource, "a") is not None
        left = await world.client.list(PartialObject, "", resource=resource)
        assert len(left.items) == 1
