"""The node's control group in every hierarchy this machine has: version 1, version 2, and both at once (hybrid)."""

import contextlib
import errno
import os
import select
import signal
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from steersman.network.errors import NetworkError

_CPUSET_FILES = ("cpuset.cpus", "cpuset.mems")
# The group below a version 2 node's own that holds its processes: a group with children that are
# limited may hold none itself.
SYSTEM_LEAF = "system"
_EVACUATED_LEAF = "init"
_KILL_ROUNDS = 100
# How long a killed process may take to end, in seconds: one that waits for a slow disk ends when that has answered.
PATIENCE = 60.0


@dataclass(frozen=True)
class Hierarchy:
    """One mounted hierarchy. ``options`` are what a version 1 mount needs to be made again; empty for version 2."""

    mount: Path
    version: int
    options: str = ""


def parse_mounts(mountinfo: str) -> list[Hierarchy]:
    """The hierarchies in the text of /proc/<pid>/mountinfo, in mount order, each once."""
    found: dict[tuple[int, str], Hierarchy] = {}
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        fields = before.split()
        kind, _, rest = after.partition(" ")
        super_options = rest.partition(" ")[2]
        if kind == "cgroup2":
            found.setdefault((2, ""), Hierarchy(Path(fields[4]), 2))
        elif kind == "cgroup":
            options = _v1_options(super_options)
            found.setdefault((1, options), Hierarchy(Path(fields[4]), 1, options))
    return list(found.values())


def _v1_options(super_options: str) -> str:
    words = [word for word in super_options.split(",") if word not in ("rw", "ro", "xattr", "clone_children")]
    words = [word for word in words if not word.startswith("release_agent=")]
    if any(word.startswith("name=") for word in words):
        return ",".join(["none", *words])
    return ",".join(words)


def hierarchies() -> list[Hierarchy]:
    return parse_mounts(Path("/proc/self/mountinfo").read_text())


def create(name: str, mounted: Iterable[Hierarchy] | None = None) -> None:
    """Makes the group ``a/b/c`` in every hierarchy, ready to hold processes and limited children. Idempotent."""
    for hierarchy in hierarchies() if mounted is None else mounted:
        path = hierarchy.mount
        if hierarchy.version == 2 and not _delegate(path):
            _evacuate(path)
        for part in name.split("/"):
            if hierarchy.version == 2:
                _delegate(path)
            path = path / part
            path.mkdir(exist_ok=True)
            if hierarchy.version == 1:
                _fill_cpuset(path)


def _fill_cpuset(path: Path) -> None:
    """A version 1 cpuset starts empty, and refuses processes until it has processors and memory nodes."""
    for name in _CPUSET_FILES:
        own = path / name
        if own.exists() and not own.read_text().strip():
            own.write_text((path.parent / name).read_text())


def _delegate(path: Path) -> bool:
    """Hands every controller of a version 2 group to its children; false when processes in it are in the way."""
    controllers = (path / "cgroup.controllers").read_text().split()
    enabled = (path / "cgroup.subtree_control").read_text().split()
    for controller in controllers:
        if controller in enabled:
            continue
        try:
            (path / "cgroup.subtree_control").write_text(f"+{controller}")
        except OSError as error:
            if error.errno == errno.EBUSY:
                return False
            # A controller that cannot be handed on; the others may, and the kubelet reports what it finds.
            if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL):
                raise
    return True


def _evacuate(path: Path) -> None:
    """Moves the processes of a root that is itself somebody's group (in a container) to a leaf of it.

    A machine's own root may hold processes and never comes here.
    """
    leaf = path / _EVACUATED_LEAF
    leaf.mkdir(exist_ok=True)
    for pid in (path / "cgroup.procs").read_text().split():
        with contextlib.suppress(ProcessLookupError):  # it ended meanwhile
            (leaf / "cgroup.procs").write_text(pid)


def join(name: str, pid: int = 0) -> None:
    """Moves a process (0: this one) into the group in every hierarchy."""
    for hierarchy in hierarchies():
        (hierarchy.mount / name / "cgroup.procs").write_text(str(pid))


def enter_leaf(name: str) -> None:
    """In version 2 hierarchies: moves this process on to the group's ``system`` leaf and hands the controllers down."""
    for hierarchy in hierarchies():
        if hierarchy.version == 2:
            group = hierarchy.mount / name
            leaf = group / SYSTEM_LEAF
            leaf.mkdir(exist_ok=True)
            (leaf / "cgroup.procs").write_text("0")
            _delegate(group)


def set_limits(name: str, *, cpus: float | None = None, memory: int | None = None) -> None:
    """Limits the whole group: processors (1.5 is one and a half) and memory in bytes. None leaves it as it is."""
    for hierarchy in hierarchies():
        path = hierarchy.mount / name
        if cpus is not None:
            quota = int(cpus * 100_000)
            _write_if_there(path / "cpu.cfs_quota_us", str(quota))
            _write_if_there(path / "cpu.max", f"{quota} 100000")
        if memory is not None:
            _write_if_there(path / "memory.limit_in_bytes", str(memory))
            _write_if_there(path / "memory.max", str(memory))


def _write_if_there(path: Path, value: str) -> None:
    if path.exists():
        path.write_text(value)


def processes(name: str) -> set[int]:
    """The processes in the group and below it, in any hierarchy."""
    found: set[int] = set()
    for hierarchy in hierarchies():
        for directory in _groups(hierarchy.mount / name):
            with contextlib.suppress(FileNotFoundError):  # the group went while we looked
                found.update(int(pid) for pid in (directory / "cgroup.procs").read_text().split())
    return found


def _groups(path: Path) -> list[Path]:
    """The group and those below it, deepest first."""
    return [Path(directory) for directory, _, _ in os.walk(path, topdown=False)]


def kill(name: str, timeout: float = PATIENCE) -> None:
    """Kills every process of the group and waits until none is left.

    Raises NetworkError when one is still there ``timeout`` seconds after its signal.
    """
    for _ in range(_KILL_ROUNDS):  # a process may fork between being listed and being killed
        pids = processes(name)
        if not pids:
            return
        handles = [handle for pid in pids if (handle := _kill(pid, name)) is not None]
        try:
            for handle in handles:
                if not select.select([handle], [], [], timeout)[0]:
                    raise NetworkError(f"a process of {name} is still there {timeout:g} s after it was killed")
        finally:
            for handle in handles:
                os.close(handle)
    raise NetworkError(f"the processes of {name} outlive their kill: {sorted(processes(name))}")


def _kill(pid: int, name: str) -> int | None:
    """Kills one member of the group; returns a handle that becomes readable when it has ended."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return None
    try:
        # The number may have been given to another process since it was read; the handle cannot be.
        if f"/{name}" in Path(f"/proc/{pid}/cgroup").read_text():
            signal.pidfd_send_signal(handle, signal.SIGKILL)
            return handle
    except (ProcessLookupError, FileNotFoundError):
        os.close(handle)
        return None
    os.close(handle)
    return None


def remove(name: str, *, parents: bool = True) -> None:
    """Removes the group and all below it in every hierarchy, deepest first; parents that are left empty go too if wanted.

    A missing group is not an error. Raises OSError (busy) when a process is still inside.
    """
    for hierarchy in hierarchies():
        for directory in _groups(hierarchy.mount / name):
            with contextlib.suppress(FileNotFoundError):
                directory.rmdir()
        parent = Path(name).parent
        while parents and parent.name:
            try:
                (hierarchy.mount / parent).rmdir()
            except OSError as error:
                if error.errno == errno.ENOENT:
                    parent = parent.parent
                    continue
                break  # another node or cluster is still in it
            parent = parent.parent
