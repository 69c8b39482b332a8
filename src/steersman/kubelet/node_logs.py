"""/logs/: the files below the node's /var/log, and nothing else of its disk, however a path or a link is written."""

from __future__ import annotations

import asyncio
import html
import os
import stat
from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from urllib.parse import quote

from steersman.api.errors import NotFound
from steersman.api.http import Response

_CHUNK = 1 << 16
# As many names of a directory are shown: a pod may have made any number.
MOST_NAMES = 20_000
TEXT = {"Content-Type": "text/plain; charset=utf-8"}


@dataclass(slots=True)
class Opened:
    """A file below the folder, open for reading until it is closed, or nobody has it any more."""

    descriptor: int
    size: int

    def close(self) -> None:
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def __del__(self) -> None:
        # An answer whose client has gone is never read.
        self.close()


def open_below(folder: Path, path: str) -> Opened | list[str]:
    """The file, or the names in a directory (those of directories end in a slash).

    Links are followed as long as they stay below the folder: what pods may write there must not open the node's other files.
    Raises OSError for what cannot be had, and for everything that is neither file nor directory.
    """
    root = os.path.realpath(folder)
    if "\0" in path or ".." in path.split("/"):
        raise FileNotFoundError(path)
    target = os.path.realpath(os.path.join(root, path.strip("/")))
    if target != root and not target.startswith(f"{root}/"):
        raise FileNotFoundError(path)
    descriptor = _descend(root, target)
    try:
        found = os.fstat(descriptor)
        if stat.S_ISREG(found.st_mode):
            opened, descriptor = Opened(descriptor, found.st_size), -1
            return opened
        if not stat.S_ISDIR(found.st_mode):
            raise FileNotFoundError(path)
        with os.scandir(descriptor) as entries:
            some = islice(entries, MOST_NAMES)
            return sorted(entry.name + ("/" if entry.is_dir(follow_symlinks=False) else "") for entry in some)
    finally:
        if descriptor >= 0:
            os.close(descriptor)


def _descend(root: str, target: str) -> int:
    """Opens what no link leads to. Where one has come since we looked, it is not followed. Nothing waits for a pipe's writer."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    descriptor = os.open(root, flags | os.O_DIRECTORY)
    for name in os.path.relpath(target, root).split("/"):
        try:
            found = os.open(name, flags, dir_fd=descriptor)
        finally:
            os.close(descriptor)
        descriptor = found
    return descriptor


async def answer(folder: Path, path: str) -> Response:
    """What GET of the path below the folder gets: a file as it is now, or a page of links."""
    try:
        found = await asyncio.to_thread(open_below, folder, path)
    except PermissionError:
        return Response(403, TEXT, b"403 Forbidden\n")
    except OSError as error:
        raise NotFound("404 page not found") from error
    if isinstance(found, list):
        if path and not path.endswith("/"):
            # The links of the page are relative to a directory.
            return Response(301, {"Location": f"{_link(path.rpartition('/')[2])}/"})
        return Response(200, {"Content-Type": "text/html; charset=utf-8"}, _page(found))
    return Response(200, TEXT, read(found))


def _link(name: str) -> str:
    """A name as part of a URL. On disk it may be any bytes: whoever can write there chooses it."""
    return quote(os.fsencode(name))


def _page(names: list[str]) -> bytes:
    lines = (f'<a href="{_link(name)}">{html.escape(name)}</a>\n' for name in names)
    return (
        f'<!doctype html>\n<meta name="viewport" content="width=device-width">\n<pre>\n{"".join(lines)}</pre>\n'.encode(
            errors="replace"
        )
    )


async def read(opened: Opened) -> AsyncIterator[bytes]:
    """As much of the file as there was when it was opened: what is written meanwhile would never end. Closes it."""
    left = opened.size
    try:
        while left > 0:
            chunk = await asyncio.to_thread(os.read, opened.descriptor, min(_CHUNK, left))
            if not chunk:
                break
            left -= len(chunk)
            yield chunk
    finally:
        opened.close()
