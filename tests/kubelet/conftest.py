"""A private containerd for tests, in its own mount and process namespaces, with two small images loaded."""

from __future__ import annotations

import asyncio
import io
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from msgspec import Struct
from tests.kubelet.real_node import WAIT, RealNode

from steersman.kinds.types.core_v1 import Pod
from steersman.kubelet import images
from steersman.kubelet.archive import Entry, ImageContent, write_docker, write_oci
from steersman.kubelet.pause import PAUSE_IMAGE, pause_image
from steersman.kubelet.runtime.cri import containerd
from steersman.kubelet.runtime.cri.client import CriRuntime
from steersman.kubelet.volumes import mounting
from steersman.network import syscalls
from steersman.testing import Cluster

BUSYBOX = Path("/bin/busybox")
APPLETS = [
    "sh",
    "sleep",
    "cat",
    "echo",
    "true",
    "head",
    "wc",
    "nc",
    "stty",
    "dd",
    "id",
    "ls",
    "kill",
    "ps",
    "grep",
    "tar",
]
TEST_IMAGE = "docker.io/library/steersman-test:1"
# Namespaces of its own keep it off the machine's /run/containerd, and end every shim and container with it.
START = """
mount -t tmpfs tmpfs /run
mkdir -p /run/netns /run/containerd
mount -t tmpfs tmpfs /var/lib/cni 2>/dev/null || { mkdir -p /var/lib/cni && mount -t tmpfs tmpfs /var/lib/cni; }
mount --make-rshared /
exec "$@"
"""


class Containerd(Struct, frozen=True):
    """A running containerd: its socket, its directory, the cgroup for its pods, and their addresses' first part."""

    socket: str
    directory: Path
    cgroup: str
    network: str

    def runtime(self) -> CriRuntime:
        return CriRuntime(self.socket)

    @property
    def kubelets(self) -> Path:
        """Where kubelets may mount volumes so that containerd sees them, although it has mounts of its own."""
        return self.directory / "kubelets"


def busybox_image() -> ImageContent:
    files = [Entry(path="/bin/busybox", source=BUSYBOX, mode=0o755), Entry(path="/tmp", directory=True, mode=0o1777)]
    files += [Entry(path=f"/bin/{name}", link="busybox") for name in APPLETS]
    return ImageContent(name="steersman-test:1", layers=[files], cmd=["/bin/sh"], env={"PATH": "/bin", "FROM": "image"})


def _network(directory: Path, prefix: str) -> None:
    directory.mkdir()
    ptp = {
        "type": "ptp",
        "mtu": 1500,
        "ipam": {"type": "host-local", "ranges": [[{"subnet": f"{prefix}.0/24"}]], "routes": [{"dst": "0.0.0.0/0"}]},
    }
    conf = {"cniVersion": "0.4.0", "name": "test", "plugins": [ptp]}
    (directory / "10-test.conflist").write_text(json.dumps(conf))


def _wait_for(path: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + WAIT
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket(socket.AF_UNIX) as attempt:
            if attempt.connect_ex(path) == 0:
                return
        time.sleep(0.01)
    raise RuntimeError(f"containerd did not start:\n{log.read_text()[-4000:]}")


def _remove_cgroups(name: str) -> None:
    for base in [Path("/sys/fs/cgroup"), *Path("/sys/fs/cgroup").iterdir()]:
        for directory, _, _ in os.walk(base / name, topdown=False):
            os.rmdir(directory)


async def _load(address: str, directory: Path) -> None:
    for name, write, content in (("pause", write_oci, pause_image()), ("busybox", write_docker, busybox_image())):
        buffer = io.BytesIO()
        write([content], buffer)
        path = directory / f"{name}.tar"
        path.write_bytes(buffer.getvalue())
        await images.load(address, path)


@pytest.fixture(scope="session")
def containerd_node() -> Iterator[Containerd]:
    directory = Path(tempfile.mkdtemp(prefix="steersman-containerd-"))
    cgroup = f"steersman-test-{os.getpid()}"
    address = str(directory / "containerd.sock")
    # Runs at the same time must not share addresses: their routes are the machine's.
    prefix = f"10.213.{os.getpid() % 256}"
    _network(directory / "cni", prefix)
    config = containerd.ContainerdConfig(
        root=str(directory / "root"),
        state=str(directory / "state"),
        socket=address,
        sandbox_image=PAUSE_IMAGE,
        cni_conf_dir=str(directory / "cni"),
        restrict_oom_score_adj=containerd.lacks_sys_resource(Path("/proc/self/status").read_text()),
    )
    (directory / "config.toml").write_text(containerd.render(config))
    unshare = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "slave"]
    command = containerd.command(str(directory / "config.toml"))
    kubelets = directory / "kubelets"
    kubelets.mkdir()
    syscalls.mount(kubelets, kubelets, flags=syscalls.MS_BIND)
    syscalls.mount("none", kubelets, flags=syscalls.MS_SHARED)
    log = directory / "containerd.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*unshare, "sh", "-ec", START, "sh", *command],
            env=containerd.environment(os.environ),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        _wait_for(address, process, log)
        asyncio.run(_load(address, directory))
        yield Containerd(address, directory, f"/{cgroup}", prefix)
    finally:
        process.kill()
        process.wait()
        _remove_cgroups(cgroup)
        mounting.unmount_below(directory)
        shutil.rmtree(directory)


async def _remove_sandboxes(runtime: CriRuntime) -> None:
    for sandbox in await runtime.list_pod_sandboxes():
        await runtime.stop_pod_sandbox(sandbox.id)
        await runtime.remove_pod_sandbox(sandbox.id)


@pytest.fixture
async def cri(containerd_node: Containerd) -> AsyncIterator[CriRuntime]:
    """A connection to the private containerd; every sandbox is removed afterwards."""
    runtime = containerd_node.runtime()
    yield runtime
    await _remove_sandboxes(runtime)
    await runtime.close()


@pytest.fixture
async def real(containerd_node: Containerd, tmp_path: Path) -> AsyncIterator[RealNode]:
    """A kubelet of its own over that containerd, with a cluster behind it; nothing of its pods is left afterwards."""
    runtime = containerd_node.runtime()
    async with Cluster(nodes=0, controllers=False, scheduler=False) as cluster:
        (tmp_path / "logs").mkdir()
        node = RealNode(cluster, runtime, containerd_node, tmp_path)
        node.start()
        yield node
        for pod in (await cluster.client.list(Pod, "default")).items:
            await cluster.client.delete(Pod, pod.metadata.name, "default", grace=1)
        await cluster.wait_list(Pod, lambda pods: not pods, "default", timeout=WAIT)
        await node.until(lambda: not list(node.kubelet.workers()))
        assert not await runtime.list_pod_sandboxes()
        assert not os.listdir(tmp_path / "logs")
        assert node.kubelet.context.cgroups.known_pods() == set()
        assert not mounting.below(node.settings.root)
        await node.stop()
    await runtime.close()
