"""A real node: namespaces, its network, its end by every way, and nothing left afterwards."""

import json
import os
import signal
import subprocess
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from steersman.network import cgroups, links, node, syscalls
from steersman.network.addresses import ClusterAddresses
from steersman.network.host import HostNetwork
from steersman.network.mounts import NodeFiles
from steersman.network.node import NodeNetwork, NodeSpec

pytestmark = pytest.mark.node

ADDRESSES = ClusterAddresses(27)
NAME = "test-node"


@dataclass
class Started:
    """A node's outer process and the pipe its ``main`` writes into."""

    pid: int
    pipe: int

    def read(self) -> bytes:
        return os.read(self.pipe, 65536)

    def wait(self) -> int:
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


@pytest.fixture
def spec(tmp_path: Path) -> Iterator[NodeSpec]:
    host = HostNetwork(NAME, ADDRESSES)
    host.ensure()
    host.ensure()
    network = NodeNetwork(NAME, ADDRESSES, 0)
    network.create()
    network.create()
    files = NodeFiles(
        state=tmp_path / "state",
        hostname="node-0",
        address=network.own.address,
        nameserver=str(ADDRESSES.dns_service),
        binds=((tmp_path / "lib", tmp_path / "seen"),),
    )
    made = NodeSpec(network=network, files=files, cgroup=f"steersman-{NAME}/node-0", memory=200 << 20)
    yield made
    node.destroy(made)
    node.destroy(made)
    host.remove()
    host.remove()
    assert not links.link_exists(ADDRESSES.bridge)
    assert not links.netns_exists(network.netns)
    assert not files.state.exists()
    assert not [route for route in links.used_networks() if route.overlaps(network.own.pod_range)]


def start(spec: NodeSpec, main: Callable[[int], int]) -> Started:
    """Enters the node in a forked process, as the command line does in one of its own."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        _enter_and_exit(spec, lambda: main(writer))
    os.close(writer)
    return Started(pid, reader)


def _enter_and_exit(spec: NodeSpec, main: Callable[[], int], first: Callable[[], None] = lambda: None) -> None:
    """An exception must not unwind the test runner's stack a second time, in the child."""
    code = 99
    try:
        first()
        code = node.enter(spec, main)
    except BaseException:  # noqa: BLE001 (it is printed, and the child ends)
        traceback.print_exc()
    finally:
        os._exit(code)


def root_mount(mounts: str) -> str:
    """The options and propagation of the mount on /; what of its file system is mounted there differs by machine."""
    line = next(line for line in mounts.splitlines() if line.split()[4] == "/")
    return " ".join(line.partition(" - ")[0].split()[5:])


def look_around(pipe: int) -> int:
    """Runs inside: what a node must see."""
    memory = Path("/sys/fs/cgroup/memory/memory.limit_in_bytes")
    report = {
        "pid": os.getpid(),
        "hostname": os.uname().nodename,
        "processes": sorted(int(name) for name in os.listdir("/proc") if name.isdigit()),
        "links": sorted(os.listdir("/sys/class/net")),
        "run": sorted(os.listdir("/run")),
        "hosts": Path("/etc/hosts").read_text(),
        "cgroups": Path("/proc/self/cgroup").read_text(),
        "memory": memory.read_text().strip() if memory.exists() else str(200 << 20),
        "forward": Path("/proc/sys/net/ipv4/ip_forward").read_text().strip(),
        "root": root_mount(Path("/proc/self/mountinfo").read_text()),
    }
    os.write(pipe, json.dumps(report).encode())
    return 7


def test_inside_a_node(spec: NodeSpec) -> None:
    started = start(spec, look_around)
    report = json.loads(started.read())
    assert started.wait() == 7
    assert report["pid"] == 2
    assert report["processes"] == [1, 2]
    assert report["hostname"] == "node-0"
    assert report["links"] == ["eth0", "lo"]
    assert report["run"] == ["lock", "netns"]
    assert f"{spec.network.own.address} node-0" in report["hosts"]
    assert {line.split(":")[2] for line in report["cgroups"].split()} <= {"/", "/system"}
    assert report["memory"] == str(200 << 20)
    assert report["forward"] == "1"
    assert "shared:" in report["root"]


def mark_files(pipe: int) -> int:
    Path("/run/mark").touch()
    Path("/var/lib/cni/mark").touch()
    os.write(pipe, b"done")
    return 0


def test_files_of_a_node_stay_its_own(spec: NodeSpec, tmp_path: Path) -> None:
    started = start(spec, mark_files)
    assert started.read() == b"done"
    assert started.wait() == 0
    assert not Path("/run/mark").exists()
    assert not Path("/var/lib/cni/mark").exists()
    assert (spec.files.state / "cni" / "mark").exists()
    assert (tmp_path / "seen").is_dir()


def orphan_then_wait(pipe: int) -> int:
    """Leaves a grandchild to PID 1, tells when it has been reaped, and waits for a signal."""
    subprocess.run(["sh", "-c", "sleep 0.01 &"], check=True)
    while len([name for name in os.listdir("/proc") if name.isdigit()]) > 2:
        os.sched_yield()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    os.write(pipe, b"ready")
    signal.sigwait({signal.SIGTERM})
    return 5


def test_orphans_are_reaped_and_signals_go_through(spec: NodeSpec) -> None:
    started = start(spec, orphan_then_wait)
    assert started.read() == b"ready"
    os.kill(started.pid, signal.SIGTERM)
    assert started.wait() == 5


def test_killing_the_outer_process_ends_the_node_and_it_starts_again(spec: NodeSpec) -> None:
    started = start(spec, orphan_then_wait)
    assert started.read() == b"ready"
    os.kill(started.pid, signal.SIGKILL)
    assert started.wait() == -9
    assert started.read() == b""  # the last holder of the pipe, inside, is gone
    again = start(spec, look_around)
    assert json.loads(again.read())["pid"] == 2
    assert again.wait() == 7


def test_signals_that_come_before_they_are_waited_for_go_through() -> None:
    pid = os.fork()
    if pid == 0:
        signal.pthread_sigmask(signal.SIG_BLOCK, node._AWAITED)
        inner = os.fork()
        if inner == 0:
            os._exit(signal.sigwait({signal.SIGTERM}))
        os.kill(os.getpid(), signal.SIGTERM)
        os._exit(node._wait_for(inner))
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == signal.SIGTERM


def fail(pipe: int) -> int:
    raise RuntimeError(f"no way, {pipe}")


def test_an_exception_is_exit_code_one(spec: NodeSpec) -> None:
    assert start(spec, fail).wait() == 1


def test_stop_kills_from_outside(spec: NodeSpec) -> None:
    started = start(spec, orphan_then_wait)
    assert started.read() == b"ready"
    node.stop(spec)
    assert started.wait() == -9
    assert cgroups.processes(spec.cgroup) == set()


def test_nodes_reach_each_other_and_the_host(spec: NodeSpec) -> None:
    other = NodeNetwork(NAME, ADDRESSES, 1)
    other.create()
    try:
        for network in (spec.network, other):
            network.connect([0, 1])
        routes = {str(route["dst"]): route.get("gateway") for route in links.ip_json("-4 route show", other.netns)}
        assert routes["default"] == str(ADDRESSES.gateway)
        assert routes[str(spec.network.own.pod_range)] == str(spec.network.own.address)
        assert [route["gateway"] for route in links.ip_json(f"-4 route show {other.own.pod_range}")] == [
            str(other.own.address)
        ]
    finally:
        other.delete()


def on_version_2(spec: NodeSpec, main: Callable[[int], int], then: Callable[[], None] = lambda: None) -> Started:
    """As ``start``, on a machine that has the unified hierarchy alone, as a mount namespace makes it appear."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        syscalls.unshare(syscalls.CLONE_NEWNS)
        syscalls.mount("none", "/", flags=syscalls.MS_REC | syscalls.MS_PRIVATE)
        syscalls.unmount("/sys/fs/cgroup")
        syscalls.mount("cgroup2", "/sys/fs/cgroup", "cgroup2")
        _enter_and_exit(spec, lambda: main(writer), then)
    os.close(writer)
    return Started(pid, reader)


def in_a_container(spec: NodeSpec, main: Callable[[int], int]) -> Started:
    """As ``on_version_2``, in a cgroup namespace whose root holds processes: what a privileged container has."""

    def enter_container() -> None:
        group = Path("/sys/fs/cgroup", CONTAINER)
        group.mkdir(exist_ok=True)
        (group / "cgroup.procs").write_text("0")
        syscalls.unshare(syscalls.CLONE_NEWCGROUP)
        syscalls.unmount("/sys/fs/cgroup")
        syscalls.mount("cgroup2", "/sys/fs/cgroup", "cgroup2")

    return on_version_2(spec, main, enter_container)


CONTAINER = "steersman-test-container"


def look_at_version_2(pipe: int) -> int:
    root = Path("/sys/fs/cgroup")
    report = {
        "leaf": Path("/proc/self/cgroup").read_text().strip().rpartition("0::")[2],
        "groups": sorted(entry.name for entry in root.iterdir() if entry.is_dir()),
        "available": (root / "cgroup.controllers").read_text().split(),
        "enabled": (root / "cgroup.subtree_control").read_text().split(),
    }
    (root / "kubepods" / "pod1").mkdir(parents=True)
    os.write(pipe, json.dumps(report).encode())
    return 3


def test_version_2_alone(spec: NodeSpec) -> None:
    for _ in range(2):  # again over what the first life left
        started = on_version_2(spec, look_at_version_2)
        report = json.loads(started.read())
        assert started.wait() == 3
        assert report["leaf"] == "/system"
        assert report["groups"] == ["system"]
        assert report["enabled"] == report["available"]


def test_version_2_in_a_container(spec: NodeSpec) -> None:
    started = in_a_container(spec, look_at_version_2)
    report = json.loads(started.read())
    assert started.wait() == 3
    cgroups.remove(CONTAINER)
    assert report["leaf"] == "/system"
    assert report["enabled"] == report["available"]
