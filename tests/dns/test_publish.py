"""What the DNS server's own Service looks like, and when its endpoints need mending."""

import msgspec
import pytest
from tests.dns.builders import endpoint

from steersman.dns.publish import mended_slice, wanted_service, wanted_slice
from steersman.kinds.types.discovery_v1 import EndpointPort


def test_the_service_has_both_protocols_and_no_selector() -> None:
    made = wanted_service("10.96.0.10")
    assert made.spec.clusterIP == "10.96.0.10"
    assert made.spec.selector is None
    assert [(port.name, port.protocol, port.port) for port in made.spec.ports or ()] == [
        ("dns", "UDP", 53),
        ("dns-tcp", "TCP", 53),
    ]


def test_a_right_slice_stays() -> None:
    wanted = wanted_slice("10.64.0.1", 1053)
    assert mended_slice(wanted_slice("10.64.0.1", 1053), wanted) is None


@pytest.mark.parametrize(
    "change",
    [
        {"endpoints": [endpoint("10.64.0.2")]},
        {"endpoints": None},
        {"ports": [EndpointPort(name="dns", port=53, protocol="UDP")]},
        {"ports": None},
    ],
)
def test_a_wrong_slice_is_mended_and_keeps_the_rest(change: dict[str, object]) -> None:
    wanted = wanted_slice("10.64.0.1", 1053)
    present = msgspec.structs.replace(wanted_slice("10.64.0.1", 1053), **change)
    present.metadata.resourceVersion = "7"
    mended = mended_slice(present, wanted)
    assert mended is not None
    assert mended.endpoints == wanted.endpoints
    assert mended.ports == wanted.ports
    assert mended.metadata.resourceVersion == "7"


def test_an_ipv6_address_makes_a_slice_of_its_family() -> None:
    assert wanted_slice("fd00::1", 53).addressType == "IPv6"
