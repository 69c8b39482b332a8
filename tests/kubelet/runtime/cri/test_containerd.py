"""The private containerd's configuration as text."""

from __future__ import annotations

import tomllib

import pytest

from steersman.kubelet.runtime.cri.containerd import (
    ContainerdConfig,
    command,
    environment,
    lacks_sys_resource,
    render,
)

CONFIG = ContainerdConfig(
    root="/data/containerd",
    state="/run/one",
    socket='/run/one/"odd".sock',
    sandbox_image="localhost/steersman/pause:1",
    cni_conf_dir="/data/cni",
)


def test_render() -> None:
    found = tomllib.loads(render(CONFIG))
    assert found["version"] == 2
    assert (found["root"], found["state"]) == ("/data/containerd", "/run/one")
    assert found["grpc"] == {"address": '/run/one/"odd".sock'}
    cri = found["plugins"]["io.containerd.grpc.v1.cri"]
    assert cri["sandbox_image"] == "localhost/steersman/pause:1"
    assert cri["restrict_oom_score_adj"] is False
    assert cri["cni"] == {"bin_dir": "/usr/lib/cni", "conf_dir": "/data/cni"}
    assert cri["containerd"]["snapshotter"] == "overlayfs"
    runc = cri["containerd"]["runtimes"]["runc"]
    assert runc == {"runtime_type": "io.containerd.runc.v2", "options": {"SystemdCgroup": False}}
    assert "registry" not in cri


def test_render_choices() -> None:
    config = ContainerdConfig(
        root="/r",
        state="/s",
        socket="/a",
        sandbox_image="p",
        cni_conf_dir="/c",
        systemd_cgroup=True,
        restrict_oom_score_adj=True,
        registry_dir="/certs.d",
    )
    cri = tomllib.loads(render(config))["plugins"]["io.containerd.grpc.v1.cri"]
    assert cri["restrict_oom_score_adj"] is True
    assert cri["registry"] == {"config_path": "/certs.d"}
    assert cri["containerd"]["runtimes"]["runc"]["options"] == {"SystemdCgroup": True}


@pytest.mark.parametrize(
    ("effective", "lacks"), [("000001fffeffffff", True), ("000001ffffffffff", False), ("0000000000000000", True)]
)
def test_lacks_sys_resource(effective: str, lacks: bool) -> None:
    status = f"Name:\tx\nCapPrm:\tffffffffffffffff\nCapEff:\t{effective}\nCapBnd:\tffffffffffffffff\n"
    assert lacks_sys_resource(status) is lacks


def test_lacks_sys_resource_needs_the_line() -> None:
    with pytest.raises(ValueError, match="no CapEff"):
        lacks_sys_resource("Name:\tx\n")


def test_command_and_environment() -> None:
    assert command("/d/config.toml") == ["containerd", "--config", "/d/config.toml"]
    found = environment({"PATH": "/mine:/usr/bin", "https_proxy": "http://p:1", "SECRET": "x", "NOTIFY_SOCKET": "/n"})
    assert found == {
        "PATH": "/mine:/usr/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/sbin:/bin",
        "https_proxy": "http://p:1",
    }
    assert environment({})["PATH"].endswith(":/bin")
