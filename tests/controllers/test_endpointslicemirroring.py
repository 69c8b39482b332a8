"""Endpoints made by hand, mirrored into EndpointSlices."""

import pytest

from steersman.controllers import endpoints, endpointslice, endpointslicemirroring
from steersman.controllers.endpointslicemirroring import MAX_ADDRESSES, wanted
from steersman.kinds.types.core_v1 import Endpoints, Service
from steersman.kinds.types.discovery_v1 import EndpointSlice

PORTS = [{"name": "http", "port": 80}]


def subset(*ips, unready=(), port=8080):
    found = {"ports": [{"name": "http", "port": port}]}
    if ips:
        found["addresses"] = [{"ip": ip} for ip in ips]
    if unready:
        found["notReadyAddresses"] = [{"ip": ip} for ip in unready]
    return found


@pytest.fixture
async def net(world, make):
    await world.start(endpoints, endpointslice, endpointslicemirroring)

    async def service(**spec):
        await world.client.create(make(Service, "web", spec={"ports": PORTS} | spec))
        await world.settle()

    async def custom(*subsets, **meta):
        await world.client.create(make(Endpoints, "web", meta=meta, subsets=list(subsets)))
        await world.settle()

    async def change(patch):
        await world.client.patch(Endpoints, "web", patch, "default")
        await world.settle()

    world.service, world.custom, world.change = service, custom, change
    return world


def ready(found):
    return {e.addresses[0]: e.conditions.ready for s in found for e in s.endpoints}


async def test_follows_the_endpoints(net):
    await net.service()
    await net.custom(subset("10.1.2.3", unready=["10.1.2.4"]), labels={"a": "b"}, annotations={"c": "d"})
    (found,) = await net.all(EndpointSlice)
    assert ready([found]) == {"10.1.2.3": True, "10.1.2.4": False}
    assert (found.addressType, found.ports[0].name, found.ports[0].port) == ("IPv4", "http", 8080)
    assert found.metadata.labels == {
        "a": "b",
        "kubernetes.io/service-name": "web",
        "endpointslice.kubernetes.io/managed-by": "endpointslicemirroring-controller.k8s.io",
    }
    assert found.metadata.annotations == {"c": "d"}
    assert found.metadata.ownerReferences[0].kind == "Endpoints"
    await net.change({"subsets": [subset("10.2.3.4")]})
    (changed,) = await net.all(EndpointSlice)
    assert changed.metadata.uid == found.metadata.uid
    assert ready([changed]) == {"10.2.3.4": True}
    await net.client.delete(Endpoints, "web", "default")
    await net.settle()
    assert await net.all(EndpointSlice) == []


async def test_comes_and_goes_with_the_reason_to_mirror(net):
    await net.custom(subset("10.1.2.3"))
    assert await net.all(EndpointSlice) == []
    await net.service()
    assert len(await net.all(EndpointSlice)) == 1
    await net.change({"metadata": {"labels": {"endpointslice.kubernetes.io/skip-mirror": "true"}}})
    assert await net.all(EndpointSlice) == []
    await net.change({"metadata": {"labels": {"endpointslice.kubernetes.io/skip-mirror": "false"}}})
    assert len(await net.all(EndpointSlice)) == 1
    await net.change({"metadata": {"annotations": {"control-plane.alpha.kubernetes.io/leader": "{}"}}})
    assert await net.all(EndpointSlice) == []


async def test_what_a_selector_makes_is_not_mirrored(net):
    await net.service(selector={"app": "web"})
    found = await net.all(EndpointSlice)
    managers = [s.metadata.labels["endpointslice.kubernetes.io/managed-by"] for s in found]
    assert managers == ["endpointslice-controller.k8s.io"]


def test_groups(make):
    made = make(
        Endpoints,
        "web",
        subsets=[subset("10.0.0.1", "10.0.0.1"), subset("10.0.0.2"), subset("10.0.0.1", port=9090), subset("fd00::1")],
    )
    found = {(g.family, g.ports[0].port): [e.addresses[0] for e in es] for g, es in wanted(made).items()}
    assert found == {
        ("IPv4", 8080): ["10.0.0.1", "10.0.0.2"],
        ("IPv4", 9090): ["10.0.0.1"],
        ("IPv6", 8080): ["fd00::1"],
    }


def test_a_subset_counts_up_to_a_thousand(make):
    many = [f"10.0.{i // 250}.{i % 250 + 1}" for i in range(MAX_ADDRESSES + 5)]
    (only,) = wanted(make(Endpoints, "web", subsets=[subset(*many, unready=["10.9.9.9"])])).values()
    assert len(only) == MAX_ADDRESSES
