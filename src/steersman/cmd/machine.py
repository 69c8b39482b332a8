"""What this machine must have for real nodes: each finding says what is wrong and the command that mends it."""

import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

# Programs and the Debian package each comes with. Nothing here installs: `make up` and people do.
PROGRAMS: Mapping[str, str] = {
    "containerd": "containerd",
    "ctr": "containerd",
    "containerd-shim-runc-v2": "containerd",
    "runc": "runc",
    "nft": "nftables",
    "ip": "iproute2",
    "conntrack": "conntrack",
}
CNI_PACKAGE = "containernetworking-plugins"
SYSTEM_PATH = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
# A unix socket's address takes 107 bytes; the longest below a cluster's directory is nodes/<node>/containerd.sock.ttrpc.
MAX_DIRECTORY = 60


@dataclass(frozen=True)
class Finding:
    """One thing looked at. `fix` is empty when it is well; `required` things stop `steer up`."""

    what: str
    good: bool
    detail: str = ""
    fix: str = ""
    required: bool = True


def search_path(environment: Mapping[str, str]) -> str:
    """PATH with the system's directories, which a user's PATH often lacks."""
    parts = [part for part in environment.get("PATH", "").split(os.pathsep) if part]
    return os.pathsep.join(dict.fromkeys([*parts, *SYSTEM_PATH]))


def find_program(name: str, environment: Mapping[str, str] = os.environ) -> str | None:
    return shutil.which(name, path=search_path(environment))


def install_command(packages: Iterable[str]) -> str:
    """The command that installs Debian packages, for root or with sudo."""
    sudo = "" if os.geteuid() == 0 else "sudo "
    return f"{sudo}apt-get install -y --no-install-recommends {' '.join(sorted(set(packages)))}"


def program_findings(find: Callable[[str], str | None] = find_program) -> list[Finding]:
    """The programs real nodes need."""
    findings = []
    for name, package in PROGRAMS.items():
        path = find(name)
        fix = "" if path else install_command([package])
        findings.append(Finding(name, path is not None, path or "not found", fix))
    return findings


def cni_finding(candidates: Iterable[Path] | None = None) -> Finding:
    """The CNI plugins."""
    from steersman.network import cni
    from steersman.network.errors import NetworkError

    try:
        directory = cni.find_bin_dir(candidates or cni.BIN_DIRS)
    except NetworkError as error:
        return Finding("CNI plugins", False, str(error), install_command([CNI_PACKAGE]))
    return Finding("CNI plugins", True, str(directory))


def kernel_findings(proc: Path = Path("/proc"), sys_directory: Path = Path("/sys")) -> list[Finding]:
    """The kernel's share: namespaces, overlayfs, control groups."""
    filesystems = (proc / "filesystems").read_text().split()
    findings = [
        Finding(f"{name} namespaces", False, "the kernel has none", "use a kernel with namespaces")
        for name in ("net", "pid", "mnt", "uts", "ipc", "cgroup")
        if not (proc / "self/ns" / name).exists()
    ]
    overlay = "overlay" in filesystems
    findings.append(
        Finding(
            "overlayfs", overlay, "" if overlay else "not loaded", "" if overlay else "modprobe overlay", required=False
        )
    )
    version = 2 if (sys_directory / "fs/cgroup/cgroup.controllers").exists() else 1
    mounted = version == 2 or (sys_directory / "fs/cgroup/memory").is_dir()
    findings.append(
        Finding(
            "control groups",
            mounted,
            f"version {version}" if mounted else "not mounted",
            "" if mounted else "mount -t cgroup2 none /sys/fs/cgroup",
        )
    )
    return findings


def base_findings() -> list[Finding]:
    """What every cluster needs, with nodes or without."""
    version = platform.python_version()
    linux = sys.platform == "linux"
    kubectl = find_program("kubectl")
    return [
        Finding("Linux", linux, platform.release(), "" if linux else "run steer on Linux"),
        Finding("Python", True, version),
        Finding(
            "kubectl",
            kubectl is not None,
            kubectl or "not found",
            "" if kubectl else install_command(["kubernetes-client"]),
            required=False,
        ),
    ]


def root_finding() -> Finding:
    root = os.geteuid() == 0
    fix = "" if root else "use sudo, or `steer up --no-nodes` or `--simulate N`, which need no rights"
    return Finding("root", root, "real nodes make namespaces, mounts and service rules", fix)


def node_findings() -> list[Finding]:
    """Everything real nodes need."""
    return [root_finding(), *program_findings(), cni_finding(), *kernel_findings()]


def problems(findings: Iterable[Finding]) -> str:
    """One message for everything required that is missing, with one command for all missing packages; empty if none."""
    missing = [finding for finding in findings if finding.required and not finding.good]
    if not missing:
        return ""
    lines = [f"{finding.what}: {finding.detail}" for finding in missing]
    return (
        "this machine lacks what real nodes need:\n  "
        + "\n  ".join(lines)
        + "\nmend it with:\n  "
        + "\n  ".join(fixes(missing))
    )


def fixes(findings: Iterable[Finding]) -> list[str]:
    """What mends all findings: one command for every missing package, then the rest."""
    packages, others = [], []
    for finding in findings:
        command, marker, package = finding.fix.partition("--no-install-recommends ")
        if marker:
            packages += package.split()
        elif command:
            others.append(command)
    return ([install_command(packages)] if packages else []) + others
