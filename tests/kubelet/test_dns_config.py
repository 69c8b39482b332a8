"""resolv.conf and hosts by dnsPolicy, dnsConfig, hostname, subdomain and aliases."""

import pytest
from tests.kubelet.builders import pod

from steersman.kubelet.dns_config import ClusterDNS, domain_of, hostname_of, hosts_file, parse_resolv_conf, pod_dns
from steersman.kubelet.runtime.types import DNSConfig

NODE = DNSConfig(servers=("192.0.2.53",), searches=("example.com",), options=("timeout:1",))
CLUSTER = ClusterDNS(("10.96.0.10",), "cluster.local", NODE)
SEARCHES = ("default.svc.cluster.local", "svc.cluster.local", "cluster.local", "example.com")
IN_CLUSTER = DNSConfig(servers=("10.96.0.10",), searches=SEARCHES, options=("ndots:5",))


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, IN_CLUSTER),
        ({"dnsPolicy": "ClusterFirst"}, IN_CLUSTER),
        ({"dnsPolicy": "ClusterFirst", "hostNetwork": True}, NODE),
        ({"dnsPolicy": "ClusterFirstWithHostNet", "hostNetwork": True}, IN_CLUSTER),
        ({"dnsPolicy": "Default"}, NODE),
        ({"dnsPolicy": "None", "dnsConfig": {"nameservers": ["1.1.1.1"]}}, DNSConfig(servers=("1.1.1.1",))),
        (
            {"dnsConfig": {"nameservers": ["1.1.1.1", "10.96.0.10"], "searches": ["x.org", "cluster.local"],
                           "options": [{"name": "ndots", "value": "2"}, {"name": "edns0"}]}},
            DNSConfig(servers=("10.96.0.10", "1.1.1.1"), searches=(*SEARCHES, "x.org"), options=("ndots:2", "edns0")),
        ),
        (
            {"dnsPolicy": "None", "dnsConfig": {"nameservers": [f"1.1.1.{i}" for i in range(5)]}},
            DNSConfig(servers=("1.1.1.0", "1.1.1.1", "1.1.1.2")),
        ),
    ],
)  # fmt: skip
def test_resolv_conf(spec, expected):
    assert pod_dns(pod(**spec), CLUSTER) == expected


def test_a_node_without_cluster_dns():
    assert pod_dns(pod(), ClusterDNS(node=NODE)) == NODE


def test_parse():
    text = "# comment\ndomain old.org\nsearch a.org b.org ; more\nnameserver 1.1.1.1 # x\nnameserver ::1\noptions ndots:2 rotate\noptions edns0\nodd\n"
    assert parse_resolv_conf(text) == DNSConfig(
        servers=("1.1.1.1", "::1"), searches=("a.org", "b.org"), options=("ndots:2", "rotate", "edns0")
    )


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, "p"),
        ({"hostname": "own"}, "own"),
        ({"metadata": {"name": "x" * 70}}, "x" * 63),
        ({"metadata": {"name": "x" * 62 + "-y"}}, "x" * 62),
        ({"hostnameOverride": "a.b.c"}, "a.b.c"),
    ],
)
def test_hostname(fields, expected):
    assert hostname_of(pod(**fields)) == expected


def test_domain():
    assert domain_of(pod(), "cluster.local") == ""
    assert domain_of(pod(subdomain="db"), "cluster.local") == "db.default.svc.cluster.local"


def test_hosts():
    text = hosts_file(pod(subdomain="db", hostname="h"), ("10.0.0.5", "fd00::5"), "cluster.local")
    assert text.startswith("# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n")
    assert text.endswith("10.0.0.5\th.db.default.svc.cluster.local\th\nfd00::5\th.db.default.svc.cluster.local\th\n")
    assert hosts_file(pod(), ("10.0.0.5",), "cluster.local").endswith("\n10.0.0.5\tp\n")


def test_hosts_with_aliases():
    made = pod(hostAliases=[{"ip": "1.2.3.4", "hostnames": ["a", "b"]}])
    assert hosts_file(made, (), "cluster.local").endswith("\n# Entries added by HostAliases.\n1.2.3.4\ta\tb\n")


def test_hosts_in_the_nodes_network():
    text = hosts_file(pod(hostNetwork=True), ("192.0.2.1",), "cluster.local", "127.0.0.1 localhost\n")
    assert text == "# Kubernetes-managed hosts file (host network).\n127.0.0.1 localhost\n"
