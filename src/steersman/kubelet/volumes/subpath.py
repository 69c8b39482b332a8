"""subPath mounts: a file or folder inside a volume. A container that has the volume may change it at any moment; nothing that it
does there leads out of the volume, as no symbolic link is followed that has not been looked at."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from steersman.kubelet.env import ConfigError
from steersman.kubelet.volumes import mounting

_PATH = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def check(path: str) -> None:
    """Raises ConfigError for an absolute sub path or one with `..`."""
    if path.startswith("/"):
        raise ConfigError(f"subPath {path!r}: must not be an absolute path")
    if ".." in PurePosixPath(path).parts:
        raise ConfigError(f"subPath {path!r}: must not contain '..'")


def bind(volume: Path, sub: str, target: Path) -> None:
    """Mount `sub` of the volume on `target`, made as a folder in the volume when it is missing.

    What has been mounted there before is taken away. Raises ConfigError, VolumeError, OSError.
    """
    with opened(volume, sub) as handle:
        mounting.unmount_below(target)
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            if target.exists() and not target.is_dir():
                target.unlink()
            target.mkdir(exist_ok=True, mode=0o750)
        else:
            if target.is_dir():
                target.rmdir()
            target.touch(mode=0o640)
        mounting.bind(handle, target)


@contextmanager
def opened(volume: Path, sub: str) -> Iterator[int]:
    """A handle of `sub` in the volume, made as a folder when it is missing. Raises ConfigError if it leads outside."""
    check(sub)
    root = volume.resolve()
    if not root.is_dir():
        raise ConfigError(f"subPath {sub!r} of a volume that is a file")
    target = Path(os.path.realpath(root / sub))
    if root != target and root not in target.parents:
        raise ConfigError(f"subPath {sub!r} leads outside of the volume")
    handle = _walk(root, target.relative_to(root).parts, sub)
    try:
        yield handle
    finally:
        os.close(handle)


def _walk(root: Path, names: tuple[str, ...], sub: str) -> int:
    """From folder to folder by handles: whoever puts a link in the way now is not followed."""
    at = os.open(root, _PATH | os.O_DIRECTORY)
    for name in names:
        try:
            below = _step(at, name, root, sub)
        finally:
            os.close(at)
        at = below
    return at


def _step(at: int, name: str, root: Path, sub: str) -> int:
    try:
        below = os.open(name, _PATH, dir_fd=at)
    except FileNotFoundError:
        return _made(at, name, root)
    except NotADirectoryError as error:
        raise ConfigError(f"subPath {sub!r}: {os.strerror(errno.ENOTDIR)}") from error
    if stat.S_ISLNK(os.fstat(below).st_mode):
        os.close(below)
        raise ConfigError(f"subPath {sub!r} leads outside of the volume: it was changed into a link")
    return below


def _made(at: int, name: str, root: Path) -> int:
    """A new folder with the owner, group and permissions of the volume, so that fsGroup and open volumes go on working."""
    like = root.stat()
    os.mkdir(name, 0o755, dir_fd=at)
    below = os.open(name, _FOLDER, dir_fd=at)
    try:
        os.fchown(below, like.st_uid, like.st_gid)
        os.fchmod(below, like.st_mode & 0o7777)
    except OSError:
        os.close(below)
        raise
    return below
