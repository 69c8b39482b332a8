"""Real connections through real rules: every kind of front, in network namespaces."""

import socket
from collections import Counter

import pytest
from tests.proxy.builders import endpoint, port, service, slice_of
from tests.proxy.conftest import NODE_ADDRESS, SETTINGS, SILENCE, STRANGER_ADDRESS, TIMEOUT, Machine

from steersman.kinds.types.core_v1 import (
    ClientIPConfig,
    LoadBalancerIngress,
    LoadBalancerStatus,
    Service,
    ServiceStatus,
    SessionAffinityConfig,
)
from steersman.kinds.types.discovery_v1 import EndpointSlice
from steersman.network import links
from steersman.proxy import conntrack
from steersman.proxy.plan import combine, plan_service
from steersman.proxy.ruleset import RuleSet

pytestmark = pytest.mark.node

VIP = "10.127.0.5"


def rules(*pairs: tuple[Service, list[EndpointSlice]]) -> RuleSet:
    return combine(plan_service(each, slices, SETTINGS) for each, slices in pairs)


def test_cluster_ip_reaches_every_endpoint(machine: Machine) -> None:
    client, one, two = (machine.pod(number) for number in (5, 6, 7))
    for address in (one, two):
        machine.serve(address, 8080)
    machine.load(rules((service(), [slice_of(one, two)])))
    answers = Counter(machine.ask(machine.space(client), VIP, 80) for _ in range(40))
    assert set(answers) == {f"{one} {client}", f"{two} {client}"}
    assert min(answers.values()) > 5
    # The node's own processes come by the node's address on the pod's link.
    assert machine.ask(machine.node, VIP, 80).split()[0] in (one, two)
    # A stranger is masqueraded, so that the answer comes back this way.
    assert machine.ask(machine.stranger, VIP, 80).split()[1] != STRANGER_ADDRESS


def test_a_pod_reaches_itself(machine: Machine) -> None:
    pod = machine.pod(6)
    machine.serve(pod, 8080)
    machine.load(rules((service(), [slice_of(pod)])))
    assert machine.ask(machine.space(pod), VIP, 80) == f"{pod} 10.213.0.1"


def test_node_port_from_everywhere(machine: Machine) -> None:
    client, pod = machine.pod(5), machine.pod(6)
    machine.serve(pod, 8080)
    web = service(type="NodePort", ports=[port(node_port=30080)])
    machine.load(rules((web, [slice_of(pod)])))
    for space, address in (
        (machine.stranger, NODE_ADDRESS),
        (machine.space(client), NODE_ADDRESS),
        (machine.node, NODE_ADDRESS),
        (machine.node, "127.0.0.1"),
    ):
        assert machine.ask(space, address, 30080) == f"{pod} 10.213.0.1", (space, address)


def test_local_policy_keeps_the_source_and_needs_a_local_endpoint(machine: Machine) -> None:
    pod = machine.pod(6)
    machine.serve(pod, 8080)
    web = service(type="NodePort", ports=[port(node_port=30080)], externalTrafficPolicy="Local")
    machine.load(rules((web, [slice_of(endpoint(pod), endpoint("10.213.9.9", "node-1"))])))
    assert {machine.ask(machine.stranger, NODE_ADDRESS, 30080) for _ in range(8)} == {f"{pod} {STRANGER_ADDRESS}"}
    machine.change(rules((web, [slice_of(endpoint(pod, "node-1"))])))
    with pytest.raises(TimeoutError):
        machine.ask(machine.stranger, NODE_ADDRESS, 30080, patience=SILENCE)
    assert machine.ask(machine.node, NODE_ADDRESS, 30080).split()[0] == pod


def test_no_endpoint_is_refused_at_once(machine: Machine) -> None:
    client = machine.pod(5)
    web = service(type="NodePort", ports=[port(node_port=30080)], externalIPs=["10.95.0.77"])
    machine.load(rules((web, [])))
    links.ip([f"route add 10.95.0.77 via {NODE_ADDRESS}"], machine.stranger)
    for space, address, number in (
        (machine.space(client), VIP, 80),
        (machine.node, VIP, 80),
        (machine.node, "127.0.0.1", 30080),
        (machine.stranger, NODE_ADDRESS, 30080),
        (machine.stranger, "10.95.0.77", 80),
        (machine.space(client), VIP, 81),  # no such port
    ):
        with pytest.raises(ConnectionRefusedError):
            machine.ask(space, address, number)


def test_an_address_of_no_service_goes_nowhere(machine: Machine) -> None:
    client = machine.pod(5)
    machine.load(rules())
    with pytest.raises(TimeoutError):
        machine.ask(machine.space(client), "10.127.0.99", 80, patience=SILENCE)


def test_affinity_keeps_a_client_at_its_endpoint(machine: Machine) -> None:
    clients = [machine.pod(number) for number in (10, 11, 12, 13)]
    ends = [machine.pod(number) for number in (5, 6, 7)]
    for address in ends:
        machine.serve(address, 8080)
    config = SessionAffinityConfig(clientIP=ClientIPConfig(timeoutSeconds=600))
    web = service(sessionAffinity="ClientIP", sessionAffinityConfig=config)
    machine.load(rules((web, [slice_of(*ends)])))
    kept = {}
    for client in clients:
        answers = {machine.ask(machine.space(client), VIP, 80) for _ in range(8)}
        assert len(answers) == 1
        kept[client] = answers.pop().split()[0]
    # Losing another endpoint moves nobody; losing one's own moves to what is left.
    gone = kept[clients[0]]
    left = [address for address in ends if address != gone]
    machine.change(rules((web, [slice_of(*left)])))
    for client in clients:
        answer = machine.ask(machine.space(client), VIP, 80).split()[0]
        assert answer == kept[client] if kept[client] != gone else answer in left


def test_external_and_load_balancer_addresses(machine: Machine) -> None:
    pod = machine.pod(6)
    machine.serve(pod, 8080)
    web = service(type="LoadBalancer", externalIPs=["10.95.0.77"], loadBalancerSourceRanges=["10.95.0.0/29"])
    web.status = ServiceStatus(loadBalancer=LoadBalancerStatus(ingress=[LoadBalancerIngress(ip="10.95.0.88")]))
    links.ip([f"route add 10.95.0.77 via {NODE_ADDRESS}", f"route add 10.95.0.88 via {NODE_ADDRESS}"], machine.stranger)
    machine.load(rules((web, [slice_of(pod)])))
    assert machine.ask(machine.stranger, "10.95.0.77", 80) == f"{pod} 10.213.0.1"
    with pytest.raises(TimeoutError):  # 10.95.0.9 is outside the source range
        machine.ask(machine.stranger, "10.95.0.88", 80, patience=SILENCE)
    web.spec.loadBalancerSourceRanges = [f"{STRANGER_ADDRESS}/32"]
    machine.change(rules((web, [slice_of(pod)])))
    assert machine.ask(machine.stranger, "10.95.0.88", 80) == f"{pod} 10.213.0.1"


def test_a_connection_outlives_its_endpoint_in_the_map(machine: Machine) -> None:
    client, old, new = (machine.pod(number) for number in (5, 6, 7))
    listener = machine.inside(machine.space(old), lambda: socket.create_server((old, 8080)))
    machine.serve(new, 8080)
    machine.load(rules((service(), [slice_of(old)])))
    opened = machine.inside(machine.space(client), lambda: socket.create_connection((VIP, 80), TIMEOUT))
    accepted, _ = listener.accept()
    with listener, opened, accepted:
        machine.change(rules((service(), [slice_of(endpoint(old, ready=False, serving=True, terminating=True), new)])))
        opened.sendall(b"still here")
        assert accepted.recv(100) == b"still here"
        assert {machine.ask(machine.space(client), VIP, 80) for _ in range(8)} == {f"{new} {client}"}


async def test_udp_flows_do_not_outlive_their_endpoint(machine: Machine) -> None:
    client, old, new = (machine.pod(number) for number in (5, 6, 7))
    for address in (old, new):
        machine.serve(address, 5353, kind=socket.SOCK_DGRAM)
    names = service(ports=[port(number=53, protocol="UDP")])
    first = plan_service(names, [slice_of(old, port=5353, protocol="UDP")], SETTINGS)
    second = plan_service(names, [slice_of(new, port=5353, protocol="UDP")], SETTINGS)
    machine.load(combine([first]))
    opened = machine.udp(machine.space(client))
    for _ in range(3):  # a flow that was answered
        opened.sendto(b"?", (VIP, 53))
        assert opened.recv(100).decode() == f"{old} {client}"
    machine.change(combine([second]))
    for arguments in conntrack.stale_flows(first.udp, second.udp):
        await conntrack.delete_flows(arguments, ["ip", "netns", "exec", machine.node, "conntrack"])
    opened.sendto(b"?", (VIP, 53))
    assert opened.recv(100).decode() == f"{new} {client}"


def test_a_refused_connection_leaves_no_trace(machine: Machine) -> None:
    pod = machine.pod(6)
    machine.serve(pod, 8080)
    web = service(type="NodePort", ports=[port(node_port=30080)])
    machine.load(rules((web, [])))
    ways = (("127.0.0.1", 44444), (NODE_ADDRESS, 44445))
    for address, source in ways:
        with pytest.raises(ConnectionRefusedError):
            machine.ask(machine.node, address, 30080, source)
    machine.change(rules((web, [slice_of(pod)])))
    for address, source in ways:
        assert machine.ask(machine.node, address, 30080, source).split()[0] == pod
