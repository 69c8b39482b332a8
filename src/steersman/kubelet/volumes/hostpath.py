"""hostPath volumes: the checks and creations that their type asks for."""

from __future__ import annotations

import stat
from pathlib import Path

from steersman.kubelet.volumes.problem import VolumeError


def prepare(path: Path, kind: str) -> None:
    """Make sure that the path is what the type says, making it where the type allows. Raises VolumeError."""
    if kind == "DirectoryOrCreate" and not path.exists():
        path.mkdir(parents=True, mode=0o755)
    elif kind == "FileOrCreate" and not path.exists():
        if not path.parent.is_dir():
            raise VolumeError(f"open {path}: no such file or directory")
        path.touch(mode=0o644)
    if not kind:
        return
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        mode = 0
    checks = {
        "Directory": (stat.S_ISDIR, "a directory"),
        "DirectoryOrCreate": (stat.S_ISDIR, "a directory"),
        "File": (stat.S_ISREG, "a file"),
        "FileOrCreate": (stat.S_ISREG, "a file"),
        "Socket": (stat.S_ISSOCK, "a socket file"),
        "CharDevice": (stat.S_ISCHR, "a character device"),
        "BlockDevice": (stat.S_ISBLK, "a block device"),
    }
    if kind not in checks:
        raise VolumeError(f"{kind} is an invalid volume type")
    check, what = checks[kind]
    if not check(mode):
        raise VolumeError(f"hostPath type check failed: {path} is not {what}")
