"""From Services to rules, without a kernel."""

from dataclasses import replace
from ipaddress import IPv4Network

import pytest
from tests.proxy.builders import endpoint, port, service, slice_of
from tests.proxy.conftest import SETTINGS

from steersman.kinds.types.core_v1 import LoadBalancerIngress, LoadBalancerStatus, ObjectMeta, Service, ServiceStatus
from steersman.proxy.frame import (
    CLUSTER_IPS,
    HAIRPIN,
    MASQUERADE,
    NO_ENDPOINT_IPS,
    NO_ENDPOINT_PORTS,
    NODE_PORTS,
    REJECT,
    SERVICE_IPS,
    frame,
)
from steersman.proxy.plan import Front, ServicePlan, combine, is_proxied, plan_service

HOST = replace(SETTINGS, node_name="")
ONE, TWO = "10.213.0.5", "10.213.0.6"
VIP = "10.127.0.5"


@pytest.mark.parametrize(
    ("obj", "expected"),
    [
        (service(), True),
        (service(clusterIP="None"), False),
        (service(clusterIP=""), False),
        (service(type="ExternalName", externalName="x"), False),
    ],
)
def test_is_proxied(obj: Service, expected: bool) -> None:
    assert is_proxied(obj) is expected
    obj.metadata.labels = {"service.kubernetes.io/service-proxy-name": "mesh"}
    assert not is_proxied(obj)
    assert plan_service(obj, [slice_of(ONE)], SETTINGS) == ServicePlan()


def elements(plan: ServicePlan, name: str) -> dict[str, str]:
    return dict(plan.rules.elements.get(name, {}))


def test_a_plain_service() -> None:
    plan = plan_service(service(), [slice_of(TWO, ONE)], SETTINGS)
    [(chain, rules)] = plan.rules.chains.items()
    assert chain.startswith("svc-")
    assert chain.endswith("-default/web/tcp/80")
    assert rules == (f"meta l4proto tcp dnat ip to numgen random mod 2 map {{ 0 : {ONE} . 8080, 1 : {TWO} . 8080 }}",)
    assert elements(plan, SERVICE_IPS) == {f"{VIP} . tcp . 80": f"goto {chain}"}
    assert elements(plan, CLUSTER_IPS) == {VIP: ""}
    assert set(elements(plan, HAIRPIN)) == {f"{ONE} . {ONE}", f"{TWO} . {TWO}"}


def test_an_empty_service_refuses() -> None:
    plan = plan_service(service(type="NodePort", ports=[port(node_port=30000)]), [], SETTINGS)
    assert elements(plan, NO_ENDPOINT_IPS) == {f"{VIP} . tcp . 80": REJECT}
    assert elements(plan, NO_ENDPOINT_PORTS) == {"tcp . 30000": REJECT}
    assert plan.rules.chains == {}


def test_internal_traffic_stays_local_or_is_dropped() -> None:
    web = service(internalTrafficPolicy="Local")
    here = plan_service(web, [slice_of(ONE, endpoint(TWO, "node-1"))], SETTINGS)
    assert list(here.rules.chains.values()) == [(f"meta l4proto tcp dnat ip to {ONE}:8080",)]
    away = plan_service(web, [slice_of(endpoint(TWO, "node-1"))], SETTINGS)
    assert elements(away, NO_ENDPOINT_IPS) == {f"{VIP} . tcp . 80": "drop"}


def test_a_balancer_that_must_see_its_traffic_is_left_alone() -> None:
    web = service(type="LoadBalancer")
    ways = [LoadBalancerIngress(ip="10.0.0.1", ipMode="Proxy"), LoadBalancerIngress(ip="10.0.0.2", ipMode="VIP")]
    web.status = ServiceStatus(loadBalancer=LoadBalancerStatus(ingress=ways))
    plan = plan_service(web, [slice_of(ONE)], SETTINGS)
    assert set(elements(plan, SERVICE_IPS)) == {f"{VIP} . tcp . 80", "10.0.0.2 . tcp . 80"}


def test_odd_names_make_legal_ones() -> None:
    web = service(ports=[port(name="we:ird{}"), port(name="p", protocol="QUIC")])
    plan = plan_service(web, [slice_of(ONE, name="we:ird{}")], SETTINGS)
    [chain] = plan.rules.chains
    assert set(chain) <= set("abcdefghijklmnopqrstuvwxyz0123456789-/_.")
    long = service(name="n" * 63, ports=[port(name="p" * 63)])
    long.metadata.namespace = "s" * 63
    assert all(len(name) < 128 for name in plan_service(long, [slice_of(ONE, name="p" * 63)], SETTINGS).rules.chains)


def test_udp_fronts_are_known_with_their_endpoints() -> None:
    web = service(type="NodePort", ports=[port(protocol="UDP", node_port=30053, number=53)])
    plan = plan_service(web, [slice_of(ONE, protocol="UDP")], SETTINGS)
    assert plan.udp == {Front(VIP, 53): frozenset({ONE}), Front("", 30053): frozenset({ONE})}


def test_of_two_claims_the_older_wins() -> None:
    old, new = (
        service("old", externalIPs=["10.0.0.9"]),
        service("new", clusterIP="10.127.0.6", externalIPs=["10.0.0.9"]),
    )
    old.metadata = ObjectMeta(name="old", namespace="z", creationTimestamp="2026-01-01T00:00:00Z")
    new.metadata = ObjectMeta(name="new", namespace="a", creationTimestamp="2026-01-02T00:00:00Z")
    plans = [plan_service(each, [slice_of(ONE)], SETTINGS) for each in (new, old)]
    for order in (plans, plans[::-1]):
        assert "z/old" in combine(order).elements[SERVICE_IPS]["10.0.0.9 . tcp . 80"]


@pytest.mark.parametrize("served", [True, False])
def test_nobody_takes_or_cuts_off_a_front_that_is_anothers(served: bool) -> None:
    """A Service that names another's address as its own external one, with endpoints and without, older and younger."""
    front = f"{VIP} . tcp . 80"
    victim, thief = service("victim"), service("thief", clusterIP="10.127.0.6", externalIPs=[VIP])
    for age in ("2025-01-01T00:00:00Z", "2027-01-01T00:00:00Z"):
        victim.metadata = ObjectMeta(name="victim", namespace="z", creationTimestamp="2026-01-01T00:00:00Z")
        thief.metadata = ObjectMeta(name="thief", namespace="a", creationTimestamp=age)
        both = [
            plan_service(victim, [slice_of(ONE)], SETTINGS),
            plan_service(thief, [slice_of(TWO)] if served else [], SETTINGS),
        ]
        found = combine(both).elements
        assert "z/victim" in found[SERVICE_IPS][front]
        assert front not in found.get(NO_ENDPOINT_IPS, {})
        # One that has no endpoints keeps its front, too.
        found = combine([plan_service(victim, [], SETTINGS), both[1]]).elements
        assert found[NO_ENDPOINT_IPS][front] == REJECT
        assert front not in found.get(SERVICE_IPS, {})


def test_node_ports_share_the_chain_of_external_traffic() -> None:
    web = service(type="NodePort", externalIPs=["10.0.0.9"], ports=[port(node_port=30080)])
    plan = plan_service(web, [slice_of(ONE)], SETTINGS)
    assert elements(plan, NODE_PORTS)["tcp . 30080"] == elements(plan, SERVICE_IPS)["10.0.0.9 . tcp . 80"]


def test_a_host_that_is_no_node_masks_insiders_and_keeps_strangers() -> None:
    host = replace(HOST, own_pods=None, insiders=(IPv4Network("10.213.0.0/16"), IPv4Network("10.95.0.0/24")))
    web = service(type="NodePort", ports=[port(node_port=30080)], externalTrafficPolicy="Local")
    chains = plan_service(web, [slice_of(endpoint(ONE, "node-1"))], host).rules.chains
    [rules] = [rules for name, rules in chains.items() if name.startswith("ext-")]
    assert rules[:3] == (
        f"ip saddr 10.213.0.0/16 {MASQUERADE}",
        f"ip saddr 10.95.0.0/24 {MASQUERADE}",
        f"fib saddr type local {MASQUERADE}",
    )
    assert rules[-1].startswith("goto loc-")
    assert f"ip daddr {host.service_range} {MASQUERADE}" in frame(host)
    assert "invalid" not in frame(host)
