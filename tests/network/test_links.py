"""Namespaces and links, made twice and removed twice."""

import pytest

from steersman.network import links
from steersman.network.errors import NetworkError

pytestmark = pytest.mark.node

NAME = "steersman-test-links"


def test_a_namespace_is_made_and_removed_idempotently() -> None:
    links.make_netns(NAME)
    try:
        links.make_netns(NAME)
        assert links.netns_exists(NAME)
        assert [link["ifname"] for link in links.ip_json("link show", NAME)] == ["lo"]
    finally:
        links.remove_netns(NAME)
    links.remove_netns(NAME)
    assert not links.netns_path(NAME).exists()


def test_a_pin_that_a_crash_left_half_made_is_replaced() -> None:
    links.netns_path(NAME).parent.mkdir(exist_ok=True)
    links.netns_path(NAME).touch()
    assert not links.netns_exists(NAME)
    links.make_netns(NAME)
    assert links.netns_exists(NAME)
    links.remove_netns(NAME)


def test_a_refusal_names_the_command_and_the_reason() -> None:
    with pytest.raises(NetworkError, match="no-such-link"):
        links.ip(["link set no-such-link up"])
    links.remove_link("no-such-link")
    links.ip([])
