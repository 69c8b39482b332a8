"""The ranges of Service addresses and the addresses taken from them."""

import pytest
from tests.conformance.patterns import Crud, Resource, crud, discovered

pytestmark = pytest.mark.asyncio(loop_scope="session")

VERSION = "networking.k8s.io/v1"


def ready(obj):
    return [(c["type"], c["status"]) for c in obj.get("status", {}).get("conditions", [])] == [("Ready", "True")]


async def test_should_support_servicecidr_api_operations(driven, unique):
    """ServiceCIDR and IPAddress API should support ServiceCIDR API operations"""
    api, resource = driven, Resource(VERSION, "servicecidrs")
    await discovered(api, resource, "status")
    default = await api.until(resource.named("kubernetes"), ready)
    status = await api.get(f"{resource.named('kubernetes')}/status")
    assert (status["kind"], status["metadata"]["uid"]) == ("ServiceCIDR", default["metadata"]["uid"])
    assert "kubernetes" in [o["metadata"]["name"] for o in await api.items(resource.path)]
    async with api.watch(resource.path) as watch:
        await watch.until("ADDED", lambda o: o["metadata"]["name"] == "kubernetes")
    spec = {"cidrs": ["203.0.113.0/24"]}
    await api.post(resource.path, {"metadata": {"name": unique}, "spec": spec}, code=201)
    made = await api.until(resource.named(unique), ready)
    assert made["metadata"]["finalizers"] == ["networking.k8s.io/service-cidr-finalizer"]
    await api.delete(resource.named(unique))
    await api.cluster.advance(10)
    await api.gone(resource.named(unique))


async def test_should_support_ipaddress_api_operations(api, unique):
    """ServiceCIDR and IPAddress API should support IPAddress API operations"""
    resource = Resource(VERSION, "ipaddresses")
    parent = {"group": "mygroup", "resource": "myresources", "namespace": "foo", "name": "bar"}
    annotated = {"metadata": {"annotations": {"patched": "true"}}}
    for name in ("255.255.255.255", "fe80::42:1dff:fe84:f9e2"):
        case = Crud({"metadata": {"name": name}, "spec": {"parentRef": parent}}, annotated)
        await crud(api, resource, case, unique)
    refused = await api.post(resource.path, {"metadata": {"name": "192.0.2.1"}, "spec": {}}, code=422)
    assert "spec.parentRef: Required value" in refused["message"]
