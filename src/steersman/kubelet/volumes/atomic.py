"""Writes a volume's files so that a reader sees either all of the old ones or all of the new ones.

Layout as Kubernetes documents it: real files in a time-stamped folder, `..data` a symbolic link to that folder, and a link
per top-level name through `..data`. Swapping the one link swaps everything.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

_DATA = "..data"
_DATA_NEXT = "..data_tmp"


@dataclass(frozen=True, slots=True)
class File:
    """One file of a payload: its bytes, permission bits and, when it is not root's, its owner's uid."""

    data: bytes
    mode: int
    user: int | None = None


Payload = Mapping[str, File]


class PayloadError(ValueError):
    """A path in a payload that leaves the volume."""


def check_path(path: str) -> None:
    """Raises PayloadError for an absolute path, one with `..`, or one that begins with the reserved `..` prefix."""
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or parts[0].startswith(".."):
        raise PayloadError(f"invalid path {path!r}: must be relative and must not contain '..'")


def write(target: Path, payload: Payload, group: int | None = None) -> bool:
    """Bring the folder `target` to hold exactly the payload; True when anything changed.

    `group` is the pod's fsGroup: files become readable by it.
    """
    for path in payload:
        check_path(path)
    target.mkdir(parents=True, exist_ok=True)
    current = target / _DATA
    old = current.resolve() if current.is_symlink() else None
    if old is not None and old.is_dir() and _same(old, payload, group):
        return False
    fresh = Path(tempfile.mkdtemp(prefix="..", dir=target))
    for path, file in payload.items():
        _write_file(fresh / path, file, group)
    # Not before: nobody looks at a file that has not yet its own mode and owner.
    fresh.chmod(0o755)
    _set_group(fresh, group)
    link = target / _DATA_NEXT
    link.unlink(missing_ok=True)
    link.symlink_to(fresh.name)
    link.replace(current)
    _link_names(target, payload)
    for stale in target.glob("..*"):
        # The folder of before, and those of writes that were cut off.
        if stale.is_dir() and not stale.is_symlink() and stale.name != fresh.name:
            shutil.rmtree(stale)
    return True


def _same(folder: Path, payload: Payload, group: int | None) -> bool:
    found = {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}
    if found != set(payload):
        return False
    return all(
        (folder / path).read_bytes() == file.data and stat.S_IMODE((folder / path).stat().st_mode) == _mode(file, group)
        for path, file in payload.items()
    )


def _mode(file: File, group: int | None) -> int:
    """With an fsGroup the group may read what the owner may read."""
    return file.mode if group is None else file.mode | 0o040 | (0o010 if file.mode & 0o100 else 0)


def _write_file(path: Path, file: File, group: int | None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(file.data)
    path.chmod(_mode(file, group))
    if group is not None or file.user is not None:
        os.chown(path, -1 if file.user is None else file.user, -1 if group is None else group)


def _set_group(folder: Path, group: int | None) -> None:
    if group is None:
        return
    for path in [folder, *(p for p in folder.rglob("*") if p.is_dir())]:
        os.chown(path, -1, group)
        path.chmod(0o2775)


def _link_names(target: Path, payload: Payload) -> None:
    wanted = {PurePosixPath(path).parts[0] for path in payload}
    for name in wanted:
        link = target / name
        if not link.is_symlink():
            link.symlink_to(f"{_DATA}/{name}")
    for entry in target.iterdir():
        if entry.name not in wanted and not entry.name.startswith("..") and entry.is_symlink():
            entry.unlink()
