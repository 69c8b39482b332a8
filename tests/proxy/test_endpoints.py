"""Which endpoints are chosen."""

from dataclasses import replace

import pytest
from tests.proxy.builders import endpoint, port, slice_of
from tests.proxy.conftest import SETTINGS

from steersman.kinds.types.discovery_v1 import EndpointHints, EndpointSlice, ForNode, ForZone
from steersman.proxy.endpoints import Target, cluster_targets, local_targets, targets

HOST = replace(SETTINGS, node_name="")
ONE, TWO = "10.213.0.5", "10.213.0.6"


def addresses(found: list[Target]) -> list[str]:
    return [target.address for target in found]


@pytest.mark.parametrize(
    ("slices", "cluster", "local"),
    [
        pytest.param([], [], [], id="none"),
        pytest.param([slice_of(TWO, ONE)], [ONE, TWO], [ONE, TWO], id="sorted"),
        pytest.param([slice_of(ONE), slice_of(ONE)], [ONE], [ONE], id="once"),
        pytest.param([slice_of(endpoint(ONE, ready=False)), slice_of(ONE)], [ONE], [ONE], id="ready wins"),
        pytest.param([slice_of(endpoint(ONE, "node-1"), TWO)], [ONE, TWO], [TWO], id="elsewhere"),
        pytest.param([slice_of(endpoint(ONE, ready=False), TWO)], [TWO], [TWO], id="unready"),
        pytest.param(
            [slice_of(endpoint(ONE, ready=False, serving=True, terminating=True), TWO)],
            [TWO],
            [TWO],
            id="terminating ones leave while another is ready",
        ),
        pytest.param(
            [slice_of(endpoint(ONE, ready=False, serving=True, terminating=True), endpoint(TWO, "node-1"))],
            [TWO],
            [ONE],
            id="each policy falls back for itself",
        ),
        pytest.param(
            [slice_of(endpoint(ONE, ready=False, serving=True, terminating=True), endpoint(TWO, ready=False))],
            [ONE],
            [ONE],
            id="what still serves is better than nothing",
        ),
        pytest.param([slice_of(endpoint(ONE, ready=False, serving=False, terminating=True))], [], [], id="gone"),
        pytest.param([slice_of("fd00::1", family="IPv6")], [], [], id="other family"),
        pytest.param([slice_of(ONE, name="other")], [], [], id="other port"),
        pytest.param([slice_of(ONE, protocol="UDP")], [], [], id="other protocol"),
        pytest.param([slice_of("nonsense", ONE), slice_of(TWO, port=70000)], [ONE], [ONE], id="nonsense"),
    ],
)
def test_targets(slices: list[EndpointSlice], cluster: list[str], local: list[str]) -> None:
    every = targets(port(), slices, SETTINGS)
    assert addresses(cluster_targets(every, SETTINGS)) == cluster
    assert addresses(local_targets(every)) == local


def test_everything_is_local_to_a_host_that_is_no_node() -> None:
    assert addresses(local_targets(targets(port(), [slice_of(endpoint(ONE, "node-7"))], HOST))) == [ONE]


@pytest.mark.parametrize(
    ("hints", "zone", "expected"),
    [
        ([("node-0", "a"), ("node-1", "b")], "", [ONE]),
        ([("node-1", "a"), ("node-1", "b")], "", [ONE, TWO]),
        ([("node-1", "a"), ("node-1", "b")], "b", [TWO]),
        ([("", "a"), ("node-0", "b")], "", [ONE, TWO]),
        ([("", ""), ("", "b")], "b", [ONE, TWO]),
    ],
)
def test_hints_count_when_every_endpoint_has_them(hints: list[tuple[str, str]], zone: str, expected: list[str]) -> None:
    ends = []
    for address, (node, where) in zip((ONE, TWO), hints, strict=True):
        made = endpoint(address)
        made.hints = EndpointHints(
            forNodes=[ForNode(name=node)] if node else None, forZones=[ForZone(name=where)] if where else None
        )
        ends.append(made)
    settings = replace(SETTINGS, zone=zone)
    assert addresses(cluster_targets(targets(port(), [slice_of(*ends)], settings), settings)) == expected
