"""The fixed part of the proxy's table: maps, base chains and the rules that every connection meets first."""

from steersman.proxy.settings import ProxySettings

SERVICE_IPS = "service-ips"
NODE_PORTS = "service-nodeports"
NO_ENDPOINT_IPS = "no-endpoint-ips"
NO_ENDPOINT_PORTS = "no-endpoint-nodeports"
FIREWALL_IPS = "firewall-ips"
CLUSTER_IPS = "cluster-ips"
HAIRPIN = "hairpin"

# The bit that marks a connection for masquerading; the one Kubernetes uses, so that others leave it alone.
MARK = "0x4000"
MASQUERADE = f"meta mark set meta mark or {MARK}"
REJECT = "goto reject-connection"


def frame(settings: ProxySettings) -> str:
    """The declaration of the table without any Service, as nft text."""
    return f"table ip {settings.table} {{\n{_MAPS}{_translation(settings)}{_filters(settings)}}}\n"


_FRONT = "ip daddr . meta l4proto . th dport"
_IPS = "type ipv4_addr . inet_proto . inet_service : verdict"
_PORTS = "type inet_proto . inet_service : verdict"
_MAPS = f"""  map {SERVICE_IPS} {{
    {_IPS}
  }}
  map {NODE_PORTS} {{
    {_PORTS}
  }}
  map {NO_ENDPOINT_IPS} {{
    {_IPS}
  }}
  map {NO_ENDPOINT_PORTS} {{
    {_PORTS}
  }}
  map {FIREWALL_IPS} {{
    {_IPS}
  }}
  set {CLUSTER_IPS} {{
    type ipv4_addr
  }}
  set {HAIRPIN} {{
    type ipv4_addr . ipv4_addr
  }}
"""


def _translation(settings: ProxySettings) -> str:
    """From a Service's address to an endpoint's, and the sources that must not show."""
    strangers = f"ip saddr != {settings.own_pods} " if settings.own_pods else ""
    return f"""  chain services {{
    ip daddr {settings.service_range} {strangers}{MASQUERADE}
    {_FRONT} vmap @{SERVICE_IPS}
    {_node_port_match(settings)} meta l4proto . th dport vmap @{NODE_PORTS}
  }}
  chain nat-prerouting {{
    type nat hook prerouting priority dstnat; policy accept;
    jump services
  }}
  chain nat-output {{
    type nat hook output priority -100; policy accept;
    jump services
  }}
  chain nat-postrouting {{
    type nat hook postrouting priority srcnat; policy accept;
    meta mark & {MARK} != 0 meta mark set meta mark xor {MARK} masquerade fully-random
    ct status dnat ip saddr . ip daddr @{HAIRPIN} masquerade fully-random
  }}
"""


def _filters(settings: ProxySettings) -> str:
    """What is refused. Filters come after translation, so what they still find addressed to a Service has no
    endpoint; only the firewall of load balancer addresses looks before it.

    What this machine sends to itself is refused on its way out: on the way in it would be tracked
    already, and its source port lost to the Service for minutes.
    """
    return f"""  chain reject-connection {{
    reject
  }}
  chain loopback-guard {{
    type filter hook prerouting priority raw; policy accept;
    iifname != "lo" ip daddr 127.0.0.0/8 drop
  }}
  chain firewall-prerouting {{
    type filter hook prerouting priority dstnat - 10; policy accept;
    ct state new {_FRONT} vmap @{FIREWALL_IPS}
  }}
  chain no-endpoints {{
    {_FRONT} vmap @{NO_ENDPOINT_IPS}
    ip daddr @{CLUSTER_IPS} {REJECT}
    ip daddr {settings.service_range} drop
  }}
  chain filter-input {{
    type filter hook input priority filter - 10; policy accept;
    ct state new {_FRONT} vmap @{NO_ENDPOINT_IPS}
    ct state new {_node_port_match(settings)} meta l4proto . th dport vmap @{NO_ENDPOINT_PORTS}
  }}
  chain filter-forward {{
    type filter hook forward priority filter - 10; policy accept;
    {_invalid(settings)}
    ct state new jump no-endpoints
  }}
  chain filter-output {{
    type filter hook output priority -90; policy accept;
    ct state new jump no-endpoints
    ct state new {_node_port_match(settings)} meta l4proto . th dport vmap @{NO_ENDPOINT_PORTS}
  }}
"""


def _invalid(settings: ProxySettings) -> str:
    """A packet that belongs to no connection is not translated either, and its receiver would reset a good one.

    Only where all that is forwarded is the cluster's: a host may forward for others, by ways of their own.
    """
    return "ct state invalid drop" if settings.own_pods else ""


def _node_port_match(settings: ProxySettings) -> str:
    if not settings.node_addresses:
        return "fib daddr type local"
    return f"ip daddr {{ 127.0.0.1, {', '.join(settings.node_addresses)} }}"
