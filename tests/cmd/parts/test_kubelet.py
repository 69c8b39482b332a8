"""What the node agent's process makes of its settings."""

import dataclasses
from pathlib import Path

import pytest

from steersman.cmd.config import KubeletConfig
from steersman.cmd.configfile import ConfigError
from steersman.cmd.parts.kubelet import node_settings


def test_the_file_with_the_nodes_resolvers_must_be_there(tmp_path: Path) -> None:
    there, missing = tmp_path / "resolv.conf", tmp_path / "missing"
    there.write_text("nameserver 192.0.2.1\n")
    config = KubeletConfig(kubeconfig="k", root_dir=str(tmp_path / "root"), resolv_conf_file=str(there))
    assert node_settings(config).resolv_conf == there
    with pytest.raises(ConfigError, match=r"resolvConfFile: .*missing: No such file or directory"):
        node_settings(dataclasses.replace(config, resolv_conf_file=str(missing)))
