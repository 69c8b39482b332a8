"""Differences of rule sets; and that the kernel ends up with the same rules whichever way it came there."""

import random

import pytest
from tests.proxy.builders import endpoint, port, service, slice_of
from tests.proxy.conftest import SETTINGS, Machine

from steersman.proxy import ruleset
from steersman.proxy.frame import frame
from steersman.proxy.plan import combine, plan_service
from steersman.proxy.ruleset import RuleSet, declared, diff, load

OLD = RuleSet(
    chains={"stay": ("a",), "change": ("b",), "go": ("c",)},
    sets={"s-go": "{ }", "s-stay": "{ }"},
    elements={"map": {"same": "x", "other": "goto stay", "gone": "goto go"}, "ips": {"10.0.0.1": ""}},
)
NEW = RuleSet(
    chains={"stay": ("a",), "change": ("b", "bb"), "come": ("d",)},
    sets={"s-stay": "{ }", "s-come": "{ }"},
    elements={"map": {"same": "x", "other": "goto come"}, "ips": {"10.0.0.2": ""}},
)


def test_a_change_touches_only_what_differs() -> None:
    change = diff("t", OLD, NEW)
    assert change.text.splitlines() == [
        "add set ip t s-come { }",
        "add chain ip t come",
        "delete element ip t map { other, gone }",
        "delete element ip t ips { 10.0.0.1 }",
        "flush chain ip t change",
        "flush chain ip t go",
        "add rule ip t come d",
        "add rule ip t change b",
        "add rule ip t change bb",
        "add element ip t map { other : goto come }",
        "add element ip t ips { 10.0.0.2 }",
    ]
    assert change.cleanup.splitlines() == ["delete chain ip t go", "delete set ip t s-go"]


def test_no_difference_is_empty() -> None:
    assert diff("t", OLD, OLD).empty
    assert not diff("t", OLD, NEW).empty


def test_declared_reads_listings() -> None:
    text = "table ip t {\n\tmap m {\n\t\ttype x : verdict\n\t}\n\tset s {\n\t}\n\tchain c-1/a {\n\t\tgoto set\n\t}\n}\n"
    assert declared(text) == {"m": "map", "s": "set", "c-1/a": "chain"}


def test_load_keeps_sets_that_the_kernel_fills_and_removes_strangers() -> None:
    present = {"s-stay": "set", "old-chain": "chain", "old-set": "set", "frame-chain": "chain"}
    text = "table ip t {\n  chain frame-chain {\n  }\n}"
    change = load("t", text, NEW, present)
    lines = change.text.splitlines()
    assert "flush chain ip t old-chain" in lines
    assert "flush chain ip t frame-chain" in lines
    assert not [line for line in lines if line.startswith(("flush set ip t s-stay", "add set ip t s-stay"))]
    assert change.cleanup.splitlines() == ["delete chain ip t old-chain", "delete set ip t old-set"]


def random_rules(chance: random.Random) -> RuleSet:
    plans = []
    for number in range(chance.randint(0, 8)):
        ends = [
            endpoint(f"10.213.{chance.randint(0, 1)}.{chance.randint(2, 9)}", chance.choice(["node-0", "node-1"]))
            for _ in range(chance.randint(0, 4))
        ]
        web = service(
            f"web{number}",
            clusterIP=f"10.127.0.{number + 1}",
            type=chance.choice(["ClusterIP", "NodePort"]),
            ports=[
                port(node_port=chance.choice([None, 30000 + number]), protocol=chance.choice(["TCP", "UDP", "SCTP"]))
            ],
            sessionAffinity=chance.choice(["None", "ClientIP"]),
            externalTrafficPolicy=chance.choice(["Local", "Cluster"]),
            internalTrafficPolicy=chance.choice(["Local", "Cluster"]),
            externalIPs=chance.choice([None, ["10.0.0.9"]]),
        )
        protocol = (web.spec.ports or [port()])[0].protocol
        plans.append(plan_service(web, [slice_of(*ends, protocol=protocol)], SETTINGS))
    return combine(plans)


def normal(listing: str) -> list[str]:
    """A listing without the order of blocks and elements, which depends on the way there."""
    return sorted("".join(sorted(block)) for block in listing.replace("\n\t}\n", "\0").split("\0"))


@pytest.mark.node
def test_every_way_leads_to_the_same_rules(machine: Machine) -> None:
    chance = random.Random(7)
    table = SETTINGS.table
    machine.load(RuleSet())
    for _ in range(25):
        wanted = random_rules(chance)
        machine.change(wanted)
        by_change = machine.nft(f"list table ip {table}")
        again = load(table, frame(SETTINGS), wanted, declared(by_change))
        machine.nft(again.text + again.cleanup)
        assert normal(machine.nft(f"list table ip {table}")) == normal(by_change)
        machine.nft(f"delete table ip {table}")
        machine.load(wanted)
        assert normal(machine.nft(f"list table ip {table}")) == normal(by_change)
    assert ruleset.diff(table, machine.loaded, machine.loaded).empty
