"""emptyDir volumes: a folder on the node's disk, or a tmpfs for medium Memory."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from steersman.api import quantity
from steersman.kinds.types.core_v1 import EmptyDirVolumeSource
from steersman.kubelet.volumes.payload import VolumeError

_MODE = 0o777


def prepare(path: Path, source: EmptyDirVolumeSource, group: int | None) -> None:
    """Make the folder once, open to every user, and to the pod's fsGroup with the set-group-id bit."""
    if source.medium not in ("", "Memory"):
        raise VolumeError(f"storage medium {source.medium!r} is not supported")
    fresh = not path.is_dir()
    path.mkdir(parents=True, exist_ok=True)
    if source.medium == "Memory" and not os.path.ismount(path):
        _mount_tmpfs(path, source)
        fresh = True
    if fresh:
        path.chmod(_MODE if source.mode is None else source.mode)
        if group is not None:
            os.chown(path, -1, group)
            path.chmod(0o2777 if source.mode is None else source.mode | 0o2070)


def _mount_tmpfs(path: Path, source: EmptyDirVolumeSource) -> None:
    options = ["-o", f"size={quantity.value(source.sizeLimit)}"] if source.sizeLimit else []
    done = subprocess.run(
        ["mount", "-t", "tmpfs", *options, "tmpfs", str(path)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise VolumeError(f"mount failed: {done.stderr.strip()}")


def unmount(path: Path) -> None:
    """Take a mounted volume away. Idempotent; raises VolumeError while it is busy."""
    if not os.path.ismount(path):
        return
    done = subprocess.run(["umount", str(path)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise VolumeError(f"unmount failed: {done.stderr.strip()}")
