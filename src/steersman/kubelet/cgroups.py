"""The cgroups of pods: `<root>/kubepods[/burstable|/besteffort]/pod<uid>`, made before the sandbox and removed after it.

Works on cgroup v1 (one hierarchy per controller, hybrid mounts included) and on cgroup v2, with the cgroupfs driver.
The runtime makes containers' cgroups inside and never removes the pod's.
"""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from steersman.kinds.types.core_v1 import Pod
from steersman.kubelet.runtime.types import LinuxResources

MOUNT = Path("/sys/fs/cgroup")
_V1_CONTROLLERS = ("cpu", "cpuacct", "cpuset", "memory", "pids", "devices", "freezer", "blkio", "hugetlb", "systemd")
_V2_CONTROLLERS = ("cpu", "cpuset", "memory", "pids", "hugetlb", "io")
_QOS_FOLDERS = {"Guaranteed": "", "Burstable": "burstable", "BestEffort": "besteffort"}


@dataclass(frozen=True, slots=True)
class Hierarchies:
    """The mounted cgroup hierarchies: one path on v2, one per controller on v1."""

    v2: bool
    roots: tuple[Path, ...]


def detect(mount: Path = MOUNT) -> Hierarchies:
    """What this machine (or this node's namespace) has mounted."""
    if (mount / "cgroup.controllers").exists():
        return Hierarchies(True, (mount,))
    roots, seen = [], set()
    for controller in _V1_CONTROLLERS:
        path = mount / controller
        if path.is_dir():
            # cpu and cpuacct are often one hierarchy behind two names.
            real = path.resolve()
            if real not in seen:
                seen.add(real)
                roots.append(real)
    return Hierarchies(False, tuple(roots))


def pod_path(root: str, pod: Pod) -> str:
    """The pod's cgroup path below the hierarchy's root, as the runtime's cgroup_parent wants it."""
    folder = _QOS_FOLDERS.get(pod.status.qosClass, "besteffort")
    return "/".join(p for p in (root.rstrip("/"), folder, f"pod{pod.metadata.uid}") if p)


class Cgroups:
    """Makes, limits and removes the cgroups of pods below one path (`/kubepods`)."""

    def __init__(self, root: str = "/kubepods", hierarchies: Hierarchies | None = None) -> None:
        self._hierarchies = hierarchies or detect()
        self._root = "/" + root.strip("/")

    def ensure_roots(self) -> None:
        """Make the pods' root and its QoS folders."""
        for folder in ("", "burstable", "besteffort"):
            self._make(f"{self._root}/{folder}")

    def ensure_pod(self, pod: Pod, resources: LinuxResources) -> str:
        """Make the pod's cgroup with its limits; its path."""
        path = pod_path(self._root, pod)
        self._make(path)
        self._limit(path, resources)
        return path

    def remove_pod(self, uid: str) -> None:
        """Kill what is left in the pod's cgroups and remove them. Idempotent."""
        for root in self._hierarchies.roots:
            for folder in _QOS_FOLDERS.values():
                base = root / self._root[1:] / folder / f"pod{uid}"
                if base.is_dir():
                    _remove_tree(base)

    def known_pods(self) -> set[str]:
        """Uids of the pods that have a cgroup."""
        found: set[str] = set()
        for root in self._hierarchies.roots:
            for folder in _QOS_FOLDERS.values():
                base = root / self._root[1:] / folder
                if base.is_dir():
                    found.update(e.name[3:] for e in base.iterdir() if e.name.startswith("pod") and e.is_dir())
        return found

    def _make(self, path: str) -> None:
        parts = [p for p in path.split("/") if p]
        for root in self._hierarchies.roots:
            folder = root
            for part in parts:
                if self._hierarchies.v2:
                    _delegate(folder)
                child = folder / part
                if not child.is_dir():
                    child.mkdir(exist_ok=True)
                    _inherit_cpuset(child)
                folder = child
            if self._hierarchies.v2:
                _delegate(folder)

    def _limit(self, path: str, resources: LinuxResources) -> None:
        relative = path.strip("/")
        if self._hierarchies.v2:
            _write_all(self._hierarchies.roots[0] / relative, _v2_values(resources))
            return
        values = _v1_values(resources)
        for root in self._hierarchies.roots:
            folder = root / relative
            _write_all(folder, [(name, value) for name, value in values if (folder / name).exists()])


def _v1_values(resources: LinuxResources) -> list[tuple[str, str]]:
    values = [("cpu.shares", str(resources.cpu_shares))]
    if resources.cpu_quota:
        values += [("cpu.cfs_period_us", str(resources.cpu_period)), ("cpu.cfs_quota_us", str(resources.cpu_quota))]
    if resources.memory_limit_in_bytes:
        values.append(("memory.limit_in_bytes", str(resources.memory_limit_in_bytes)))
    return values


def _v2_values(resources: LinuxResources) -> list[tuple[str, str]]:
    # The documented mapping from cgroup v1 shares (2..262144) to v2 weights (1..10000).
    weight = 1 + ((resources.cpu_shares - 2) * 9999) // 262142
    quota = str(resources.cpu_quota) if resources.cpu_quota else "max"
    memory = str(resources.memory_limit_in_bytes) if resources.memory_limit_in_bytes else "max"
    return [("cpu.weight", str(weight)), ("cpu.max", f"{quota} {resources.cpu_period}"), ("memory.max", memory)]


def _write_all(folder: Path, values: Iterable[tuple[str, str]]) -> None:
    for name, value in values:
        (folder / name).write_text(value)


def _delegate(folder: Path) -> None:
    """Let children of a v2 cgroup use every controller that it has."""
    control = folder / "cgroup.subtree_control"
    available = set((folder / "cgroup.controllers").read_text().split()).intersection(_V2_CONTROLLERS)
    missing = available - set(control.read_text().split())
    if missing:
        control.write_text(" ".join(f"+{c}" for c in sorted(missing)))


def _inherit_cpuset(folder: Path) -> None:
    """A fresh v1 cpuset is empty, and nothing may run in it until it has CPUs and memory nodes."""
    for name in ("cpuset.cpus", "cpuset.mems"):
        own = folder / name
        if own.exists() and not own.read_text().strip():
            own.write_text((folder.parent / name).read_text())


def _remove_tree(base: Path) -> None:
    for path, _, _ in os.walk(base, topdown=False):
        folder = Path(path)
        for pid in _pids(folder):
            _kill(pid)
        _remove_one(folder)


def _remove_one(folder: Path) -> None:
    """Remove one cgroup. One that is still busy stays: its processes are dying, and the next clean-up takes it."""
    try:
        folder.rmdir()
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.EBUSY):
            raise


def _pids(folder: Path) -> list[int]:
    try:
        return [int(line) for line in (folder / "cgroup.procs").read_text().split()]
    except FileNotFoundError:
        return []


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
