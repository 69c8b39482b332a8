"""A real node: what comes back when it is killed, what a restart keeps, and that nothing is left of it."""

import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.running import wait_end

from steersman.cmd import control, lifecycle, plan
from steersman.cmd.config import ClusterConfig, NodeConfig
from steersman.cmd.node import own_logs, terminate
from steersman.cmd.node_files import snapshotter, write_node_files
from steersman.cmd.place import Place
from steersman.cmd.report import Deadline
from steersman.cmd.status import gather
from steersman.cmd.supervisor import Paths
from steersman.network import cgroups, cni, links

PATIENCE = 180.0
MOUNTS = """\
24 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 24 0:30 / /srv rw shared:2 - overlay overlay rw
31 30 0:31 / /srv/data rw shared:3 - xfs /dev/vdb rw
32 24 0:32 / /home rw shared:4 - fuse.sshfs x rw
"""


def test_logs_of_its_own() -> None:
    root, logs = Path("/var/lib/steersman/c/nodes/node-1"), Path("/var/log")
    assert own_logs(root) == ((root / "log", logs), (root / "pod-logs", logs / "pods"))
    assert own_logs(logs / "steersman") == ()


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/var/lib/steersman", "overlayfs"),
        ("/srv/x", "native"),
        ("/srv/data/x", "overlayfs"),
        ("/srvs", "overlayfs"),
        ("/home/u", "native"),
    ],
)
def test_snapshotter(path: str, expected: str) -> None:
    assert snapshotter(MOUNTS, Path(path)) == expected


def test_terminate_waits_for_those_that_listen() -> None:
    # Blocked, so that it is not over before it is waited for.
    script = (
        "import signal, sys; signal.signal(15, lambda *_: None); signal.pthread_sigmask(signal.SIG_BLOCK, {15}); "
        "print(flush=True); signal.sigwait({15}); sys.exit(7)"
    )
    listening = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    deaf = subprocess.Popen(["sleep", "1000"])
    try:
        assert listening.stdout is not None
        listening.stdout.readline()
        terminate([listening.pid, deaf.pid, 2**22 + 1], PATIENCE)
        assert listening.wait(0) == 7
        assert deaf.poll() is None
    finally:
        listening.kill()
        deaf.kill()
        deaf.wait()
        listening.wait()
        listening.stdout.close()


def test_nobody_else_may_come_near_what_is_in_the_pods(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cni, "find_bin_dir", lambda: Path("/usr/lib/cni"))
    monkeypatch.setattr(links, "egress_mtu", lambda: 1500)
    root = tmp_path / "node-1"
    root.mkdir(mode=0o755)
    write_node_files(
        NodeConfig(
            cluster="c",
            name="node-1",
            root_dir=str(root),
            kubelet_config_file="kubelet.json",
            proxy_config_file="proxy.json",
        )
    )
    assert root.stat().st_mode & 0o777 == 0o700


class Cluster:
    """A cluster with one real node, started by the command."""

    def __init__(self, directory: Path) -> None:
        # A name of its own: what was interrupted may run on.
        self.place = Place(f"t{secrets.token_hex(2)}", directory)
        self.environment = {**os.environ, "KUBECONFIG": str(directory / "kubeconfig")}

    def steer(self, *arguments: str) -> str:
        command = [sys.executable, "-m", "steersman.cmd.steer", *arguments]
        where = ["--name", self.place.name, "--data-dir", str(self.place.base)]
        done = subprocess.run(
            [*command, *where],
            env=self.environment,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    @property
    def config(self) -> ClusterConfig:
        return self.place.load()

    def inner(self, operation: str, part: str = "") -> dict[str, Any]:
        """Ask the supervisor in the node."""
        paths = Paths(str(self.place.node("node-1")))
        return control.call(paths.socket, {"op": operation, "part": part}, PATIENCE)

    def part(self, name: str) -> tuple[int, int]:
        """The host's number of a part of the node, once it is ready, and how often it was started again."""
        self.inner("wait", name)
        part = next(part for part in gather(self.place)["parts"] if part["name"] == f"node-1/{name}")
        return part["pid"], part["restarts"]

    def restarts(self, name: str) -> int:
        return next(int(part["restarts"]) for part in self.inner("status")["parts"] if part["name"] == name)


@pytest.fixture
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    cluster = Cluster(tmp_path_factory.mktemp("n"))
    try:
        cluster.steer("up", "--nodes", "1")
        yield cluster
    finally:
        cluster.steer("delete")


@pytest.mark.node
def test_life_of_a_node(cluster: Cluster) -> None:
    place, config = cluster.place, cluster.config
    bridge, network = plan.addresses(config).bridge, f"steersman-{place.name}-n0"
    assert links.link_exists(bridge)
    assert links.netns_exists(network)

    for name in ("containerd", "kubelet"):
        pid, restarts = cluster.part(name)
        os.kill(pid, signal.SIGKILL)
        wait_end(pid)
        # Until the supervisor has noticed, it takes the part for ready.
        deadline = Deadline(PATIENCE)
        while cluster.restarts(name) == restarts:
            assert deadline.pause(0.05)
        assert cluster.part(name)[0] not in (None, pid)

    # The whole node is killed: a reboot, by itself.
    inner, _ = cluster.part("kubelet")
    control.call(place.supervision.socket, {"op": "restart", "part": "node-1"}, PATIENCE)
    wait_end(inner)
    lifecycle.wait_kubelet(place, "node-1", Deadline(PATIENCE))

    cluster.steer("down")
    assert not links.link_exists(bridge)
    assert not links.netns_exists(network)
    cluster.steer("up")
    assert "node-1" in cluster.steer("status", "-o", "json")
    cluster.steer("delete")
    assert not links.link_exists(bridge)
    assert not links.netns_exists(network)
    assert not place.directory.exists()
    assert not cgroups.processes(f"steersman/{place.name}")
