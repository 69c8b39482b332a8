"""Container logs: reads the runtime's log files (`time stream tag text` lines) as `kubectl logs` asks for them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from steersman.api.clock import Clock
from steersman.api.meta import parse_time
from steersman.network import removal

_CHUNK = 64 * 1024
_POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class LogOptions:
    """PodLogOptions without the container's name. `since` is a moment; `tail_lines` counts whole lines; None is no limit."""

    follow: bool = False
    timestamps: bool = False
    tail_lines: int | None = None
    limit_bytes: int | None = None
    since: datetime | None = None
    stream: str = "All"


@dataclass(frozen=True, slots=True)
class LogLine:
    """One entry of a log file. `partial` text is continued by the next entry of the same stream, without a newline."""

    time: bytes
    stream: bytes
    partial: bool
    text: bytes


def parse_line(line: bytes) -> LogLine | None:
    """An entry from a line without its newline; None when it is no log entry (a file cut by a crash)."""
    parts = line.split(b" ", 3)
    if len(parts) < 3:
        return None
    time, stream, tags = parts[:3]
    if stream not in (b"stdout", b"stderr"):
        return None
    return LogLine(time, stream, tags.split(b":")[0] == b"P", parts[3] if len(parts) == 4 else b"")


def render(line: LogLine, options: LogOptions, continued: bool) -> bytes:
    """The bytes a client sees of an entry; `continued` is true when it goes on with a partial one."""
    prefix = line.time + b" " if options.timestamps and not continued else b""
    return prefix + line.text + (b"" if line.partial else b"\n")


def _wanted(line: LogLine, options: LogOptions) -> bool:
    if options.stream != "All" and line.stream.decode() != options.stream.lower():
        return False
    if options.since is None:
        return True
    try:
        # Nine digits of a second are more than fromisoformat takes.
        stamp = line.time.decode()
        head, _, fraction = stamp.partition(".")
        zone = "Z" if fraction.endswith("Z") or not fraction else fraction[fraction.find("+") :]
        return parse_time(f"{head}.{fraction[:6]}{zone}" if fraction else stamp) >= options.since
    except ValueError:
        return False


def tail_offset(path: str, lines: int) -> int:
    """The offset in the file of its last `lines` whole entries (partial ones belong to the entry that ends them)."""
    with open(path, "rb") as file:
        position = file.seek(0, os.SEEK_END)
        if lines <= 0:
            return position
        buffer = b""
        while position > 0:
            step = min(_CHUNK, position)
            position -= step
            file.seek(position)
            buffer = file.read(step) + buffer
            ends = _full_entry_ends(buffer, position == 0)
            if len(ends) > lines:
                return position + ends[-lines - 1]
        return 0


def _full_entry_ends(buffer: bytes, whole: bool) -> list[int]:
    """Offsets just past each full entry; the first line is left out unless the buffer begins the file."""
    ends, start = [], 0 if whole else buffer.find(b"\n") + 1
    while (newline := buffer.find(b"\n", start)) >= 0:
        line = parse_line(buffer[start:newline])
        if line is not None and not line.partial:
            ends.append(newline + 1)
        start = newline + 1
    return ends


class _Reader:
    """Entries of one growing file, which the runtime may rotate away under us."""

    def __init__(self, path: str, offset: int) -> None:
        self._path = path
        self._file = open(path, "rb")  # noqa: SIM115 (closed by close)
        self._file.seek(offset)
        self._rest = b""
        self._last_look = False

    def read(self) -> list[bytes] | None:
        """Whole lines that were not read before, perhaps none of them yet; None at the end of the file."""
        data = self._file.read(_CHUNK)
        if not data:
            return None
        *lines, self._rest = (self._rest + data).split(b"\n")
        return lines

    def rotated(self) -> bool:
        """Open the new file when the one read so far was replaced."""
        try:
            fresh = os.stat(self._path)
        except FileNotFoundError:
            return False
        if os.fstat(self._file.fileno()).st_ino == fresh.st_ino:
            return False
        if not self._last_look:
            # What was written between the last read and the rotation comes first.
            self._last_look = True
            return True
        self._last_look = False
        self._file.close()
        self._file = open(self._path, "rb")  # noqa: SIM115
        self._rest = b""
        return True

    def close(self) -> None:
        self._file.close()


async def read_logs(
    path: str, options: LogOptions, clock: Clock, running: Callable[[], Awaitable[bool]]
) -> AsyncIterator[bytes]:
    """The log of one container, in chunks; with `follow` until `running` says no and all is read.

    Raises FileNotFoundError when there is no log yet.
    """
    offset = tail_offset(path, options.tail_lines) if options.tail_lines is not None else 0
    reader = _Reader(path, offset)
    left = options.limit_bytes
    continued: dict[bytes, bool] = {}
    try:
        while True:
            alive = options.follow and await running()
            lines = reader.read()
            if lines is None:
                if reader.rotated():
                    continue
                if not alive:
                    return
                await clock.sleep(_POLL_SECONDS)
                continue
            out = b"".join(_render_all(lines, options, continued))
            if not out:
                # Nothing that is wanted in this part of the file.
                await asyncio.sleep(0)
                continue
            if left is not None:
                out, left = out[:left], left - len(out)
            yield out
            if left is not None and left <= 0:
                return
            await asyncio.sleep(0)
    finally:
        reader.close()


def _render_all(lines: list[bytes], options: LogOptions, continued: dict[bytes, bool]) -> list[bytes]:
    out = []
    for raw in lines:
        line = parse_line(raw)
        if line is None or not _wanted(line, options):
            continue
        out.append(render(line, options, continued.get(line.stream, False)))
        continued[line.stream] = line.partial
    return out


def tail_text(path: str, max_bytes: int, max_lines: int) -> str:
    """The end of a log as a termination message: at most so many bytes and lines."""
    with open(path, "rb") as file:
        file.seek(tail_offset(path, max_lines))
        options, continued = LogOptions(), {}  # type: LogOptions, dict[bytes, bool]
        text = b"".join(_render_all(file.read().split(b"\n"), options, continued))
    return text[-max_bytes:].decode(errors="replace")


def logged_pods(folder: Path) -> set[str]:
    """Uids of the pods that have a log directory, `<namespace>_<name>_<uid>`."""
    names = [entry.name.split("_") for entry in folder.iterdir()] if folder.is_dir() else []
    return {parts[2] for parts in names if len(parts) == 3}


def remove_logs(folder: Path, uid: str) -> None:
    """Take a pod's log directory away. Idempotent. Raises OSError when it cannot be removed."""
    for entry in folder.glob(f"*_{uid}"):
        # Worker and housekeeping may come to the same pod: what one finds gone the other has taken.
        with suppress(FileNotFoundError):
            removal.remove(entry)
