"""A node as a set of namespaces: its network on the host, the way in, and everything that removes it again.

Order of a node's life: ``NodeNetwork.create``, ``enter`` (in the node's own outer process, again after each
crash), ``destroy``. All steps are idempotent, so a start after ``kill -9`` needs no repair of its own.
"""

import os
import shutil
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from steersman.network import cgroups, links, mounts, syscalls
from steersman.network.addresses import ClusterAddresses, NodeAddresses
from steersman.network.sysctl import set_sysctl

_FORWARDED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
# Blocked in those who wait, from before there is anything to wait for: a handler could run too early, and then nobody hears.
_AWAITED = {*_FORWARDED, signal.SIGCHLD}


@dataclass(frozen=True)
class NodeNetwork:
    """The network of node ``number`` of the cluster ``cluster``: a pinned namespace and a link to the host's bridge."""

    cluster: str
    addresses: ClusterAddresses
    number: int

    @property
    def own(self) -> NodeAddresses:
        return self.addresses.node(self.number)

    @property
    def netns(self) -> str:
        """Name of the pin under /run/netns."""
        return f"steersman-{self.cluster}-n{self.number}"

    @property
    def path(self) -> Path:
        return links.netns_path(self.netns)

    def create(self) -> None:
        """Makes or mends it. The host's bridge must be there. Raises NetworkError."""
        own, outer = self.own, self.addresses.veth(self.number)
        links.make_netns(self.netns)
        mtu = links.egress_mtu()
        host = []
        if not links.link_exists(outer):
            host.append(f"link add {outer} mtu {mtu} type veth peer name eth0 mtu {mtu} netns {self.netns}")
        host.append(f"link set {outer} master {self.addresses.bridge} up")
        # With br_netfilter (Docker loads it) a packet that the host's service rules send back to this node
        # never leaves the bridge, and a bridge returns nothing to the port it came from unless told so.
        host.append(f"link set {outer} type bridge_slave hairpin on")
        links.ip(host)
        syscalls.in_network(self.path, _set_node_sysctls)
        prefix = self.addresses.node_network.prefixlen
        links.ip(
            [
                "link set lo up",
                f"address replace {own.address}/{prefix} dev eth0",
                "link set eth0 up",
                f"route replace default via {self.addresses.gateway}",
            ],
            self.netns,
        )
        links.ip([f"route replace {own.pod_range} via {own.address}"])

    def connect(self, numbers: Iterable[int]) -> None:
        """Routes straight to the pods of the other nodes. A node without such a route goes by the host."""
        others = [self.addresses.node(number) for number in numbers if number != self.number]
        links.ip([f"route replace {other.pod_range} via {other.address}" for other in others], self.netns)

    def delete(self) -> None:
        """Removes the link, the route (with the link) and the pin. What is gone already is not an error."""
        links.remove_link(self.addresses.veth(self.number))
        links.remove_netns(self.netns)
        own = self.own
        stale = [route for route in links.ip_json(f"-4 route show {own.pod_range}") if route.get("gateway")]
        links.ip([f"route delete {own.pod_range}" for _ in stale])


def _set_node_sysctls() -> None:
    set_sysctl("net/ipv4/ip_forward", 1)
    for device in ("all", "default"):
        set_sysctl(f"net/ipv4/conf/{device}/send_redirects", 0)
    if Path("/proc/sys/net/ipv6/conf/eth0").exists():
        # The bridge reflects the node's own probe for its link-local address, which is no second owner.
        set_sysctl("net/ipv6/conf/eth0/accept_dad", 0)
    # NodePort on the node's own 127.0.0.1; the service rules drop what comes for it from outside.
    set_sysctl("net/ipv4/conf/all/route_localnet", 1)


@dataclass(frozen=True, kw_only=True)
class NodeSpec:
    """All that ``enter`` needs. ``cgroup`` is the node's group below every hierarchy's root, such as ``steersman/default/node-0``."""

    network: NodeNetwork
    files: mounts.NodeFiles
    cgroup: str
    cpus: float | None = None
    memory: int | None = None


def enter(spec: NodeSpec, main: Callable[[], int]) -> int:
    """Turns this process into the outer process of a node and returns the node's exit code when it has ended.

    ``main`` runs inside, as a child of a PID 1 that adopts and reaps; its return value is the exit code, and
    its end is the end of every process of the node. SIGTERM and its kin go through to ``main``. When this
    process is killed, the kernel kills the node. Call it before any thread or event loop exists.
    """
    # What a crash left is gone before the new start, as after a reboot: a version 2 group with limited
    # children would refuse this process.
    cgroups.kill(spec.cgroup)
    cgroups.remove(spec.cgroup, parents=False)
    mounts.write_files(spec.files)
    mounted = cgroups.hierarchies()
    cgroups.create(spec.cgroup)
    cgroups.set_limits(spec.cgroup, cpus=spec.cpus, memory=spec.memory)
    cgroups.join(spec.cgroup)
    syscalls.unshare(syscalls.CLONE_NEWCGROUP)
    cgroups.enter_leaf(spec.cgroup)
    syscalls.setns(spec.network.path, syscalls.CLONE_NEWNET)
    syscalls.unshare(syscalls.CLONE_NEWNS | syscalls.CLONE_NEWUTS | syscalls.CLONE_NEWIPC | syscalls.CLONE_NEWPID)
    alive, held = os.pipe2(os.O_CLOEXEC)
    _flush()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, _AWAITED)
    pid = os.fork()
    if pid == 0:
        os.close(held)
        _child(lambda: _first_process(spec, mounted, main, alive, mask))
    os.close(alive)
    # ``held`` stays open until this process ends: the other end tells a child forked a moment too late.
    code = _wait_for(pid)
    os.close(held)
    return code


def _first_process(
    spec: NodeSpec, mounted: list[cgroups.Hierarchy], main: Callable[[], int], alive: int, mask: set[int]
) -> int:
    """PID 1 of the node; `mask` has the signals that are blocked in ``main``."""
    syscalls.die_with_parent(signal.SIGKILL)
    os.set_blocking(alive, False)
    if _at_end(alive):
        return 1  # the parent died before the kernel was told to take us along
    mounts.prepare(spec.files, mounted)
    socket.sethostname(spec.files.hostname)
    _flush()
    pid = os.fork()
    if pid == 0:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        _child(main)
    return _wait_for(pid)


def _at_end(pipe: int) -> bool:
    try:
        return os.read(pipe, 1) == b""
    except BlockingIOError:
        return False


def _child(work: Callable[[], int]) -> None:
    """Runs ``work`` in a forked child and ends it: the parent's stack must never unwind in here."""
    code = 1
    try:
        code = work()
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1 if error.code else 0
    except BaseException:  # noqa: BLE001 (the last frame of this process: it is printed and becomes the exit code)
        traceback.print_exc()
    finally:
        _flush()
        os._exit(code)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        stream.flush()


def _wait_for(pid: int) -> int:
    """Reaps every child, passing signals on to ``pid``; returns its exit code (128 + signal when killed) at its end."""
    while True:
        number = signal.sigwait(_AWAITED)
        if number != signal.SIGCHLD:
            os.kill(pid, number)
        elif (code := _reap(pid)) is not None:
            return 128 - code if code < 0 else code


def _reap(pid: int) -> int | None:
    """Reaps every child that has ended, of which one signal tells; the exit code of ``pid`` if it was among them."""
    while True:
        ended, status = os.waitpid(-1, os.WNOHANG)
        if ended == pid:
            return os.waitstatus_to_exitcode(status)
        if ended == 0:
            return None


def destroy(spec: NodeSpec, timeout: float = cgroups.PATIENCE) -> None:
    """Kills the node's processes and removes its groups, network and files; also what a crash left of them.

    Raises NetworkError when a process does not end within ``timeout`` seconds.
    """
    stop(spec, timeout)
    spec.network.delete()
    cgroups.remove(spec.cgroup)
    shutil.rmtree(spec.files.state, ignore_errors=False, onerror=_missing_is_fine)


def stop(spec: NodeSpec, timeout: float = cgroups.PATIENCE) -> None:
    """Kills the node's processes, and waits for their end. Network, groups and files stay for the next start."""
    cgroups.kill(spec.cgroup, timeout)


def _missing_is_fine(_: object, __: str, info: tuple[type[BaseException], BaseException, object]) -> None:
    if not isinstance(info[1], FileNotFoundError):
        raise info[1]
