"""Whom the API server speaks to for others, and whom not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.apiserver.conftest import PODS, Api, pod

from steersman.api.errors import BadRequest, NotFound, ServiceUnavailable
from steersman.apiserver import proxylocation
from steersman.apiserver.proxylocation import is_allowed

SERVICES = "/api/v1/namespaces/default/services"


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("10.0.0.1", True),
        ("192.168.0.1", True),
        ("8.8.8.8", True),
        ("2600::", True),
        ("fd00::1", True),
        ("::ffff:10.0.0.1", True),
        ("127.0.0.1", False),
        ("127.9.9.9", False),
        ("169.254.169.254", False),
        ("224.0.0.1", False),
        ("239.1.1.1", False),
        ("0.0.0.0", False),
        ("255.255.255.255", False),
        ("::", False),
        ("::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:169.254.169.254", False),
        ("fe80::1", False),
        ("fe80::1%eth0", False),
        ("2600::1%eth0", False),
        ("ff02::1", False),
        ("127.1", False),
        ("0177.0.0.1", False),
        ("2130706433", False),
        ("localhost", False),
        ("10.0.0.1:80", False),
        ("", False),
    ],
)
def test_addresses(address: str, expected: bool) -> None:
    assert is_allowed(address) is expected


@pytest.mark.parametrize("address", ["127.0.0.1", "169.254.169.254", "::1"])
async def test_a_pod_that_says_to_be_somewhere_else(api: Api, address: str) -> None:
    await api.post(PODS, pod())
    await api.patch(f"{PODS}/a/status", {"status": {"podIP": address, "podIPs": [{"ip": address}]}})
    answer = await api.get(f"{PODS}/a:80/proxy/", code=400)
    assert answer["message"] == "address not allowed"


async def with_endpoint(api: Api, port_name: str = "", **endpoint: Any) -> None:
    await api.post(PODS, pod())
    await api.patch(
        f"{PODS}/a/status", {"status": {"podIP": "10.0.0.7", "podIPs": [{"ip": "10.0.0.7"}, {"ip": "fd00::7"}]}}
    )
    await api.post(SERVICES, {"metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}]}})
    piece = {
        "kind": "EndpointSlice",
        "apiVersion": "discovery.k8s.io/v1",
        "metadata": {"name": "s", "labels": {"kubernetes.io/service-name": "s"}},
        "addressType": "IPv4",
        "endpoints": [endpoint],
        "ports": [{"name": port_name, "port": 8080, "protocol": "TCP"}],
    }
    # Past validation, which refuses some of these addresses.
    await api.app.store.create(
        "/registry/discovery.k8s.io/endpointslices/default/s", json.dumps(piece, separators=(",", ":")).encode()
    )


POD = {"kind": "Pod", "namespace": "default", "name": "a"}


@pytest.mark.parametrize("address", ["10.0.0.7", "fd00::7"])
async def test_endpoints_that_are_pods(api: Api, address: str) -> None:
    await with_endpoint(api, addresses=[address], targetRef=POD)
    target = proxylocation.service(api.app, "default", "s", "")
    assert (target.host, target.port) == (address, 8080)


@pytest.mark.parametrize(
    "endpoint",
    [
        {"addresses": ["10.0.0.7"]},
        {"addresses": ["10.0.0.8"], "targetRef": POD},
        {"addresses": ["10.0.0.7"], "targetRef": {**POD, "namespace": "kube-system"}},
        {"addresses": ["10.0.0.7"], "targetRef": {**POD, "name": "b"}},
        {"addresses": ["127.0.0.1"], "targetRef": POD},
        {"addresses": ["10.0.0.7"], "targetRef": POD, "conditions": {"ready": False}},
    ],
)
async def test_endpoints_that_anybody_could_have_written(api: Api, endpoint: dict[str, Any]) -> None:
    await with_endpoint(api, **endpoint)
    with pytest.raises(ServiceUnavailable, match='no endpoints available for service "s"'):
        proxylocation.service(api.app, "default", "s", "")


async def test_a_service_that_is_a_name(api: Api) -> None:
    spec = {"type": "ExternalName", "externalName": "example.com", "ports": [{"port": 80}]}
    await api.post(SERVICES, {"metadata": {"name": "s"}, "spec": spec})
    answer = await api.get(f"{SERVICES}/s/proxy/", code=503)
    assert answer["message"] == 'no endpoints available for service "s"'


async def test_ports_of_a_service(api: Api) -> None:
    await with_endpoint(api, addresses=["10.0.0.7"], targetRef=POD)
    assert proxylocation.service(api.app, "default", "s", "80").port == 8080
    answer = await api.get(f"{SERVICES}/s:81/proxy/", code=503)
    assert answer["message"] == 'no service port 81 found for service "s"'
    answer = await api.get(f"{SERVICES}/s:http/proxy/", code=503)
    assert answer["message"] == 'no endpoints available for service "s"'
    answer = await api.get(f"{SERVICES}/t:80/proxy/", code=404)
    assert answer["message"] == 'services "t" not found'


async def test_without_a_port_only_one_without_a_name(api: Api) -> None:
    await with_endpoint(api, "http", addresses=["10.0.0.7"], targetRef=POD)
    assert proxylocation.service(api.app, "default", "s", "http").port == 8080
    with pytest.raises(ServiceUnavailable):
        proxylocation.service(api.app, "default", "s", "")


async def with_node(api: Api, address: str) -> None:
    await api.post("/api/v1/nodes", {"metadata": {"name": "n"}})
    await api.patch("/api/v1/nodes/n/status", {"status": {"addresses": [{"type": "InternalIP", "address": address}]}})


async def test_ports_of_a_node(api: Api) -> None:
    await with_node(api, "10.0.0.9")
    assert (await proxylocation.node(api.app, "n", "")).port == 10250
    found = await proxylocation.node(api.app, "n", "9100")
    assert (found.host, found.port, found.tls) == ("10.0.0.9", 9100, None)
    assert proxylocation.encrypted(found).tls is not None
    for port in ("0", "65536", "http", "²"):
        with pytest.raises(BadRequest, match="invalid port"):
            await proxylocation.node(api.app, "n", port)
    with pytest.raises(NotFound):
        await proxylocation.node(api.app, "m", "80")


@pytest.mark.parametrize("address", ["127.0.0.1", "localhost"])
async def test_other_ports_of_a_node_that_is_this_machine(api: Api, address: str) -> None:
    """Only where its kubelet listens is it asked."""
    await with_node(api, address)
    assert (await proxylocation.node(api.app, "n", "10250")).host == address
    with pytest.raises(BadRequest, match="address not allowed"):
        await proxylocation.node(api.app, "n", "6443")
