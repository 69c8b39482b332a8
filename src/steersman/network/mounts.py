"""The file system as a node sees it: its own /proc, /sys, control groups and /run, and its own copies of a few files."""

import errno
from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from pathlib import Path

from steersman.network import syscalls
from steersman.network.cgroups import Hierarchy
from steersman.network.syscalls import MS_BIND, MS_NODEV, MS_NOEXEC, MS_NOSUID, MS_REC, MS_SHARED, MS_SLAVE

_CGROUP_ROOT = Path("/sys/fs/cgroup")
_BARE = MS_NOSUID | MS_NODEV | MS_NOEXEC
_RESOLVERS = (Path("/etc/resolv.conf"), Path("/run/systemd/resolve/resolv.conf"))


@dataclass(frozen=True, kw_only=True)
class NodeFiles:
    """What a node has of its own on disk.

    ``state`` is a directory on the host for the files written here; ``binds`` are further pairs of a host
    path and the path where the node sees it (both directories, made when missing), in order: one may be below another.
    """

    state: Path
    hostname: str
    address: IPv4Address
    nameserver: str
    binds: tuple[tuple[Path, Path], ...] = field(default=())


def node_resolv_conf(texts: Iterable[str], fallback: str) -> str:
    """The first of the texts that names a server reachable from another network namespace, loopback servers left out.

    With none, ``fallback`` becomes the only server.
    """
    for text in texts:
        lines = [line for line in text.splitlines() if not _is_loopback_server(line)]
        if any(line.split()[:1] == ["nameserver"] for line in lines):
            return "\n".join(lines) + "\n"
    return f"nameserver {fallback}\n"


def _is_loopback_server(line: str) -> bool:
    words = line.split()
    if words[:1] != ["nameserver"] or len(words) < 2:
        return False
    host = words[1].partition("%")[0]
    try:
        return (IPv6Address(host) if ":" in host else IPv4Address(host)).is_loopback
    except AddressValueError:
        return True  # no resolver can use it


def write_files(files: NodeFiles) -> None:
    """Writes the node's own files below its state directory; called on the host, before the node starts."""
    texts = [path.read_text() for path in _RESOLVERS if path.exists()]
    (files.state / "cni").mkdir(parents=True, exist_ok=True)
    (files.state / "resolv.conf").write_text(node_resolv_conf(texts, files.nameserver))
    (files.state / "hostname").write_text(files.hostname + "\n")
    hosts = ["127.0.0.1 localhost", "::1 localhost ip6-localhost ip6-loopback", f"{files.address} {files.hostname}"]
    (files.state / "hosts").write_text("\n".join(hosts) + "\n")
    Path("/var/lib/cni").mkdir(parents=True, exist_ok=True)
    for source, _ in files.binds:
        source.mkdir(parents=True, exist_ok=True)


def prepare(files: NodeFiles, mounted: list[Hierarchy]) -> None:
    """Builds the node's view; runs as its PID 1 in fresh namespaces. ``mounted`` are the host's cgroup hierarchies.

    What the host mounts later is seen by the node (slave); what the node mounts is seen by its
    containers (shared) and not by the host.
    """
    syscalls.mount("none", "/", flags=MS_REC | MS_SLAVE)
    aliases = _symlinks(_CGROUP_ROOT)
    binds = [(files.state / "cni", Path("/var/lib/cni")), *files.binds]
    _replace("/proc", "proc", _BARE)
    _replace("/sys", "sysfs", _BARE)
    _mount_cgroups(mounted, aliases)
    _detach("/run/netns")  # the pins of other nodes would live as long as this node
    _replace("/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=755")
    for directory in ("/run/netns", "/run/lock"):
        Path(directory).mkdir()
    for source, target in binds:
        target.mkdir(parents=True, exist_ok=True)
        syscalls.mount(source, target, flags=MS_BIND | MS_REC)
    for name in ("resolv.conf", "hosts", "hostname"):
        _bind_file(files.state / name, Path("/etc") / name)
    if Path("/dev/mqueue").is_dir():
        syscalls.mount("mqueue", "/dev/mqueue", "mqueue", _BARE)
    syscalls.mount("none", "/", flags=MS_REC | MS_SHARED)


def _replace(target: str, kind: str, flags: int, data: str = "") -> None:
    """Mounts anew where the host's mount was. The old one goes first: hidden below, it would still be listed and mislead runc."""
    _detach(target)
    syscalls.mount(kind, target, kind, flags, data)


def _detach(target: str) -> None:
    """Takes away whatever is mounted at the directory, layer by layer."""
    while True:
        try:
            syscalls.unmount(target)
        except OSError as error:
            if error.errno in (errno.EINVAL, errno.ENOENT):  # nothing is mounted here any more
                return
            raise


def _symlinks(directory: Path) -> dict[str, str]:
    """Names such as ``cpu`` that lead to ``cpu,cpuacct``."""
    if not directory.is_dir():
        return {}
    return {entry.name: str(entry.readlink()) for entry in directory.iterdir() if entry.is_symlink()}


def _mount_cgroups(mounted: list[Hierarchy], aliases: dict[str, str]) -> None:
    if all(hierarchy.version == 2 for hierarchy in mounted):
        syscalls.mount("cgroup2", _CGROUP_ROOT, "cgroup2", _BARE)
        return
    syscalls.mount("tmpfs", _CGROUP_ROOT, "tmpfs", _BARE, "mode=755")
    for hierarchy in mounted:
        target = _CGROUP_ROOT / hierarchy.mount.name
        target.mkdir(exist_ok=True)
        if hierarchy.version == 2:
            syscalls.mount("cgroup2", target, "cgroup2", _BARE)
        else:
            syscalls.mount("cgroup", target, "cgroup", _BARE, hierarchy.options)
    for name, leads_to in aliases.items():
        (_CGROUP_ROOT / name).symlink_to(leads_to)


def _bind_file(source: Path, target: Path) -> None:
    """Binds over a file of /etc. One that the host has not is left out: making it would change the host."""
    real = target.resolve()
    if real.is_relative_to("/run") and not real.exists():
        # The host's is a link into /run (systemd-resolved), which is the node's own by now.
        real.parent.mkdir(parents=True, exist_ok=True)
        real.touch()
    if real.exists():
        syscalls.mount(source, real, flags=MS_BIND)
