"""The addresses of a cluster and its nodes, as plain arithmetic on the cluster's index, so that clusters on one machine never meet."""

from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Address, IPv4Network

MAX_CLUSTERS = 32
MAX_NODES = 253

_NODES_FROM = 64
_SERVICES_FROM = 96
_PODS_DOWN_FROM = 244


@dataclass(frozen=True)
class NodeAddresses:
    """What node ``number`` (0-based) of a cluster owns."""

    number: int
    address: IPv4Address
    pod_range: IPv4Network


@dataclass(frozen=True)
class ClusterAddresses:
    """The ranges of the cluster with this index (0 … 31): index 0 has the usual 10.244.0.0/16 and 10.96.0.0/16."""

    index: int

    def __post_init__(self) -> None:
        if not 0 <= self.index < MAX_CLUSTERS:
            raise ValueError(f"cluster index {self.index} is not in 0..{MAX_CLUSTERS - 1}")

    @cached_property
    def node_network(self) -> IPv4Network:
        """The bridge and the nodes: a /24."""
        return IPv4Network(f"10.{_NODES_FROM + self.index}.0.0/24")

    @cached_property
    def service_range(self) -> IPv4Network:
        return IPv4Network(f"10.{_SERVICES_FROM + self.index}.0.0/16")

    @cached_property
    def pod_range(self) -> IPv4Network:
        """All pods of the cluster: a /16, of which every node has a /24."""
        return IPv4Network(f"10.{_PODS_DOWN_FROM - self.index}.0.0/16")

    @property
    def networks(self) -> tuple[IPv4Network, IPv4Network, IPv4Network]:
        return self.node_network, self.service_range, self.pod_range

    @property
    def gateway(self) -> IPv4Address:
        """The bridge's address: the nodes' default route, and where the host's own parts listen for them."""
        return self.node_network[1]

    @property
    def api_service(self) -> IPv4Address:
        """ClusterIP of the ``kubernetes`` Service."""
        return self.service_range[1]

    @property
    def dns_service(self) -> IPv4Address:
        """ClusterIP of the cluster's DNS."""
        return self.service_range[10]

    @property
    def bridge(self) -> str:
        """Name of the host's bridge; an interface name has 15 characters at most."""
        return f"steer{self.index}"

    def veth(self, number: int) -> str:
        """Name of the host's end of a node's link."""
        return f"{self.bridge}-n{number}"

    def node(self, number: int) -> NodeAddresses:
        if not 0 <= number < MAX_NODES:
            raise ValueError(f"node number {number} is not in 0..{MAX_NODES - 1}")
        return NodeAddresses(
            number, self.node_network[number + 2], IPv4Network((int(self.pod_range[0]) + (number << 8), 24))
        )
