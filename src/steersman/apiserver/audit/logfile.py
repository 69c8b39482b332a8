"""The file that events are appended to: whole lines only, and a new file when one is large; old ones are compressed and removed."""

from __future__ import annotations

import gzip
import logging
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from steersman.api.clock import Clock

log = logging.getLogger(__name__)

MEGABYTE = 1024 * 1024
_DEFAULT_MEGABYTES = 100
_STAMP = re.compile(r"-(\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3})$")
_STAMP_FORMAT = "%Y-%m-%dT%H-%M-%S"


@dataclass(frozen=True, slots=True)
class Rotation:
    """When a file is large, and which old ones are kept: those of the last `days`, at most `backups`. 0 is no such limit
    (of the size: the usual one)."""

    megabytes: int = 0
    backups: int = 0
    days: int = 0
    compress: bool = False

    @property
    def size(self) -> int:
        return (self.megabytes or _DEFAULT_MEGABYTES) * MEGABYTE


class Output:
    """Where lines go. `write` raises OSError, and then nothing of them is there."""

    def write(self, lines: bytes) -> None:
        raise OSError("closed")

    def close(self) -> None:
        """Nothing is written any more."""


class StandardOutput(Output):
    def write(self, lines: bytes) -> None:
        _write_all(1, lines)


class LogFile(Output):
    """One file and its predecessors, `NAME-<time><.ending>`. `tidy` is told to run what takes long, in another thread."""

    def __init__(
        self, path: Path, rotation: Rotation, clock: Clock, tidy: Callable[[Callable[[], None]], None]
    ) -> None:
        """Opens the file. Raises OSError."""
        self._path, self._rotation, self._clock, self._tidy = path, rotation, clock, tidy
        self._file = -1
        self._size, self._most = 0, rotation.size
        self._open()

    def _open(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
        self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._size = os.fstat(self._file).st_size

    def write(self, lines: bytes) -> None:
        size = self._size + len(lines)
        if size > self._most and self._size:
            self._rotate()
            size = len(lines)
        if self._file < 0:
            self._open()
        try:
            done = os.write(self._file, lines)
            if done < len(lines):
                _write_all(self._file, lines[done:])
        except OSError:
            # No half lines: whoever reads the file reads JSON.
            os.ftruncate(self._file, self._size)
            raise
        self._size = size

    def _rotate(self) -> None:
        moment = self._clock.now().astimezone(UTC)
        stamp = f"{moment.strftime(_STAMP_FORMAT)}.{moment.microsecond // 1000:03d}"
        old = self._path.with_name(f"{self._path.stem}-{stamp}{self._path.suffix}")
        self.close()
        if self._path.exists():
            self._path.rename(old)
        self._open()
        now = moment
        self._tidy(lambda: tidy(self._path, self._rotation, now))

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def _write_all(file: int, lines: bytes) -> None:
    done = os.write(file, lines)
    while done < len(lines):
        done += os.write(file, memoryview(lines)[done:])


def tidy(path: Path, rotation: Rotation, now: datetime) -> None:
    """Remove and compress the predecessors of a file as they should be. What cannot be done is logged."""
    found = sorted(predecessors(path), reverse=True)
    oldest = now - timedelta(days=rotation.days) if rotation.days else None
    for place, (moment, old) in enumerate(found):
        try:
            if (rotation.backups and place >= rotation.backups) or (oldest is not None and moment < oldest):
                old.unlink()
            elif rotation.compress and old.suffix != ".gz":
                _compress(old)
        except OSError as error:
            log.error("old audit log %s: %s", old, error.strerror)


def predecessors(path: Path) -> list[tuple[datetime, Path]]:
    """The files that were this one before, with the time of their end."""
    found = []
    for old in path.parent.glob(f"{path.stem}-*"):
        name = old.name.removesuffix(".gz")
        stamp = _STAMP.search(name.removesuffix(path.suffix))
        if stamp is not None and name.endswith(path.suffix) and name.startswith(path.stem + "-"):
            seconds, _, thousandths = stamp[1].rpartition(".")
            moment = datetime.strptime(seconds, _STAMP_FORMAT).replace(tzinfo=UTC)
            found.append((moment + timedelta(milliseconds=int(thousandths)), old))
    return found


def _compress(old: Path) -> None:
    packed = old.with_name(old.name + ".gz.tmp")
    file = os.open(packed, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with (
        old.open("rb") as source,
        open(file, "wb") as raw,
        gzip.GzipFile(filename="", mode="wb", fileobj=raw) as target,
    ):
        shutil.copyfileobj(source, target)
    packed.rename(old.with_name(old.name + ".gz"))
    old.unlink()
