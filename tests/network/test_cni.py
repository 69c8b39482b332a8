"""CNI configuration and where the plugins are."""

import json
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from steersman.network import cni
from steersman.network.errors import NetworkError


def test_conflist(tmp_path: Path) -> None:
    path = cni.write(tmp_path / "net.d", IPv4Network("10.244.1.0/24"), 1400, Path("/x"))
    plugin = json.loads(path.read_text())["plugins"][0]
    assert plugin["type"] == "ptp"
    assert plugin["mtu"] == 1400
    assert plugin["ipMasq"] is False
    assert plugin["ipam"]["ranges"] == [[{"subnet": "10.244.1.0/24"}]]
    assert plugin["ipam"]["dataDir"] == "/x"
    assert [entry.name for entry in path.parent.iterdir()] == [cni.FILE_NAME]


def test_bin_dir_is_the_first_with_all_plugins(tmp_path: Path) -> None:
    some, every = tmp_path / "some", tmp_path / "every"
    for directory, names in ((some, ["ptp"]), (every, cni.PLUGINS)):
        directory.mkdir()
        for name in names:
            (directory / name).touch()
    assert cni.find_bin_dir([some, every]) == every
    with pytest.raises(NetworkError, match="install containernetworking-plugins"):
        cni.find_bin_dir([some])
