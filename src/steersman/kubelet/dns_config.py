"""A pod's resolv.conf and hosts file, by its dnsPolicy, dnsConfig, hostname, subdomain and hostAliases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from steersman.kinds.types.core_v1 import Pod
from steersman.kubelet.runtime.types import DNSConfig

MAX_NAMESERVERS = 3
MAX_SEARCHES = 32
_HOSTS_HEADER = "# Kubernetes-managed hosts file.\n"
_HOST_NETWORK_HEADER = "# Kubernetes-managed hosts file (host network).\n"


@dataclass(frozen=True, slots=True)
class ClusterDNS:
    """Where cluster DNS answers, and what the node itself uses."""

    servers: tuple[str, ...] = ()
    domain: str = "cluster.local"
    node: DNSConfig = field(default_factory=DNSConfig)


def parse_resolv_conf(text: str) -> DNSConfig:
    """The settings in a resolv.conf; unknown lines are left out."""
    servers: list[str] = []
    searches: list[str] = []
    options: list[str] = []
    for line in text.splitlines():
        words = line.split("#")[0].split(";")[0].split()
        match words:
            case ["nameserver", server, *_]:
                servers.append(server)
            case ["search" | "domain", *names]:
                searches = names
            case ["options", *given]:
                options += given
    return DNSConfig(servers=tuple(servers), searches=tuple(searches), options=tuple(options))


def pod_dns(pod: Pod, cluster: ClusterDNS) -> DNSConfig:
    """What the pod's resolv.conf has. Past the limits of the resolver, the last ones are left out."""
    policy = pod.spec.dnsPolicy or "ClusterFirst"
    in_cluster = policy == "ClusterFirstWithHostNet" or (policy == "ClusterFirst" and not pod.spec.hostNetwork)
    if policy == "None":
        base = DNSConfig()
    elif in_cluster and cluster.servers:
        names = (f"{pod.metadata.namespace}.svc.{cluster.domain}", f"svc.{cluster.domain}", cluster.domain)
        base = DNSConfig(servers=cluster.servers, searches=(*names, *cluster.node.searches), options=("ndots:5",))
    else:
        base = cluster.node
    return _with_pod_config(pod, base)


def _with_pod_config(pod: Pod, base: DNSConfig) -> DNSConfig:
    extra = pod.spec.dnsConfig
    servers, searches, options = list(base.servers), list(base.searches), list(base.options)
    if extra is not None:
        servers += extra.nameservers or []
        searches += extra.searches or []
        for option in extra.options or []:
            text = option.name + (f":{option.value}" if option.value else "")
            options = [o for o in options if o.split(":")[0] != option.name] + [text]
    return DNSConfig(
        servers=_unique(servers)[:MAX_NAMESERVERS], searches=_unique(searches)[:MAX_SEARCHES], options=_unique(options)
    )


def _unique(values: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))


def hostname_of(pod: Pod) -> str:
    """The pod's host name: its own, or its name cut to what a host name may have."""
    if pod.spec.hostnameOverride:
        return pod.spec.hostnameOverride
    return (pod.spec.hostname or pod.metadata.name)[:63].rstrip("-.")


def domain_of(pod: Pod, cluster_domain: str) -> str:
    """The domain that makes the host name fully qualified; empty without a subdomain."""
    if not pod.spec.subdomain:
        return ""
    return f"{pod.spec.subdomain}.{pod.metadata.namespace}.svc.{cluster_domain}"


def hosts_file(pod: Pod, ips: Sequence[str], cluster_domain: str, node_hosts: str = "") -> str:
    """The pod's /etc/hosts. A pod in the node's network has the node's entries, then its own aliases."""
    aliases = "".join(f"{a.ip}\t{chr(9).join(a.hostnames or [])}\n" for a in pod.spec.hostAliases or [])
    if aliases:
        aliases = "\n# Entries added by HostAliases.\n" + aliases
    if pod.spec.hostNetwork:
        return _HOST_NETWORK_HEADER + node_hosts + aliases
    lines = [
        "127.0.0.1\tlocalhost",
        "::1\tlocalhost ip6-localhost ip6-loopback",
        "fe00::0\tip6-localnet",
        "fe00::0\tip6-mcastprefix",
        "fe00::1\tip6-allnodes",
        "fe00::2\tip6-allrouters",
    ]
    host, domain = hostname_of(pod), domain_of(pod, cluster_domain)
    lines.extend(f"{ip}\t{host}.{domain}\t{host}" if domain else f"{ip}\t{host}" for ip in ips)
    return _HOSTS_HEADER + "\n".join(lines) + "\n" + aliases
