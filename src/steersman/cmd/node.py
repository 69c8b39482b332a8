"""A node's process: puts itself into the node's namespaces, and keeps containerd, kubelet and proxy running there.

    python -m steersman.cmd.node FILE

Every start is a reboot of the node: whatever ran in it before is gone. Standard library only.
"""

import contextlib
import os
import select
import signal
import sys
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from steersman.cmd import notify
from steersman.cmd.config import NodeConfig
from steersman.cmd.configfile import load
from steersman.cmd.supervisor import Paths, lock
from steersman.cmd.supervisor import load as load_supervisor
from steersman.network import cgroups, syscalls
from steersman.network.addresses import ClusterAddresses
from steersman.network.mounts import NodeFiles
from steersman.network.node import NodeNetwork, NodeSpec, enter

# Where programs in the node write their logs.
LOGS = Path("/var/log")
# The kubelet's control group in the node, and how long its pods have to end when the node is stopped.
PODS = "kubepods"
GRACE = 5.0
# How long the API server is asked for a bootstrap token, in seconds: without a certificate a node can do nothing, but one whose
# certificate may still be good shall have its pods back soon.
INTRODUCTION, RENEWAL = 60.0, 5.0


def node_spec(config: NodeConfig) -> NodeSpec:
    """The node as `network.node` knows it."""
    network = NodeNetwork(config.cluster, ClusterAddresses(config.slot), config.number)
    root = Path(config.root_dir)
    return NodeSpec(
        network=network,
        files=NodeFiles(
            state=root / "state",
            hostname=config.name,
            address=network.own.address,
            nameserver=str(network.addresses.gateway),
            binds=own_logs(root),
        ),
        cgroup=f"steersman/{config.cluster}/{config.name}",
        cpus=config.cpus or None,
        memory=config.memory_bytes or None,
    )


def own_logs(root: Path) -> tuple[tuple[Path, Path], ...]:
    """A /var/log of the node's own: what the kubelet serves of it, and who collects logs sees there, is not the host's."""
    if root.is_relative_to(LOGS):
        # It would hide everything that the node has.
        return ()
    return (root / "log", LOGS), (root / "pod-logs", LOGS / "pods")


def main(arguments: list[str]) -> int:
    config = load(NodeConfig, Path(arguments[0]))
    spec = node_spec(config)
    # The API server is asked while the kernel is.
    introduction = introduce_aside(config)
    try:
        spec.network.create()
        spec.network.connect(range(config.nodes))
    finally:
        os.waitpid(introduction, 0)
    # Ready from here on, as far as the host's supervisor is concerned: what is inside has a supervisor of its own.
    notify.ready()
    os.environ.pop("NOTIFY_SOCKET", None)
    return enter(spec, lambda: inside(config))


def introduce_aside(config: NodeConfig) -> int:
    """`introduce` in a process of its own, whose pid is returned: the node's lasts, and shall not keep what that needs."""
    pid = os.fork()
    if pid == 0:
        try:
            syscalls.die_with_parent(signal.SIGKILL)
            introduce(config)
        finally:
            sys.stderr.flush()
            os._exit(0)
    return pid


def introduce(config: NodeConfig) -> None:
    """Give the kubelet what it needs to ask for its first certificate, unless it has one."""
    from steersman.cmd import bootstrap
    from steersman.cmd.admin import Admin, AdminError
    from steersman.cmd.errors import CommandError
    from steersman.cmd.place import Place

    directory = Path(config.root_dir).parents[1]
    place = Place(directory.name, directory.parent)
    certificate = Path(config.root_dir, "kubelet", "pki", "kubelet-client-current.pem")
    if not bootstrap.is_needed(certificate, place.pki.ca.cert, datetime.now(UTC)):
        return
    kubelet, own = (place.part_kubeconfig(f"{config.name}-{what}") for what in ("kubelet", "bootstrap"))
    deadline = time.monotonic() + (RENEWAL if certificate.exists() else INTRODUCTION)
    while True:
        try:
            admin = Admin(place, place.load().port)
            try:
                bootstrap.introduce(admin, config.name, kubelet, own)
            finally:
                admin.close()
            return
        except (AdminError, CommandError, OSError) as error:
            if time.monotonic() > deadline:
                # The node starts all the same: what it has may still be good, and its kubelet says what it lacks.
                print(f"node {config.name} has no bootstrap token: {error}", file=sys.stderr)
                return
        time.sleep(0.1)


def inside(config: NodeConfig) -> int:
    """What runs in the node's namespaces until the node is to end."""
    os.chdir("/")
    paths = Paths(config.root_dir)
    # Process numbers of the node's former life mean nothing in this one.
    for name in os.listdir(paths.run) if os.path.isdir(paths.run) else ():
        if name.endswith(".pid"):
            os.unlink(os.path.join(paths.run, name))
    if lock(paths) is None:
        print(f"node {config.name} runs already", file=sys.stderr)
        return 1
    load_supervisor(paths).run()
    terminate(sorted(cgroups.processes(PODS)), GRACE)
    return 0


def terminate(pids: Iterable[int], grace: float) -> None:
    """Let processes end by themselves: SIGTERM, and up to `grace` seconds for all of them together.

    Those without a handler are left alone: as the first process of a container they would ignore it. What is still
    there afterwards ends with the node.
    """
    waiting = [found for pid in pids if (found := _listening(pid)) is not None]
    deadline = time.monotonic() + grace
    for fd in waiting:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(fd, signal.SIGTERM)
    for fd in waiting:
        select.select([fd], [], [], max(0.0, deadline - time.monotonic()))
        os.close(fd)


def _listening(pid: int) -> int | None:
    """A pidfd of a process that handles SIGTERM, else None."""
    try:
        fd = os.pidfd_open(pid)
        status = Path(f"/proc/{pid}/status").read_text()
    except (ProcessLookupError, FileNotFoundError):
        return None
    caught = next((line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:")), "0")
    if int(caught, 16) >> (signal.SIGTERM - 1) & 1:
        return fd
    os.close(fd)
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
