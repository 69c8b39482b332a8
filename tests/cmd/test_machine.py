"""What a machine lacks, and the one command that mends it."""

import os
from pathlib import Path

import pytest

from steersman.cmd import machine
from steersman.cmd.machine import Finding


def test_nothing_is_missing() -> None:
    findings = machine.program_findings(lambda name: f"/usr/bin/{name}")
    assert all(finding.good for finding in findings)
    assert machine.problems(findings) == ""


def test_missing_programs_are_one_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    findings = machine.program_findings(lambda name: None if name in ("containerd", "ctr", "nft") else "/x")
    findings.append(Finding("kubectl", False, "not found", "apt-get install kubernetes-client", required=False))
    findings.append(Finding("control groups", False, "not mounted", "mount -t cgroup2 none /sys/fs/cgroup"))
    assert machine.problems(findings) == (
        "this machine lacks what real nodes need:\n"
        "  containerd: not found\n"
        "  ctr: not found\n"
        "  nft: not found\n"
        "  control groups: not mounted\n"
        "mend it with:\n"
        "  apt-get install -y --no-install-recommends containerd nftables\n"
        "  mount -t cgroup2 none /sys/fs/cgroup"
    )


def test_sudo_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert machine.install_command(["b", "a", "b"]) == "sudo apt-get install -y --no-install-recommends a b"
    assert "--no-nodes" in machine.root_finding().fix


def test_missing_plugins(tmp_path: Path) -> None:
    finding = machine.cni_finding([tmp_path])
    assert not finding.good
    assert finding.fix.endswith("containernetworking-plugins")
    for name in ("ptp", "host-local", "loopback"):
        (tmp_path / name).touch()
    assert machine.cni_finding([tmp_path]).good


@pytest.mark.parametrize(
    ("filesystems", "controllers", "expected"),
    [
        ("nodev overlay", True, {"overlayfs": True, "control groups": True}),
        ("ext4", False, {"overlayfs": False, "control groups": False}),
    ],
)
def test_kernel(tmp_path: Path, filesystems: str, controllers: bool, expected: dict[str, bool]) -> None:
    proc, sys = tmp_path / "proc", tmp_path / "sys"
    (proc / "self/ns").mkdir(parents=True)
    for name in ("net", "pid", "mnt", "uts", "ipc", "cgroup"):
        (proc / "self/ns" / name).touch()
    (proc / "filesystems").write_text(filesystems)
    (sys / "fs/cgroup").mkdir(parents=True)
    if controllers:
        (sys / "fs/cgroup/cgroup.controllers").touch()
    found = {finding.what: finding.good for finding in machine.kernel_findings(proc, sys)}
    assert found == expected


def test_a_users_path_gets_the_systems_directories() -> None:
    assert machine.search_path({"PATH": "/bin:/home/u/bin"}).split(":")[:2] == ["/bin", "/home/u/bin"]
    assert "/usr/sbin" in machine.search_path({})
