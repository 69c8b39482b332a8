"""Discovery in one document: what is served, all groups and versions at once."""

import json

import pytest
from tests.conformance.asking import PATIENCE
from tests.conformance.crds import DEFINITIONS, definition, undefined

pytestmark = pytest.mark.asyncio(loop_scope="session")

ACCEPT = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
# What client-go asks for: the newest form, the one before it, and the plain documents.
CLIENT_GO = ",".join(
    [ACCEPT, "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList", "application/json"]
)
EXPECTED = {
    ("admissionregistration.k8s.io", "v1", "validatingwebhookconfigurations"),
    ("apiextensions.k8s.io", "v1", "customresourcedefinitions"),
    ("apiregistration.k8s.io", "v1", "apiservices"),
    ("apps", "v1", "deployments"),
    ("authentication.k8s.io", "v1", "tokenreviews"),
    ("authorization.k8s.io", "v1", "selfsubjectaccessreviews"),
    ("autoscaling", "v1", "horizontalpodautoscalers"),
    ("autoscaling", "v2", "horizontalpodautoscalers"),
    ("batch", "v1", "jobs"),
    ("certificates.k8s.io", "v1", "certificatesigningrequests"),
    ("coordination.k8s.io", "v1", "leases"),
    ("discovery.k8s.io", "v1", "endpointslices"),
    ("events.k8s.io", "v1", "events"),
    ("networking.k8s.io", "v1", "ingresses"),
    ("node.k8s.io", "v1", "runtimeclasses"),
    ("policy", "v1", "poddisruptionbudgets"),
    ("scheduling.k8s.io", "v1", "priorityclasses"),
    ("storage.k8s.io", "v1", "csinodes"),
}


async def document(api, path, accept):
    response = await api.raw("GET", path, headers={"accept": accept})
    assert response.status == 200
    return response.headers["content-type"], json.loads(response.body)


def resources(found):
    """(group, version, resource) of everything in an aggregated document."""
    assert found["kind"] == "APIGroupDiscoveryList"
    return {
        (group["metadata"].get("name", ""), version["version"], resource["resource"])
        for group in found["items"]
        for version in group["versions"]
        for resource in version["resources"]
    }


async def groups_and_resources(api):
    """As a client's discovery interface reads them: from both documents, whatever the server chose to answer."""
    found = set()
    for path in ("/api", "/apis"):
        kind, answer = await document(api, path, CLIENT_GO)
        assert "as=APIGroupDiscoveryList" in kind
        assert "v=v2;" in f"{kind};"
        found |= resources(answer)
    return found


async def appear(api, crd, read):
    group, version, plural = crd["spec"]["group"], crd["spec"]["versions"][0]["name"], crd["spec"]["names"]["plural"]
    await api.post(DEFINITIONS, crd)

    async def there():
        return (group, version, plural) in await read()

    await api.cluster.wait_for(there, f"{plural}.{group} in discovery", timeout=PATIENCE)
    await undefined(api, crd)


async def test_should_support_raw_aggregated_discovery_endpoint_accept_headers(api):
    """AggregatedDiscovery should support raw aggregated discovery endpoint Accept headers"""
    kind, answer = await document(api, "/apis", ACCEPT)
    assert kind == "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
    assert answer["apiVersion"] == "apidiscovery.k8s.io/v2"
    assert resources(answer) >= EXPECTED
    _, answer = await document(api, "/api", ACCEPT)
    assert ("", "v1", "namespaces") in resources(answer)
    kind, answer = await document(api, "/apis", ACCEPT.replace("v=v2", "v=v2beta1"))
    assert answer["apiVersion"] == "apidiscovery.k8s.io/v2beta1"
    assert "v=v2beta1" in kind
    assert resources(answer) >= EXPECTED
    kind, answer = await document(api, "/apis", "application/json")
    assert (kind, answer["kind"]) == ("application/json", "APIGroupList")
    unknown = await api.raw("GET", "/apis", headers={"accept": ACCEPT.replace("v=v2", "v=v3")})
    assert unknown.status == 406


async def test_should_support_raw_aggregated_discovery_request_for_crds(api, unique):
    """AggregatedDiscovery should support raw aggregated discovery request for CRDs"""

    async def read():
        return resources((await document(api, "/apis", ACCEPT))[1])

    await appear(api, definition(unique), read)


async def test_should_support_aggregated_discovery_interface(api):
    """AggregatedDiscovery should support aggregated discovery interface"""
    assert await groups_and_resources(api) >= EXPECTED | {("", "v1", "namespaces")}


async def test_should_support_aggregated_discovery_interface_for_crds(api, unique):
    """AggregatedDiscovery should support aggregated discovery interface for CRDs"""
    await appear(api, definition(unique), lambda: groups_and_resources(api))
