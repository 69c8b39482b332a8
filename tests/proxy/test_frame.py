"""The fixed part of the table."""

from dataclasses import replace

from tests.proxy.conftest import NODE_ADDRESS, SETTINGS

from steersman.proxy.frame import FIREWALL_IPS, NO_ENDPOINT_PORTS, NODE_PORTS, SERVICE_IPS, frame
from steersman.proxy.ruleset import declared


def test_it_declares_every_map_that_plans_fill() -> None:
    found = declared(frame(SETTINGS))
    assert {found[name] for name in (SERVICE_IPS, NODE_PORTS, NO_ENDPOINT_PORTS, FIREWALL_IPS)} == {"map"}
    assert found["services"] == "chain"


def test_node_ports_answer_on_all_local_addresses_or_on_those_named() -> None:
    assert "fib daddr type local meta l4proto . th dport vmap @service-nodeports" in frame(SETTINGS)
    named = frame(replace(SETTINGS, node_addresses=(NODE_ADDRESS,)))
    assert f"ip daddr {{ 127.0.0.1, {NODE_ADDRESS} }} meta l4proto . th dport vmap @service-nodeports" in named
    assert "fib daddr" not in named
