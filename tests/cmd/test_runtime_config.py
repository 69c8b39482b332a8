"""Which API versions are served: from the command line to the API server."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import pytest

from steersman.cmd import plan
from steersman.cmd.commands import up
from steersman.cmd.config import ClusterConfig
from steersman.cmd.configfile import ConfigError
from steersman.cmd.parts import apiserver
from steersman.cmd.place import Place

CLUSTER = ClusterConfig(name="c", nodes=0, store="memory://", port=16443, dns_port=53)


def parsed(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(exit_on_error=False)
    up.COMMAND.add_arguments(parser)
    return parser.parse_args(arguments)


def test_as_kube_apiserver_takes_it() -> None:
    assert parsed().runtime_config is None
    found = parsed(
        "--runtime-config", "extensions/v1beta1=false,api/legacy=true,resource.k8s.io/v1beta1"
    ).runtime_config
    assert found == {"extensions/v1beta1": "false", "api/legacy": "true", "resource.k8s.io/v1beta1": "true"}


def test_what_says_nothing_is_refused_at_once() -> None:
    with pytest.raises(argparse.ArgumentError, match="neither a group version"):
        parsed("--runtime-config", "ingresses=false")


def test_the_api_server_is_told() -> None:
    settings = {"api/legacy": "false"}
    configs = plan.part_configs(replace(CLUSTER, runtime_config=settings), Place("c", Path("/base")))
    assert configs["apiserver"].runtime_config == settings
    assert apiserver.server_config(configs["apiserver"]).runtime.entries == {"api/legacy": False}
    with pytest.raises(ConfigError, match="runtimeConfig: api/old"):
        apiserver.server_config(replace(configs["apiserver"], runtime_config={"api/old": "false"}))
