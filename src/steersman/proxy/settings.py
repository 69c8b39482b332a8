"""What a service proxy is told about the place it works in."""

from dataclasses import dataclass
from ipaddress import IPv4Network


@dataclass(frozen=True, kw_only=True)
class ProxySettings:
    """``node_name`` is empty on a host that is no node: every endpoint then counts as local, so that traffic
    policies never shut the host out. ``node_addresses`` limits NodePorts to these local addresses and
    127.0.0.1; empty means all local ones. ``zone`` is the node's topology zone, empty when it has none.
    """

    table: str
    pod_range: IPv4Network
    service_range: IPv4Network
    node_name: str = ""
    node_addresses: tuple[str, ...] = ()
    zone: str = ""
