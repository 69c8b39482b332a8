"""ClusterIPs and node ports: what is given out, kept, and given back."""

import asyncio
from typing import Any

import pytest
from tests.apiserver.conftest import Api

from steersman.api.errors import Invalid
from steersman.apiserver.allocators import Allocator
from steersman.kinds.types.core_v1 import Service, ServiceSpec
from steersman.store import Entry

SERVICES = "/api/v1/namespaces/default/services"


def service(name: str, **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"ports": [{"port": 80}], **spec}}


async def test_addresses_differ(api: Api) -> None:
    made = await asyncio.gather(*(api.post(SERVICES, service(f"s{i}")) for i in range(50)))
    addresses = {m["spec"]["clusterIP"] for m in made}
    assert len(addresses) == 50
    assert all(m["spec"]["clusterIPs"] == [m["spec"]["clusterIP"]] for m in made)
    assert made[0]["spec"]["ipFamilies"] == ["IPv4"]
    assert made[0]["spec"]["ipFamilyPolicy"] == "SingleStack"


async def test_a_certain_address(api: Api) -> None:
    assert (await api.post(SERVICES, service("a", clusterIP="10.96.0.10")))["spec"]["clusterIP"] == "10.96.0.10"
    answer = await api.post(SERVICES, service("b", clusterIP="10.96.0.10"), code=422)
    assert answer["message"] == (
        'Service "b" is invalid: spec.clusterIPs: Invalid value: ["10.96.0.10"]: failed to allocate IP 10.96.0.10: '
        "provided IP is already allocated"
    )
    await api.delete(f"{SERVICES}/a")
    await api.post(SERVICES, service("b", clusterIP="10.96.0.10"))
    outside = await api.post(SERVICES, service("c", clusterIP="192.168.0.1"), code=422)
    assert "is not in the valid range. The range of valid IPs is 10.96.0.0/12" in outside["message"]


async def test_no_address(api: Api) -> None:
    assert (await api.post(SERVICES, service("a", clusterIP="None")))["spec"]["clusterIPs"] == ["None"]
    external = {"metadata": {"name": "b"}, "spec": {"type": "ExternalName", "externalName": "x.org"}}
    assert "clusterIP" not in (await api.post(SERVICES, external))["spec"]


async def test_node_ports(api: Api) -> None:
    ports = [{"name": "a", "port": 80}, {"name": "b", "port": 81, "nodePort": 31000}]
    made = await api.post(SERVICES, service("a", type="NodePort", ports=ports))
    given, wanted = (p["nodePort"] for p in made["spec"]["ports"])
    assert wanted == 31000
    assert 30000 <= given <= 32767
    taken = service("b", type="NodePort", ports=[{"port": 80, "nodePort": 31000}])
    assert "provided port is already allocated" in (await api.post(SERVICES, taken, code=422))["message"]
    outside = service("b", type="NodePort", ports=[{"port": 80, "nodePort": 80}])
    answer = await api.post(SERVICES, outside, code=422)
    assert "The range of valid ports is 30000-32767" in answer["message"]
    await api.delete(f"{SERVICES}/a")
    await api.post(SERVICES, taken)


async def test_one_port_for_two_protocols(api: Api) -> None:
    ports = [{"name": "t", "port": 53, "protocol": "TCP"}, {"name": "u", "port": 53, "protocol": "UDP"}]
    made = await api.post(SERVICES, service("a", type="NodePort", ports=ports))
    assert len({p["nodePort"] for p in made["spec"]["ports"]}) == 1


async def test_an_update_keeps_what_was_given(api: Api) -> None:
    made = (await api.post(SERVICES, service("a", type="NodePort")))["spec"]
    kept = (await api.put(f"{SERVICES}/a", service("a", type="NodePort")))["spec"]
    assert kept["clusterIP"] == made["clusterIP"]
    assert kept["ports"][0]["nodePort"] == made["ports"][0]["nodePort"]


async def test_an_update_can_ask_for_more(api: Api) -> None:
    await api.post(SERVICES, service("a"))
    changed = (await api.patch(f"{SERVICES}/a", {"spec": {"type": "NodePort"}}))["spec"]
    assert changed["ports"][0]["nodePort"]
    back = (await api.patch(f"{SERVICES}/a", {"spec": {"type": "ClusterIP"}}))["spec"]
    assert "nodePort" not in back["ports"][0]
    body = service("b", type="NodePort", ports=[{"port": 80, "nodePort": changed["ports"][0]["nodePort"]}])
    await api.post(SERVICES, body)


async def test_a_failed_write_keeps_nothing(api: Api) -> None:
    bad = service("a", clusterIP="10.96.0.11", ports=[{"port": 0}])
    await api.post(SERVICES, bad, code=422)
    await api.post(f"{SERVICES}?dryRun=All", service("a", clusterIP="10.96.0.11"))
    await api.post(SERVICES, service("a", clusterIP="10.96.0.11"))


@pytest.mark.parametrize("cidr", ["10.0.0.0/29", "10.0.0.0/30"])
async def test_a_full_range(api: Api, cidr: str) -> None:
    from steersman.apiserver.allocators import Allocator
    from steersman.kinds.types.core_v1 import Service

    allocator = Allocator(cidr, range(1, 2))
    given = set()
    size = 2 ** (32 - int(cidr[-2:])) - 2
    for i in range(size):
        one = Service()
        allocator.reserve(f"k{i}", one)
        given.add(one.spec.clusterIP)
    assert len(given) == size
    with pytest.raises(Exception, match="range is full"):
        allocator.reserve("k", Service())


async def test_more_ranges(api: Api) -> None:
    cidrs = "/apis/networking.k8s.io/v1/servicecidrs"
    made = await api.post(cidrs, {"metadata": {"name": "more"}, "spec": {"cidrs": ["203.0.113.0/29"]}})
    wanted = service("a", clusterIP="203.0.113.3")
    assert "not in the valid range" in (await api.post(SERVICES, wanted, code=422))["message"]
    ready = {
        "type": "Ready",
        "status": "True",
        "reason": "",
        "message": "",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }
    await api.put(f"{cidrs}/more/status", {**made, "status": {"conditions": [ready]}})
    assert (await api.post(SERVICES, wanted))["spec"]["clusterIPs"] == ["203.0.113.3"]
    edge = await api.post(SERVICES, service("b", clusterIP="203.0.113.7"), code=422)
    assert "The range of valid IPs is 10.96.0.0/12, 203.0.113.0/29" in edge["message"]
    assert (await api.post(SERVICES, service("c")))["spec"]["clusterIP"].startswith("10.")
    await api.delete(f"{cidrs}/more")
    await api.post(SERVICES, service("d", clusterIP="203.0.113.4"), code=422)


def test_the_next_range_when_one_is_full() -> None:
    value = b'{"spec":{"cidrs":["198.51.100.0/29"]},"status":{"conditions":[{"type":"Ready","status":"True"}]}}'
    allocator = Allocator("192.0.2.0/30", range(30000, 30010))
    allocator.load_ranges([Entry("/r/more", value, 2, 2)])
    given = []
    for number in range(8):
        made = Service(spec=ServiceSpec(type="ClusterIP"))
        allocator.reserve(f"/s/{number}", made)
        given.append(made.spec.clusterIP)
    assert set(given[:2]) == {"192.0.2.1", "192.0.2.2"}
    assert set(given[2:]) == {f"198.51.100.{number}" for number in range(1, 7)}
    with pytest.raises(Invalid, match="range is full"):
        allocator.reserve("/s/9", Service(spec=ServiceSpec(type="ClusterIP")))
