"""Warnings of kinds on their way to clients: of what is created and changed, and of a status apart from both."""

from __future__ import annotations

from typing import Any

import pytest
from tests.apiserver.conftest import Api

SERVICES = "/api/v1/namespaces/default/services"
ENDPOINTS = "/api/v1/namespaces/default/endpoints"
IGNORED = '299 - "spec.externalName is ignored when spec.type is not \\"ExternalName\\""'
DEPRECATED = '299 - "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"'


async def _warnings(api: Api, method: str, path: str, body: Any) -> list[str]:
    response = await api.raw(method, path, body, {"content-type": "application/json"})
    assert response.status < 300, response.body
    found = response.headers.get("Warning", "")
    return found.split("\n") if found else []


async def test_of_an_object_and_of_its_status(api: Api) -> None:
    spec = {"type": "LoadBalancer", "externalName": "a.b", "ports": [{"port": 80}]}
    body = {"metadata": {"name": "a"}, "spec": spec}
    assert await _warnings(api, "POST", SERVICES, body) == [IGNORED]
    assert await _warnings(api, "PUT", f"{SERVICES}/a", body) == [IGNORED]
    status = {"loadBalancer": {"ingress": [{"ip": "FD00::1"}]}}
    assert await _warnings(api, "PUT", f"{SERVICES}/a/status", {**body, "status": status}) == [
        '299 - "status.loadBalancer.ingress[0]: IPv6 address \\"FD00::1\\" should be in RFC 5952 canonical format (\\"fd00::1\\")"'
    ]


@pytest.mark.parametrize("ip", ["10.0.0.1", "FD00::1"])
async def test_of_endpoints(api: Api, ip: str) -> None:
    body = {"metadata": {"name": "a"}, "subsets": [{"addresses": [{"ip": ip}]}]}
    found = await _warnings(api, "POST", ENDPOINTS, body)
    assert found[0] == DEPRECATED
    assert [w for w in found[1:] if "subsets[0].addresses[0].ip" in w] == found[1:]
    assert len(found) == (1 if ip == "10.0.0.1" else 2)


async def test_each_is_told_once(api: Api) -> None:
    path = "/apis/apps/v1/namespaces/default/deployments"
    pod = {"containers": [{"name": "c", "image": "x"}], "imagePullSecrets": [{"name": "a"}, {"name": "a"}]}
    template = {"metadata": {"labels": {"a": "b"}}, "spec": pod}
    body: Any = {"metadata": {"name": "a"}, "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": template}}
    told = ['299 - "spec.template.spec.imagePullSecrets[1].name: duplicate name \\"a\\""']
    assert await _warnings(api, "POST", path, body) == told
    body["spec"]["replicas"] = 3
    assert await _warnings(api, "PUT", f"{path}/a", body) == told


async def test_a_quota_is_not_made_by_an_update(api: Api) -> None:
    path = "/api/v1/namespaces/default/resourcequotas/a"
    await api.put(path, {"metadata": {"name": "a"}, "spec": {"hard": {"pods": "1"}}}, code=404)
