"""Settings of the API server and the kubelets that users give to `steer up`."""

import dataclasses
import os
from pathlib import Path

import pytest

from steersman.cmd import plan
from steersman.cmd.config import ApiServerConfig, ClusterConfig, KubeletConfig
from steersman.cmd.configfile import ConfigError
from steersman.cmd.part_args import APISERVER, KUBELET
from steersman.cmd.place import Place

CONFIG = ApiServerConfig(tls_cert_file="c", tls_key_file="k", client_ca_file="a", service_account_key_file=("s",))
CLUSTER = ClusterConfig(name="c", store="memory://", port=6443, dns_port=53)


@pytest.mark.parametrize(
    ("name", "value", "field", "parsed"),
    [
        ("event-ttl", "2m", "event_ttl", 120.0),
        ("--max-requests-inflight", "7", "max_requests_inflight", 7),
        ("log_level", "debug", "log_level", "debug"),
        ("requestheader-allowed-names", "a,b", "requestheader_allowed_names", ("a", "b")),
    ],
)
def test_a_setting_is_a_flag(name: str, value: str, field: str, parsed: object) -> None:
    kept = APISERVER.check(name, value)
    assert kept == (field, value)
    assert getattr(APISERVER.apply(CONFIG, dict([kept])), field) == parsed


def test_paths_are_made_absolute() -> None:
    assert APISERVER.check("kubelet-ca-file", "ca.crt") == ("kubelet_ca_file", os.path.abspath("ca.crt"))


def test_an_empty_value_is_the_default_again() -> None:
    assert APISERVER.apply(CONFIG, dict([APISERVER.check("event-ttl", "")])) == CONFIG


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("port", "1", "port: is set by `steer up` itself"),
        ("nonsense", "1", "nonsense: is no setting"),
        ("event-ttl", "soon", "eventTtl: 'soon' is not a duration"),
        ("max-requests-inflight", "-1", "maxRequestsInflight: must be at least 0"),
        ("log-level", "loud", "logLevel: must be one of"),
        ("tls-min-version", "VersionTLS99", 'tlsMinVersion: unknown tls version "VersionTLS99"'),
        ("tls-cipher-suites", "TLS_FOO", "tlsCipherSuites: cipher suite TLS_FOO not supported"),
    ],
)
def test_mistakes(name: str, value: str, said: str) -> None:
    with pytest.raises(ConfigError) as error:
        APISERVER.check(name, value)
    assert said in str(error.value)


def test_a_cluster_keeps_them() -> None:
    cluster = dataclasses.replace(CLUSTER, apiserver_args={"event_ttl": "60"})
    assert plan.part_configs(cluster, Place("c", Path("/base")))["apiserver"].event_ttl == 60.0


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("node-name", "n", "node-name: is set by `steer up` itself"),
        ("volumes", "v", "volumes: is no setting; `steer kubelet --help` shows them"),
        ("enable-system-log-handler", "1", "enableSystemLogHandler: must be true or false, not '1'"),
        (
            "allowed-unsafe-sysctls",
            "kernel.msg*,vm.swappiness",
            'the sysctls "vm.swappiness" are not known to be namespaced',
        ),
        (
            "allowed-unsafe-sysctls",
            "net.*.x",
            'allowedUnsafeSysctls: sysctl "net.*.x" must have at most 253 characters',
        ),
        ("node-labels", "x=!!", "nodeLabels: x=!!: a valid label must be an empty string or consist of"),
        ("node-labels", "/x=y", "nodeLabels: /x=y: prefix part must be non-empty"),
        ("tls-min-version", "VersionTLS99", 'tlsMinVersion: unknown tls version "VersionTLS99"'),
        ("tls-cipher-suites", "TLS_FOO", "tlsCipherSuites: cipher suite TLS_FOO not supported"),
    ],
)
def test_mistakes_of_kubelets(name: str, value: str, said: str) -> None:
    with pytest.raises(ConfigError) as error:
        KUBELET.check(name, value)
    assert said in str(error.value)


def test_nodes_get_theirs() -> None:
    given = dict([KUBELET.check("allowed-unsafe-sysctls", "kernel.msg*,net.core.somaxconn")])
    cluster = dataclasses.replace(CLUSTER, nodes=2, simulate=1, kubelet_args=given)
    kubelets = [
        c for c in plan.part_configs(cluster, Place("c", Path("/base"))).values() if isinstance(c, KubeletConfig)
    ]
    found = {kubelet.node_name: kubelet.allowed_unsafe_sysctls for kubelet in kubelets}
    allowed = ("kernel.msg*", "net.core.somaxconn")
    assert {name: found[name] for name in ("node-1", "node-2")} == {"node-1": allowed, "node-2": allowed}
