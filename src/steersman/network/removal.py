"""Removing a folder with all that is in it, whoever has filled it: any depth, any number and any names, with little memory.

Pods fill their volumes. What descends into a tree level by level ends at a depth that they choose: by its stack, by its open files, or
because paths are longer than the kernel takes.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import contextmanager, suppress
from itertools import count, islice
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# Names that are read at a time.
_BATCH = 4096
_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def remove(folder: Path) -> None:
    """Links are not followed; others may remove the same at the same time. Raises OSError for what cannot be removed, and for
    what is no folder."""
    aside = (f"{os.urandom(8).hex()}-{number}" for number in count())
    with _opened(folder) as root:
        while names := _names(root):
            for name in names:
                with suppress(FileNotFoundError):
                    if not _remove_simple(name, root):
                        with _opened(name, root) as inner:
                            _empty(inner, root, aside)
                        os.rmdir(name, dir_fd=root)
    os.rmdir(folder)


def _empty(folder: int, root: int, aside: Iterator[str]) -> None:
    """Folders with something in them come to lie in the root, whose turn they await: nobody descends further than this."""
    while names := _names(folder):
        for name in names:
            with suppress(FileNotFoundError):
                if not _remove_simple(name, folder):
                    os.rename(name, next(aside), src_dir_fd=folder, dst_dir_fd=root)


def _remove_simple(name: str, folder: int) -> bool:
    """Remove a file or an empty folder; whether it was one."""
    if not stat.S_ISDIR(os.lstat(name, dir_fd=folder).st_mode):
        os.unlink(name, dir_fd=folder)
        return True
    try:
        os.rmdir(name, dir_fd=folder)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        return False
    return True


def _names(folder: int) -> list[str]:
    """Some of the names in a folder."""
    with os.scandir(folder) as entries:
        return [entry.name for entry in islice(entries, _BATCH)]


@contextmanager
def _opened(name: Path | str, folder: int | None = None) -> Iterator[int]:
    descriptor = os.open(name, _FLAGS, dir_fd=folder)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
