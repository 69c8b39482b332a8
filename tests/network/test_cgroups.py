"""Control groups: reading the mount table, and the real thing."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from steersman.network import cgroups
from steersman.network.cgroups import Hierarchy

V1 = "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n"
CPU = "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct\n"
SYSTEMD = "40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,release_agent=/bin/x,name=systemd\n"
UNIFIED = "41 31 0:38 / /sys/fs/cgroup/unified rw shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
V2 = "41 31 0:38 / /sys/fs/cgroup rw - cgroup2 cgroup rw,nsdelegate,memory_recursiveprot\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (V2, [Hierarchy(Path("/sys/fs/cgroup"), 2)]),
        (
            V1 + CPU + CPU + SYSTEMD + UNIFIED,
            [
                Hierarchy(Path("/sys/fs/cgroup/cpu,cpuacct"), 1, "cpu,cpuacct"),
                Hierarchy(Path("/sys/fs/cgroup/systemd"), 1, "none,name=systemd"),
                Hierarchy(Path("/sys/fs/cgroup/unified"), 2),
            ],
        ),
    ],
)
def test_parse_mounts(text: str, expected: list[Hierarchy]) -> None:
    assert cgroups.parse_mounts(text) == expected


def test_a_new_cpuset_is_filled_from_its_parent(tmp_path: Path) -> None:
    (tmp_path / "cpuset.cpus").write_text("0-3\n")
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "cpuset.cpus").write_text("\n")
    cgroups.create("a", [Hierarchy(tmp_path, 1, "cpuset")])
    assert (tmp_path / "a" / "cpuset.cpus").read_text() == "0-3\n"


def test_version_2_hands_every_controller_down(tmp_path: Path) -> None:
    for directory in (tmp_path, tmp_path / "a"):
        directory.mkdir(exist_ok=True)
        (directory / "cgroup.controllers").write_text("cpu memory\n")
        (directory / "cgroup.subtree_control").write_text("cpu\n")
    cgroups.create("a/b", [Hierarchy(tmp_path, 2)])
    assert (tmp_path / "a" / "cgroup.subtree_control").read_text() == "+memory"
    assert (tmp_path / "a" / "b").is_dir()


@pytest.fixture
def group() -> Iterator[str]:
    name = "steersman-test-cgroups/node"
    # What an interrupted run has left in it counts, too.
    cgroups.kill(name)
    cgroups.create(name)
    yield name
    cgroups.kill(name)
    cgroups.remove(name)
    assert not any((hierarchy.mount / name).parent.exists() for hierarchy in cgroups.hierarchies())


@pytest.mark.node
def test_kill_ends_every_process_of_the_group(group: str) -> None:
    with subprocess.Popen(["sleep", "60"]) as first, subprocess.Popen(["sleep", "60"]) as second:
        for process in (first, second):
            cgroups.join(group, process.pid)
        assert cgroups.processes(group) == {first.pid, second.pid}
        cgroups.kill(group)
        assert cgroups.processes(group) == set()
        assert (first.wait(), second.wait()) == (-9, -9)


@pytest.mark.node
def test_removing_twice_is_fine(group: str) -> None:
    cgroups.create(f"{group}/below/deeper")
    cgroups.remove(group)
    cgroups.remove(group)
