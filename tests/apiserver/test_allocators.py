"""ClusterIPs and node ports: what is given out, kept, and given back."""

import asyncio
from typing import Any

import pytest
from tests.apiserver.conftest import Api

from steersman.api import codec
from steersman.api.errors import InternalError, Invalid
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
    assert outside["message"].endswith(
        "failed to allocate IP 192.168.0.1: the provided network does not match the current range"
    )


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


@pytest.mark.parametrize(
    ("port", "why"), [(31000, "provided port is already allocated"), (22, "provided port is not in the valid range")]
)
async def test_a_node_port_that_means_nothing_is_not_given_later(api: Api, port: int, why: str) -> None:
    await api.post(SERVICES, service("a", type="NodePort", ports=[{"port": 80, "nodePort": 31000}]))
    ports = [{"port": 80, "nodePort": port}]
    await api.post(SERVICES, service("b", type="ExternalName", externalName="x.org", ports=ports))
    for type_ in ("NodePort", "LoadBalancer"):
        answer = await api.patch(f"{SERVICES}/b", {"spec": {"type": type_, "externalName": None}}, code=422)
        assert f"spec.ports[0].nodePort: Invalid value: {port}: {why}" in answer["message"]
    await api.patch(f"{SERVICES}/b", {"spec": {"ports": [{"port": 80, "nodePort": 31001}]}})
    made = await api.patch(f"{SERVICES}/b", {"spec": {"type": "NodePort", "externalName": None}})
    assert made["spec"]["ports"][0]["nodePort"] == 31001


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
    assert "does not match the current range" in (await api.post(SERVICES, wanted, code=422))["message"]
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
    assert "does not match the current range" in edge["message"]
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
    with pytest.raises(InternalError, match=r'failed to allocate a serviceIP for Service "": range is full'):
        allocator.reserve("/s/9", Service(spec=ServiceSpec(type="ClusterIP")))


HEADLESS = {"clusterIP": "None", "selector": {"a": "b"}}
NOT_HERE = "this cluster is not configured for dual-stack services"


@pytest.mark.parametrize(
    ("spec", "families", "policy"),
    [
        ({}, ["IPv4"], "SingleStack"),
        ({"ipFamilyPolicy": "PreferDualStack"}, ["IPv4"], "PreferDualStack"),
        ({"ipFamilies": ["IPv4"]}, ["IPv4"], "SingleStack"),
        ({"clusterIP": "10.96.0.20"}, ["IPv4"], "SingleStack"),
        (HEADLESS, ["IPv4"], "SingleStack"),
        ({"clusterIP": "None"}, ["IPv4", "IPv6"], "RequireDualStack"),
        ({"clusterIP": "None", "ipFamilies": ["IPv6"]}, ["IPv6", "IPv4"], "RequireDualStack"),
        ({"clusterIP": "None", "ipFamilyPolicy": "SingleStack"}, ["IPv4"], "SingleStack"),
        ({"clusterIP": "None", "ipFamilyPolicy": "PreferDualStack"}, ["IPv4", "IPv6"], "PreferDualStack"),
        ({"clusterIP": "None", "ipFamilyPolicy": "SingleStack", "ipFamilies": ["IPv6"]}, ["IPv6"], "SingleStack"),
    ],
)
async def test_families(api: Api, spec: dict[str, Any], families: list[str], policy: str) -> None:
    made = await api.post(SERVICES, service("a", **spec))
    kept = {
        "clusterIP": spec.get("clusterIP"),
        "selector": spec.get("selector"),
        "ipFamilies": made["spec"]["ipFamilies"],
    }
    again = await api.put(f"{SERVICES}/a", service("a", **kept))
    for found in (made["spec"], again["spec"]):
        assert (found["ipFamilies"], found["ipFamilyPolicy"]) == (families, policy)


@pytest.mark.parametrize(
    ("spec", "errors"),
    [
        ({"ipFamilyPolicy": "RequireDualStack"}, [f'spec.ipFamilyPolicy: Invalid value: "RequireDualStack": {NOT_HERE}']),
        ({**HEADLESS, "ipFamilyPolicy": "RequireDualStack"}, [f'spec.ipFamilyPolicy: Invalid value: "RequireDualStack": {NOT_HERE}']),
        ({"ipFamilies": ["IPv6"]}, ['spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster']),
        (
            {"ipFamilies": ["IPv4", "IPv6"], "ipFamilyPolicy": "PreferDualStack"},
            ['spec.ipFamilies[1]: Invalid value: "IPv6": not configured on this cluster'],
        ),
        ({"clusterIP": "fd00::1"}, ['spec.clusterIPs[0]: Invalid value: ["fd00::1"]: IPv6 is not configured on this cluster']),
        (
            {"clusterIP": "10.96.0.9", "clusterIPs": ["10.96.0.9", "fd00::1"]},
            [
                "spec.ipFamilyPolicy: Invalid value: \"SingleStack\": must be 'RequireDualStack' or 'PreferDualStack' when multiple cluster IPs are specified",
                'spec.clusterIPs[1]: Invalid value: ["10.96.0.9","fd00::1"]: IPv6 is not configured on this cluster',
            ],
        ),
        (
            {"ipFamilies": ["IPv4", "IPv6"]},
            ["spec.ipFamilyPolicy: Invalid value: \"SingleStack\": must be 'RequireDualStack' or 'PreferDualStack' when multiple IP families are specified"],
        ),
        ({"ipFamilies": ["x"], "ports": []}, ['spec.ipFamilies[0]: Unsupported value: "x": supported values: "IPv4", "IPv6"']),
    ],
)  # fmt: skip
async def test_families_that_are_not_here(api: Api, spec: dict[str, Any], errors: list[str]) -> None:
    answer = await api.post(SERVICES, service("a", **spec), code=422)
    assert [f"{c['field']}: {c['message']}" for c in answer["details"]["causes"]] == errors


async def test_a_second_family_is_given_up(api: Api) -> None:
    await api.post(SERVICES, service("a", clusterIP="None"))
    path = f"{SERVICES}/a"
    answer = await api.patch(path, {"spec": {"ipFamilies": ["IPv4"]}}, code=422)
    assert "must be 'SingleStack' to release the secondary IP family" in answer["message"]
    spec = (await api.patch(path, {"spec": {"ipFamilyPolicy": "SingleStack"}}))["spec"]
    assert spec["ipFamilies"] == ["IPv4"]


async def test_a_changed_address_is_refused_for_what_it_is(api: Api) -> None:
    await api.post(SERVICES, service("a", clusterIP="10.96.0.30"))
    answer = await api.put(f"{SERVICES}/a", service("a", clusterIP="192.168.0.1"), code=422)
    assert [c["message"] for c in answer["details"]["causes"]] == [
        'Invalid value: ["192.168.0.1"]: may not change once set'
    ]


async def test_to_a_name_and_back(api: Api) -> None:
    made = (await api.post(SERVICES, service("a", type="NodePort")))["spec"]
    name = {"metadata": {"name": "a"}, "spec": {"type": "ExternalName", "externalName": "x.org"}}
    gone = (await api.put(f"{SERVICES}/a", name))["spec"]
    assert not {"clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "internalTrafficPolicy"} & gone.keys()
    await api.post(SERVICES, service("b", clusterIP=made["clusterIP"]))
    back = (await api.put(f"{SERVICES}/a", service("a")))["spec"]
    assert back["clusterIPs"] == [back["clusterIP"]] != [made["clusterIP"]]
    assert back["ipFamilies"] == ["IPv4"]


DNS = [{"name": "t", "port": 53, "protocol": "TCP"}, {"name": "u", "port": 53, "protocol": "UDP"}]


async def test_node_ports_of_one_number(api: Api) -> None:
    ports = [DNS[0], {**DNS[1], "nodePort": 31053}]
    made = await api.post(SERVICES, service("a", type="NodePort", ports=ports))
    assert [p["nodePort"] for p in made["spec"]["ports"]] == [31053, 31053]
    answer = await api.post(SERVICES, service("b", type="NodePort", ports=ports), code=422)
    assert answer["details"]["causes"][0]["field"] == "spec.ports[0].nodePort"
    twice = [{"name": n, "port": i, "nodePort": 31054} for i, n in enumerate("ab", 1)]
    answer = await api.post(SERVICES, service("b", type="NodePort", ports=twice), code=422)
    assert [f"{c['field']}: {c['message']}" for c in answer["details"]["causes"]] == [
        "spec.ports[1].nodePort: Invalid value: 31054: provided port is already allocated"
    ]


async def test_ports_that_are_added_have_node_ports_of_their_own(api: Api) -> None:
    await api.post(SERVICES, service("a", type="NodePort", ports=[{"name": "x", "port": 80}]))
    ports = (await api.put(f"{SERVICES}/a", service("a", type="NodePort", ports=DNS)))["spec"]["ports"]
    assert len({p["nodePort"] for p in ports}) == 2


async def test_node_ports_count_only_where_they_are_used(api: Api) -> None:
    ports = [{"port": 80, "nodePort": 1}]
    answer = await api.post(SERVICES, service("a", ports=ports), code=422)
    assert [c["message"] for c in answer["details"]["causes"]] == [
        "Forbidden: may not be used when `type` is 'ClusterIP'"
    ]
    await api.post(SERVICES, service("a", type="ExternalName", externalName="x.org", ports=ports))


async def test_health_check_ports(api: Api) -> None:
    balanced = {"type": "LoadBalancer", "externalTrafficPolicy": "Local"}
    made = await api.post(SERVICES, service("a", **balanced, healthCheckNodePort=31099))
    assert made["spec"]["healthCheckNodePort"] == 31099
    answer = await api.post(SERVICES, service("b", **balanced, healthCheckNodePort=31099), code=500)
    assert answer["message"] == (
        "Internal error occurred: failed to allocate requested HealthCheck NodePort 31099: provided port is already allocated"
    )
    released = await api.patch(f"{SERVICES}/a", {"spec": {"externalTrafficPolicy": "Cluster"}})
    assert "healthCheckNodePort" not in released["spec"]
    assert (await api.post(SERVICES, service("b", **balanced)))["spec"]["healthCheckNodePort"]


async def test_no_node_ports_for_a_balancer_that_needs_none(api: Api) -> None:
    spec = {"type": "LoadBalancer", "allocateLoadBalancerNodePorts": False}
    made = await api.post(SERVICES, service("a", **spec))
    assert "nodePort" not in made["spec"]["ports"][0]


def test_an_address_of_ipv6_is_the_same_in_all_spellings() -> None:
    allocator = Allocator("fd00:10:96::/112", range(30000, 32768))

    def wanted(ip: str) -> Service:
        return Service(spec=ServiceSpec(type="ClusterIP", clusterIP=ip))

    held = allocator.reserve("/a", wanted("FD00:10:96:0::10"))
    with pytest.raises(Invalid, match="provided IP is already allocated"):
        allocator.reserve("/b", wanted("fd00:10:96::10"))
    value = codec.encode(wanted("FD00:10:96:0::10"))
    allocator.load([Entry("/a", value, 1, 1)])
    held.release()
    with pytest.raises(Invalid, match="provided IP is already allocated"):
        allocator.reserve("/b", wanted("fd00:10:96::10"))
    assert allocator.reserve("/b", wanted("fd00:10:96::11")).values == {"fd00:10:96::11"}
