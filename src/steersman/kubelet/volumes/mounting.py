"""Mounts that the node makes for volumes: memory for what must not lie on a disk, and single files or folders of volumes."""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path

from steersman.kubelet.volumes.problem import VolumeError
from steersman.network import syscalls

_UMOUNT_NOFOLLOW = 8
_ESCAPE = re.compile(r"\\([0-7]{3})")
_ROUNDS = 8
"""How often mounts are looked for that were below or beneath those that have been taken away."""


def memory(path: Path, mode: int = 0o755, size: int | None = None) -> bool:
    """Mount memory on a folder, if there is none yet; whether it is new. `size` is in bytes. Raises VolumeError."""
    if os.path.ismount(path):
        return False
    options = f"mode={mode:o}" + (f",size={size}" if size else "")
    try:
        # Not even in the swap space.
        syscalls.mount("tmpfs", path, "tmpfs", data=f"{options},noswap")
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise VolumeError(f"mount failed: {error.strerror}") from error
        _mount_plain(path, options)
    return True


def _mount_plain(path: Path, options: str) -> None:
    """For kernels before 6.4, which do not know `noswap`."""
    try:
        syscalls.mount("tmpfs", path, "tmpfs", data=options)
    except OSError as error:
        raise VolumeError(f"mount failed: {error.strerror}") from error


def bind(handle: int, target: Path) -> None:
    """Mount what is open on a file or folder. Raises OSError."""
    # Unlike a path, what a handle is of does not change.
    syscalls.mount(f"/proc/self/fd/{handle}", target, flags=syscalls.MS_BIND)


def below(folder: Path) -> list[Path]:
    """What is mounted on the folder or below it, the latest first; twice what is mounted twice."""
    root = os.path.realpath(folder)
    found = []
    with Path("/proc/self/mountinfo").open(encoding="utf-8", errors="surrogateescape") as lines:
        for line in lines:
            path = _ESCAPE.sub(lambda octal: chr(int(octal[1], 8)), line.split(" ", 5)[4])
            if path == root or path.startswith(root + "/"):
                found.append(Path(path))
    return found[::-1]


def unmount_below(folder: Path) -> None:
    """Take away everything that is mounted on the folder or below it. Idempotent.

    Raises VolumeError while something is in use: then nothing below the folder may be removed, as it would be removed from
    what is mounted there.
    """
    for _ in range(_ROUNDS):
        mounted = below(folder)
        if not mounted:
            return
        for path in mounted:
            try:
                syscalls.unmount(path, _UMOUNT_NOFOLLOW)
            except OSError as error:
                raise VolumeError(f"unmount failed: {error.strerror}") from error
    raise VolumeError(f"unmount failed: there is ever more mounted below {folder}")
