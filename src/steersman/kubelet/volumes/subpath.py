"""subPath mounts: a file or folder inside a volume, resolved so that a symbolic link cannot lead out of it."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

from steersman.kubelet.env import ConfigError


def check(path: str) -> None:
    """Raises ConfigError for an absolute sub path or one with `..`."""
    if path.startswith("/"):
        raise ConfigError(f"subPath {path!r}: must not be an absolute path")
    if ".." in PurePosixPath(path).parts:
        raise ConfigError(f"subPath {path!r}: must not contain '..'")


def resolve(volume: Path, sub: str) -> Path:
    """The real path of `sub` in the volume, made as a folder when it is missing. Raises ConfigError if it leads outside."""
    check(sub)
    root = volume.resolve()
    if not root.is_dir():
        raise ConfigError(f"subPath {sub!r} of a volume that is a file")
    target = Path(os.path.realpath(root / sub))
    if root != target and root not in target.parents:
        raise ConfigError(f"subPath {sub!r} leads outside of the volume")
    if not target.exists():
        target.mkdir(parents=True, mode=0o755)
        _inherit(root, target)
    return target


def _inherit(root: Path, target: Path) -> None:
    """New folders get the owner group and permissions of the volume, so that fsGroup and open volumes go on working."""
    owner = root.stat()
    folder = target
    while folder != root:
        os.chown(folder, owner.st_uid, owner.st_gid)
        folder.chmod(owner.st_mode & 0o7777)
        folder = folder.parent
