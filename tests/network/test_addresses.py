"""Address ranges of clusters and nodes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steersman.network.addresses import MAX_CLUSTERS, MAX_NODES, ClusterAddresses

indexes = st.integers(0, MAX_CLUSTERS - 1)


def test_first_cluster_has_the_usual_ranges() -> None:
    addresses = ClusterAddresses(0)
    assert str(addresses.pod_range) == "10.244.0.0/16"
    assert str(addresses.service_range) == "10.96.0.0/16"
    assert str(addresses.dns_service) == "10.96.0.10"
    assert str(addresses.api_service) == "10.96.0.1"
    assert str(addresses.gateway) == "10.64.0.1"
    assert str(addresses.node(1).address) == "10.64.0.3"
    assert str(addresses.node(1).pod_range) == "10.244.1.0/24"


@given(indexes, indexes)
def test_clusters_never_meet(one: int, other: int) -> None:
    for mine in ClusterAddresses(one).networks:
        for theirs in ClusterAddresses(other).networks:
            assert (mine.overlaps(theirs)) == (mine == theirs and one == other)


@given(indexes, st.integers(0, MAX_NODES - 1))
def test_a_node_lies_within_its_cluster(index: int, number: int) -> None:
    addresses = ClusterAddresses(index)
    node = addresses.node(number)
    assert node.address in addresses.node_network
    assert node.address not in (addresses.gateway, addresses.node_network.broadcast_address)
    assert node.pod_range.subnet_of(addresses.pod_range)
    assert len(addresses.veth(number)) <= 15
    assert len(addresses.bridge) <= 15


@pytest.mark.parametrize("index", [-1, MAX_CLUSTERS])
def test_index_out_of_range(index: int) -> None:
    with pytest.raises(ValueError, match=r"not in 0\.\.31"):
        ClusterAddresses(index)


def test_node_number_out_of_range() -> None:
    with pytest.raises(ValueError, match="not in 0"):
        ClusterAddresses(0).node(MAX_NODES)
