"""Settings of the API server that users give to `steer up`."""

import dataclasses
import os
from pathlib import Path

import pytest

from steersman.cmd import apiserver_args, plan
from steersman.cmd.config import ApiServerConfig, ClusterConfig
from steersman.cmd.configfile import ConfigError
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
    kept = apiserver_args.check(name, value)
    assert kept == (field, value)
    assert getattr(apiserver_args.apply(CONFIG, dict([kept])), field) == parsed


def test_paths_are_made_absolute() -> None:
    assert apiserver_args.check("kubelet-ca-file", "ca.crt") == ("kubelet_ca_file", os.path.abspath("ca.crt"))


def test_an_empty_value_is_the_default_again() -> None:
    assert apiserver_args.apply(CONFIG, dict([apiserver_args.check("event-ttl", "")])) == CONFIG


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("port", "1", "port: is set by `steer up` itself"),
        ("nonsense", "1", "nonsense: is no setting"),
        ("event-ttl", "soon", "eventTtl: 'soon' is not a duration"),
        ("max-requests-inflight", "-1", "maxRequestsInflight: must be at least 0"),
        ("log-level", "loud", "logLevel: must be one of"),
    ],
)
def test_mistakes(name: str, value: str, said: str) -> None:
    with pytest.raises(ConfigError) as error:
        apiserver_args.check(name, value)
    assert said in str(error.value)


def test_a_cluster_keeps_them() -> None:
    cluster = dataclasses.replace(CLUSTER, apiserver_args={"event_ttl": "60"})
    assert plan.part_configs(cluster, Place("c", Path("/base")))["apiserver"].event_ttl == 60.0
