"""The host's share of a cluster's network: the bridge, forwarding, and the way out for nodes and pods. Ensuring it again mends it."""

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from steersman.network import links
from steersman.network.addresses import ClusterAddresses
from steersman.network.errors import NetworkError
from steersman.network.nft import Nft, open_nft
from steersman.network.sysctl import set_sysctl


@dataclass(frozen=True)
class HostNetwork:
    """What the cluster ``name`` has on the host itself. Needs root in the host's network namespace."""

    name: str
    addresses: ClusterAddresses

    @property
    def table(self) -> str:
        return f"steersman-{self.name}"

    def ensure(self) -> None:
        """Makes or mends the bridge, forwarding, egress rules and firewall exceptions.

        Raises NetworkError when iproute2, nftables or the kernel refuses.
        """
        bridge = self.addresses.bridge
        gateway = f"{self.addresses.gateway}/{self.addresses.node_network.prefixlen}"
        mtu = links.egress_mtu()
        batch = [] if links.link_exists(bridge) else [f"link add {bridge} address {self._mac()} type bridge"]
        batch += [f"link set {bridge} mtu {mtu} up", f"address replace {gateway} dev {bridge}"]
        # Whoever connects to a Service from here needs some route to it, before the service rules turn the
        # packet; a machine without a default route has no other.
        batch.append(f"route replace {self.addresses.service_range} dev {bridge}")
        links.ip(batch)
        set_sysctl("net/ipv4/ip_forward", 1)
        # NodePort on 127.0.0.1 leaves by the bridge with a loopback source until it is masqueraded.
        set_sysctl(f"net/ipv4/conf/{bridge}/route_localnet", 1)
        set_sysctl(f"net/ipv4/conf/{bridge}/send_redirects", 0)
        _with_nft(egress_rules(self.table, self.addresses))
        for command in _firewall_commands(bridge, self.table):
            if not command.holds():
                command.insert()

    def remove(self) -> None:
        """Removes what ensure made; what is already gone is not an error. Forwarding stays on: others may rely on it by now."""
        bridge = self.addresses.bridge
        for command in _firewall_commands(bridge, self.table):
            while command.holds():
                command.delete()
        links.remove_link(bridge)
        _with_nft(f"add table ip {self.table}\ndelete table ip {self.table}\n")

    def _mac(self) -> str:
        # A bridge without an address of its own takes its lowest port's, and changes it as nodes come
        # and go, under the neighbours' feet.
        return "0a:58:" + ":".join(f"{byte:02x}" for byte in self.addresses.gateway.packed)


def egress_rules(table: str, addresses: ClusterAddresses) -> str:
    """The host's own table of a cluster, replaced as one transaction."""
    bridge = addresses.bridge
    inside = f"{{ {addresses.node_network}, {addresses.pod_range} }}"
    return f"""add table ip {table}
delete table ip {table}
table ip {table} {{
  chain egress {{
    type nat hook postrouting priority srcnat; policy accept;
    oifname != "{bridge}" ip saddr {inside} ip daddr != {inside} masquerade
  }}
  chain loopback-guard {{
    type filter hook prerouting priority raw; policy accept;
    iifname "{bridge}" ip saddr 127.0.0.0/8 drop
    iifname "{bridge}" ip daddr 127.0.0.0/8 drop
  }}
}}
"""


def _with_nft(text: str) -> None:
    nft: Nft = open_nft()
    try:
        nft.run(text)
    finally:
        nft.close()


@dataclass(frozen=True)
class _FirewallException:
    """One accept rule in a firewall that others keep: Docker and ufw set the policy of these chains to drop,
    and no accept in a table of ours overrules a drop in theirs."""

    program: str
    chain: str
    match: tuple[str, ...]

    def holds(self) -> bool:
        return self._run("-C").returncode == 0

    def insert(self) -> None:
        self._checked("-I")

    def delete(self) -> None:
        self._checked("-D")

    def _checked(self, verb: str) -> None:
        done = self._run(verb)
        if done.returncode != 0:
            raise NetworkError(f"{self.program} {verb} {self.chain} {' '.join(self.match)}: {done.stderr.strip()}")

    def _run(self, verb: str) -> subprocess.CompletedProcess[str]:
        command = [self.program, "-w", verb, self.chain, *self.match]
        try:
            return subprocess.run(command, capture_output=True, text=True, check=False)
        except OSError as error:
            raise NetworkError(f"cannot run {self.program}: {error}") from error


def _firewall_commands(bridge: str, comment: str) -> Iterator[_FirewallException]:
    """The exceptions for the firewalls that are there: none on a machine without one, so that none is made."""
    for program in _firewalls():
        tail = ("-m", "comment", "--comment", comment, "-j", "ACCEPT")
        yield _FirewallException(program, "INPUT", ("-i", bridge, *tail))
        yield _FirewallException(program, "FORWARD", ("-i", bridge, *tail))
        yield _FirewallException(program, "FORWARD", ("-o", bridge, *tail))


def _firewalls() -> list[str]:
    """The iptables programs whose FORWARD chain is in force here. Rules that somebody wrote for nft itself are his own to open."""
    found = []
    nft = open_nft()
    try:
        if "table ip filter" in nft.run("list tables").splitlines() and "chain FORWARD {" in nft.run(
            "list table ip filter"
        ):
            found.append("iptables-nft")
    finally:
        nft.close()
    legacy = Path("/proc/thread-self/net/ip_tables_names")
    if legacy.exists() and "filter" in legacy.read_text().split():
        found.append("iptables-legacy")
    return [program for program in found if shutil.which(program)]
