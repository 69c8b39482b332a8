"""What a service proxy is told about the place it works in."""

from dataclasses import dataclass
from ipaddress import IPv4Network


@dataclass(frozen=True, kw_only=True)
class ProxySettings:
    """``node_name`` is empty on a host that is no node: every endpoint then counts as local, so that traffic
    policies never shut the host out.

    ``own_pods`` is the range of this node's pods, None where there are none. Answers to them come back
    through here by themselves; answers to anybody else who uses a Service address may not, so those
    connections are masqueraded. ``insiders`` are ranges that endpoints reach without this machine, and
    that are therefore masqueraded even where a policy asks to keep the source: on such a host, nodes and pods.
    ``node_addresses`` limits NodePorts to these local addresses and 127.0.0.1; empty means all local ones.
    ``zone`` is the node's topology zone, empty when it has none.
    """

    table: str
    service_range: IPv4Network
    own_pods: IPv4Network | None = None
    insiders: tuple[IPv4Network, ...] = ()
    node_name: str = ""
    node_addresses: tuple[str, ...] = ()
    zone: str = ""
