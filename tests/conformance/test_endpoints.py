"""Endpoints and EndpointSlices where no pod stands behind them."""

import pytest
from tests.conformance.patterns import Resource, operations

pytestmark = pytest.mark.asyncio(loop_scope="session")

SERVICE_NAME = "kubernetes.io/service-name"
MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
PORTS = [{"name": "example", "port": 80, "protocol": "TCP"}]


def slices(ns):
    return f"/apis/discovery.k8s.io/v1/namespaces/{ns}/endpointslices"


def addresses(found):
    """Every address with its port, in the slices."""
    return {
        (address, port.get("name") or "", port["port"])
        for item in found
        for endpoint in item["endpoints"]
        for address in endpoint["addresses"]
        for port in item["ports"]
    }


async def test_should_have_endpoints_and_endpointslices_pointing_to_api_server(api):
    """API Server should have Endpoints and EndpointSlices pointing to API Server"""
    await api.get("/api/v1/namespaces/default/services/kubernetes")
    endpoints = await api.get("/api/v1/namespaces/default/endpoints/kubernetes")
    found = await api.items(slices("default"), f"{SERVICE_NAME}=kubernetes")
    assert found
    assert addresses(found) == {
        (address["ip"], port.get("name") or "", port["port"])
        for subset in endpoints["subsets"]
        for address in subset["addresses"]
        for port in subset["ports"]
    }
    assert addresses(found)


async def test_should_create_and_delete_endpointslices_for_a_service_with_a_selector_that_matches_no_pods(api, ns):
    """EndpointSlice should create and delete EndpointSlices for a Service with a selector that matches no pods"""
    services, labels = f"/api/v1/namespaces/{ns}/services", f"{SERVICE_NAME}=empty"
    await api.post(services, {"metadata": {"name": "empty"}, "spec": {"selector": {"no": "pod"}, "ports": PORTS}})
    found = await api.until(slices(ns), lambda found: found["items"], labelSelector=labels)
    (only,) = found["items"]
    assert only["metadata"]["labels"][MANAGED_BY] == "endpointslice-controller.k8s.io"
    assert not only["endpoints"]
    await api.delete(f"{services}/empty")
    await api.until(slices(ns), lambda found: not found["items"], labelSelector=labels)


async def test_should_create_and_delete_endpoints_for_a_service_with_a_selector_that_matches_no_pods(api, ns):
    """EndpointsController should create and delete Endpoints for a Service with a selector that matches no pods"""
    services, path = f"/api/v1/namespaces/{ns}/services", f"/api/v1/namespaces/{ns}/endpoints/empty"
    await api.post(services, {"metadata": {"name": "empty"}, "spec": {"selector": {"no": "pod"}, "ports": PORTS}})
    found = await api.until(path, lambda _: True)
    assert not found.get("subsets")
    await api.delete(f"{services}/empty")
    await api.gone(path)


async def test_should_support_creating_endpointslice_api_operations(api, ns, unique):
    """EndpointSlice should support creating EndpointSlice API operations"""
    endpoints = [{"addresses": ["1.2.3.4", "5.6.7.8"]}, {"addresses": ["2.2.3.4", "6.6.7.8"]}]
    obj = {"metadata": {"name": "tested"}, "addressType": "IPv4", "endpoints": endpoints, "ports": []}
    await operations(api, Resource("discovery.k8s.io/v1", "endpointslices", ns), obj, unique)


async def test_should_mirror_a_custom_endpoints_resource_through_create_update_and_delete(api, ns):
    """EndpointSliceMirroring should mirror a custom Endpoints resource through create update and delete"""
    services, path = f"/api/v1/namespaces/{ns}/services", f"/api/v1/namespaces/{ns}/endpoints"
    await api.post(services, {"metadata": {"name": "custom"}, "spec": {"ports": PORTS}})

    def subsets(ip):
        return [{"addresses": [{"ip": ip}], "ports": [{"port": 80}]}]

    async def mirrored(wanted):
        return await api.until(
            slices(ns), lambda found: addresses(found["items"]) == wanted, labelSelector=f"{SERVICE_NAME}=custom"
        )

    await api.post(path, {"metadata": {"name": "custom"}, "subsets": subsets("10.1.2.3")})
    found = await mirrored({("10.1.2.3", "", 80)})
    (only,) = found["items"]
    assert only["metadata"]["labels"][MANAGED_BY] == "endpointslicemirroring-controller.k8s.io"
    assert only["metadata"]["ownerReferences"][0]["kind"] == "Endpoints"
    await api.change(f"{path}/custom", lambda o: o.update(subsets=subsets("10.2.3.4")))
    await mirrored({("10.2.3.4", "", 80)})
    await api.delete(f"{path}/custom")
    await api.until(slices(ns), lambda found: not found["items"], labelSelector=f"{SERVICE_NAME}=custom")
