"""Kernel settings of one namespace."""

from pathlib import Path

import pytest

from steersman.network import links, syscalls
from steersman.network.errors import NetworkError
from steersman.network.sysctl import set_sysctl

pytestmark = pytest.mark.node

NAME = "steersman-test-sysctl"
KEY = "net/ipv4/conf/lo/route_localnet"


def test_a_setting_stays_in_its_namespace() -> None:
    def work() -> str:
        set_sysctl(KEY, 1)
        set_sysctl(KEY, 1)
        return Path("/proc/sys", KEY).read_text()

    before = Path("/proc/sys", KEY).read_text()
    links.make_netns(NAME)
    try:
        assert syscalls.in_network(links.netns_path(NAME), work) == "1\n"
    finally:
        links.remove_netns(NAME)
    assert Path("/proc/sys", KEY).read_text() == before


def test_an_unknown_key_is_named() -> None:
    with pytest.raises(NetworkError, match=r"cannot set net\.ipv4\.nonsense to 1: No such file"):
        set_sysctl("net/ipv4/nonsense", 1)
