"""The host's share, in a network namespace that plays the host."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from steersman.network import links, syscalls
from steersman.network.addresses import ClusterAddresses
from steersman.network.host import HostNetwork, egress_rules
from steersman.network.nft import open_nft

pytestmark = pytest.mark.node

NAME = "steersman-test-host"
ADDRESSES = ClusterAddresses(5)
NETWORK = HostNetwork("x", ADDRESSES)


@pytest.fixture
def host() -> Iterator[Path]:
    # What an interrupted run has left in it counts, too.
    links.remove_netns(NAME)
    links.make_netns(NAME)
    links.ip(["link set lo up"], NAME)
    yield links.netns_path(NAME)
    links.remove_netns(NAME)


def tables() -> str:
    nft = open_nft()
    try:
        return nft.run("list tables")
    finally:
        nft.close()


def iptables(*arguments: str) -> str:
    return subprocess.run(["iptables-nft", *arguments], check=True, capture_output=True, text=True).stdout


def test_ensuring_twice_and_removing_twice(host: Path) -> None:
    def work() -> None:
        for _ in range(2):
            NETWORK.ensure()
            [bridge] = links.ip_json("-4 address show dev steer5")
            assert [found["local"] for found in bridge["addr_info"]] == ["10.69.0.1"]  # type: ignore[attr-defined]
            assert tables() == "table ip steersman-x\n"
            assert ADDRESSES.service_range in links.used_networks()
            assert Path("/proc/sys/net/ipv4/ip_forward").read_text() == "1\n"
        for _ in range(2):
            NETWORK.remove()
            assert not links.link_exists("steer5")
            assert tables() == ""

    syscalls.in_network(host, work)


def test_a_firewall_that_drops_lets_the_cluster_through(host: Path) -> None:
    def work() -> None:
        iptables("-P", "FORWARD", "DROP")
        for _ in range(2):
            NETWORK.ensure()
            assert iptables("-S", "FORWARD").splitlines()[1:] == [
                "-A FORWARD -o steer5 -m comment --comment steersman-x -j ACCEPT",
                "-A FORWARD -i steer5 -m comment --comment steersman-x -j ACCEPT",
            ]
        assert "-A INPUT -i steer5 -m comment --comment steersman-x -j ACCEPT" in iptables("-S", "INPUT")
        NETWORK.remove()
        assert iptables("-S", "FORWARD").splitlines() == ["-P FORWARD DROP"]

    syscalls.in_network(host, work)


def test_a_firewall_written_for_nft_is_left_alone(host: Path) -> None:
    def work() -> None:
        subprocess.run(["nft", "add table ip filter; add chain ip filter forward-mine"], check=True)
        NETWORK.ensure()
        NETWORK.remove()
        assert tables() == "table ip filter\n"

    syscalls.in_network(host, work)


def test_the_way_out_is_masqueraded() -> None:
    rules = egress_rules("steersman-x", ADDRESSES)
    assert 'oifname != "steer5" ip saddr { 10.69.0.0/24, 10.239.0.0/16 }' in rules
