"""The files that a node's processes read: containerd's configuration, the CNI configuration, the list of processes."""

import json
import os
from pathlib import Path

from steersman.cmd import plan
from steersman.cmd.config import NodeConfig
from steersman.kubelet.pause import PAUSE_IMAGE
from steersman.kubelet.runtime.cri import containerd
from steersman.network import cni, links
from steersman.network.addresses import ClusterAddresses
from steersman.pki.files import write_atomic

# File systems that overlayfs cannot have its upper directory on.
_NO_OVERLAY = frozenset({"overlay", "nfs", "nfs4", "cifs", "9p", "fuse", "zfs", "ecryptfs"})


def write_node_files(node: NodeConfig) -> None:
    """Write them below the node's root, from facts of this machine."""
    root = Path(node.root_dir)
    # Secrets and tokens lie below, with modes for the users inside the containers: nobody else of the host may come near.
    root.mkdir(parents=True, exist_ok=True)
    root.chmod(0o700)
    for name in ("logs", "run", "containerd", "kubelet", "pod-logs"):
        (root / name).mkdir(parents=True, exist_ok=True)
    config = root / "containerd.toml"
    settings = containerd.ContainerdConfig(
        root=str(root / "containerd"),
        # In the node's own tmpfs: it is gone after a reboot, as containerd expects.
        state="/run/containerd",
        # Beside the rest, where the host can dial it too.
        socket=str(root / "containerd.sock"),
        sandbox_image=PAUSE_IMAGE,
        cni_conf_dir=str(root / "cni"),
        cni_bin_dir=str(cni.find_bin_dir()),
        restrict_oom_score_adj=containerd.lacks_sys_resource(Path("/proc/self/status").read_text()),
        snapshotter=snapshotter(Path("/proc/self/mountinfo").read_text(), root),
        log_level="warn",
    )
    write_atomic(config, containerd.render(settings).encode())
    own = ClusterAddresses(node.slot).node(node.number)
    cni.write(root / "cni", own.pod_range, links.egress_mtu())
    spec = {
        "name": "containerd",
        "command": containerd.command(str(config)),
        "environment": containerd.environment(os.environ),
    }
    write_atomic(root / "supervisor.json", json.dumps({"parts": plan.node_specs(node, spec)}, indent=1).encode())


def snapshotter(mountinfo: str, path: Path) -> str:
    """overlayfs, or native where the file system below `path` cannot carry an overlay."""
    best, kind = -1, ""
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        mount = before.split()[4]
        if path.is_relative_to(mount) and len(mount) >= best:
            best, kind = len(mount), after.split()[0]
    return "native" if kind in _NO_OVERLAY or kind.startswith("fuse.") else "overlayfs"
