"""From a cluster's configuration to its processes and their configurations."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from steersman.cmd import plan
from steersman.cmd.config import ClusterConfig, NodeConfig
from steersman.cmd.place import Place, base_directory
from steersman.cmd.supervisor import Spec

PLACE = Place("c", Path("/base"))


def config(nodes: int = 0, simulate: int = 0, slot: int = 0) -> ClusterConfig:
    return ClusterConfig(name="c", nodes=nodes, simulate=simulate, store="memory://", port=6443, dns_port=53, slot=slot)


@pytest.mark.parametrize(
    ("nodes", "simulate", "expected"),
    [
        (0, 0, ["nursery", "apiserver", "controller-manager", "scheduler", "dns"]),
        (1, 0, ["nursery", "apiserver", "controller-manager", "scheduler", "dns", "proxy", "node-1"]),
        (
            2,
            5,
            [
                "nursery",
                "apiserver",
                "controller-manager",
                "scheduler",
                "dns",
                "proxy",
                "node-1",
                "node-2",
                "simulated",
            ],
        ),
        (0, 5, ["nursery", "apiserver", "controller-manager", "scheduler", "dns", "simulated"]),
    ],
)
def test_parts(nodes: int, simulate: int, expected: list[str]) -> None:
    specs = plan.specs(config(nodes, simulate), PLACE, "python")
    assert [spec["name"] for spec in specs] == expected
    for spec in specs:
        assert set(spec.get("after", [])) <= set(expected)
        assert Spec(json.loads(json.dumps(spec))).command[0] == "python"


@pytest.mark.parametrize(("nodes", "simulate"), [(0, 0), (3, 2)])
def test_every_part_finds_its_files(nodes: int, simulate: int) -> None:
    chosen = config(nodes, simulate)
    configs, credentials = plan.part_configs(chosen, PLACE), plan.credentials(chosen, PLACE)
    for spec in plan.specs(chosen, PLACE, "python"):
        if spec["name"] != plan.NURSERY:
            assert str(PLACE.part_config(spec["name"])) in spec["command"]
            assert spec["name"] in configs
    for part in configs.values():
        path = getattr(part, "kubeconfig", "")
        # A kubelet's own it has from the API server.
        assert not path or Path(path).stem in credentials or getattr(part, "bootstrap_kubeconfig", "")
    for node in (part for part in configs.values() if isinstance(part, NodeConfig)):
        assert Path(node.kubelet_config_file).stem in configs
        assert Path(node.proxy_config_file).stem in configs


@pytest.mark.parametrize("legacy", [False, True])
def test_controllers_sign_tokens_with_the_servers_key(legacy: bool) -> None:
    configs = plan.part_configs(replace(config(), legacy_service_account_tokens=legacy), PLACE)
    manager = configs["controller-manager"]
    assert (manager.service_account_private_key_file,) == configs["apiserver"].service_account_key_file
    assert manager.legacy_service_account_tokens is legacy


def test_nodes_have_addresses_of_their_own() -> None:
    configs = plan.part_configs(config(nodes=3, slot=2), PLACE)
    kubelets = [configs[f"node-{number}-kubelet"] for number in (1, 2, 3)]
    assert [kubelet.node_ip for kubelet in kubelets] == ["10.66.0.2", "10.66.0.3", "10.66.0.4"]
    assert [kubelet.pod_cidr for kubelet in kubelets] == ["10.242.0.0/24", "10.242.1.0/24", "10.242.2.0/24"]
    assert configs["apiserver"].bind_addresses == ("127.0.0.1", "10.66.0.1")
    assert configs["dns"].cluster_dns == "10.98.0.10"
    credentials = plan.credentials(config(nodes=1, slot=2), PLACE)
    assert credentials["node-1-proxy"][1] == "10.66.0.1"
    assert credentials["scheduler"][1] == "127.0.0.1"


def test_without_nodes_everything_is_on_loopback() -> None:
    configs = plan.part_configs(config(), PLACE)
    assert configs["apiserver"].bind_addresses == ("127.0.0.1",)
    assert not configs["apiserver"].advertise_address.startswith("127.")
    assert configs["dns"].bind_addresses == ("127.0.0.1",)
    assert configs["dns"].cluster_dns == ""


def test_base_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert base_directory(None) == tmp_path / ".local/share/steersman"
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert base_directory(None) == Path("/var/lib/steersman")
    assert base_directory("~/x") == tmp_path / "x"
