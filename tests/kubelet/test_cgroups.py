"""Pods' cgroups on hierarchies of plain files, as version 1 and version 2 have them."""

import pytest
from tests.kubelet.builders import UID, pod

from steersman.kubelet.cgroups import Cgroups, detect, pod_path
from steersman.kubelet.runtime.types import LinuxResources

LIMITS = LinuxResources(cpu_period=100_000, cpu_quota=50_000, cpu_shares=512, memory_limit_in_bytes=64 << 20)
V1 = {"cpu": ("cpu.shares", "cpu.cfs_quota_us", "cpu.cfs_period_us"), "memory": ("memory.limit_in_bytes",), "pids": ()}


class Kernel:
    """Makes the files that a kernel would make in every new cgroup."""

    def __init__(self, mount, files):
        self.mount, self.files = mount, files

    def fill(self, folder):
        for name, text in self.files(folder).items():
            if not (folder / name).exists():
                (folder / name).write_text(text)


@pytest.fixture
def v1(tmp_path, monkeypatch):
    for controller, files in V1.items():
        (tmp_path / controller).mkdir()
        for name in files:
            (tmp_path / controller / name).write_text("")
    (tmp_path / "cpuset").mkdir()
    (tmp_path / "cpuset" / "cpuset.cpus").write_text("0-1\n")
    (tmp_path / "cpuset" / "cpuset.mems").write_text("0\n")

    def files(folder):
        controller = folder.relative_to(tmp_path).parts[0]
        names = (*V1.get(controller, ()), *(("cpuset.cpus", "cpuset.mems") if controller == "cpuset" else ()))
        return dict.fromkeys(names, "")

    return _with_kernel(monkeypatch, Kernel(tmp_path, files))


@pytest.fixture
def v2(tmp_path, monkeypatch):
    def files(folder):
        return {
            "cgroup.controllers": "cpu memory pids rdma",
            "cgroup.subtree_control": "",
            "cpu.weight": "100",
            "cpu.max": "max 100000",
            "memory.max": "max",
        }

    kernel = Kernel(tmp_path, files)
    kernel.fill(tmp_path)
    return _with_kernel(monkeypatch, kernel)


def _with_kernel(monkeypatch, kernel):
    from pathlib import Path

    mkdir = Path.mkdir

    def make(self, *args, **kwargs):
        mkdir(self, *args, **kwargs)
        if kernel.mount in self.parents:
            kernel.fill(self)

    monkeypatch.setattr(Path, "mkdir", make)
    return kernel.mount


def empty(folder):
    """Take the kernel's files away, as it does itself when a cgroup is removed."""
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_file():
            path.unlink()


@pytest.mark.parametrize(
    ("qos", "path"),
    [
        ("Guaranteed", f"/kubepods/pod{UID}"),
        ("Burstable", f"/kubepods/burstable/pod{UID}"),
        ("BestEffort", f"/kubepods/besteffort/pod{UID}"),
    ],
)
def test_path(qos, path):
    assert pod_path("/kubepods", pod(status={"qosClass": qos})) == path


def test_v1(v1):
    found = detect(v1)
    assert not found.v2
    assert {p.name for p in found.roots} == {"cpu", "memory", "pids", "cpuset"}
    cgroups = Cgroups("/kubepods", found)
    cgroups.ensure_roots()
    path = cgroups.ensure_pod(pod(status={"qosClass": "Burstable"}), LIMITS)
    assert path == f"/kubepods/burstable/pod{UID}"
    assert (v1 / "cpu" / path[1:] / "cpu.shares").read_text() == "512"
    assert (v1 / "cpu" / path[1:] / "cpu.cfs_quota_us").read_text() == "50000"
    assert (v1 / "memory" / path[1:] / "memory.limit_in_bytes").read_text() == str(64 << 20)
    assert (v1 / "pids" / path[1:]).is_dir()
    assert (v1 / "cpuset" / path[1:] / "cpuset.cpus").read_text() == "0-1\n"
    assert cgroups.known_pods() == {UID}


def test_v1_shares_of_two_controllers_in_one_hierarchy(v1):
    (v1 / "cpuacct").symlink_to("cpu")
    assert [p.name for p in detect(v1).roots].count("cpu") == 1


def test_v1_without_limits(v1):
    path = Cgroups("/kubepods", detect(v1)).ensure_pod(
        pod(status={"qosClass": "BestEffort"}), LinuxResources(cpu_shares=2)
    )
    assert (v1 / "cpu" / path[1:] / "cpu.shares").read_text() == "2"
    assert (v1 / "cpu" / path[1:] / "cpu.cfs_quota_us").read_text() == ""
    assert (v1 / "memory" / path[1:] / "memory.limit_in_bytes").read_text() == ""


@pytest.mark.parametrize(("shares", "weight"), [(2, "1"), (512, "20"), (1024, "39"), (262_144, "10000")])
def test_v2(v2, shares, weight):
    found = detect(v2)
    assert found.v2
    limits = LinuxResources(cpu_period=100_000, cpu_quota=50_000, cpu_shares=shares, memory_limit_in_bytes=64 << 20)
    path = v2 / Cgroups("/kubepods", found).ensure_pod(pod(status={"qosClass": "Guaranteed"}), limits)[1:]
    assert (path / "cpu.weight").read_text() == weight
    assert (path / "cpu.max").read_text() == "50000 100000"
    assert (path / "memory.max").read_text() == str(64 << 20)
    for folder in (v2, path.parent, path):
        assert (folder / "cgroup.subtree_control").read_text() == "+cpu +memory +pids"


def test_v2_without_limits(v2):
    path = v2 / Cgroups("/kubepods", detect(v2)).ensure_pod(pod(), LinuxResources(cpu_period=100_000, cpu_shares=2))[1:]
    assert (path / "cpu.max").read_text() == "max 100000"
    assert (path / "memory.max").read_text() == "max"


def test_removal(v1):
    cgroups = Cgroups("/kubepods", detect(v1))
    path = cgroups.ensure_pod(pod(status={"qosClass": "Burstable"}), LIMITS)
    for controller in ("cpu", "memory", "pids", "cpuset"):
        (v1 / controller / path[1:] / "container").mkdir()
        empty(v1 / controller / path[1:])
    cgroups.remove_pod(UID)
    cgroups.remove_pod(UID)
    assert cgroups.known_pods() == set()
