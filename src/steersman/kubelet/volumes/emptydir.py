"""emptyDir volumes: a folder on the node's disk, or a tmpfs for medium Memory."""

from __future__ import annotations

import os
from pathlib import Path

from steersman.api import quantity
from steersman.kinds.types.core_v1 import EmptyDirVolumeSource
from steersman.kubelet.volumes import mounting
from steersman.kubelet.volumes.problem import VolumeError

_MODE = 0o777


def prepare(path: Path, source: EmptyDirVolumeSource, group: int | None) -> None:
    """Make the folder once, open to every user, and to the pod's fsGroup with the set-group-id bit."""
    if source.medium not in ("", "Memory"):
        raise VolumeError(f"storage medium {source.medium!r} is not supported")
    fresh = not path.is_dir()
    path.mkdir(parents=True, exist_ok=True)
    if source.medium == "Memory":
        size = int(quantity.value(source.sizeLimit)) if source.sizeLimit else None
        fresh |= mounting.memory(path, size=size)
    if fresh:
        path.chmod(_MODE if source.mode is None else source.mode)
        if group is not None:
            os.chown(path, -1, group)
            path.chmod(0o2777 if source.mode is None else source.mode | 0o2070)
