"""The audit log file: appending, rotation, what is kept, and what happens when it cannot be written."""

from __future__ import annotations

import errno
import gzip
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from steersman.api.clock import FakeClock
from steersman.apiserver.audit import logfile
from steersman.apiserver.audit.logfile import LogFile, Rotation, predecessors, tidy

NOON = datetime(2027, 1, 15, 12, tzinfo=UTC)


def opened(path: Path, rotation: Rotation, clock: FakeClock) -> LogFile:
    return LogFile(path, rotation, clock, lambda work: work())


def test_lines_are_appended_and_the_file_is_private(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "audit.log"
    for line in (b"one\n", b"two\n"):
        file = opened(path, Rotation(), FakeClock())
        file.write(line)
        file.close()
    assert path.read_bytes() == b"one\ntwo\n"
    assert path.stat().st_mode & 0o777 == 0o600


async def test_a_large_file_becomes_an_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logfile, "MEGABYTE", 100)
    clock = FakeClock(NOON.timestamp())
    path = tmp_path / "audit.log"
    file = opened(path, Rotation(megabytes=1, backups=2), clock)
    for number in range(5):
        file.write(b"%d" % number * 60 + b"\n")
        await clock.advance(1.5)
    file.close()
    assert path.read_bytes() == b"4" * 60 + b"\n"
    assert sorted(os.listdir(tmp_path)) == [
        "audit-2027-01-15T12-00-04.500.log",
        "audit-2027-01-15T12-00-06.000.log",
        "audit.log",
    ]


def test_a_line_larger_than_the_limit_is_written_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logfile, "MEGABYTE", 10)
    file = opened(tmp_path / "a.log", Rotation(megabytes=1), FakeClock())
    file.write(b"x" * 50 + b"\n")
    file.close()
    assert len((tmp_path / "a.log").read_bytes()) == 51


def test_old_files_are_compressed_and_removed(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    for days in range(6):
        moment = NOON - timedelta(days=days)
        (tmp_path / f"audit-{moment:%Y-%m-%dT%H-%M-%S}.000.log").write_text(f"{days}\n")
    (tmp_path / "audit-of-something.log").write_text("other")
    (tmp_path / "auditor-2027-01-15T12-00-00.000.log").write_text("other")
    tidy(path, Rotation(days=3, compress=True), NOON)
    left = [p.name for _, p in sorted(predecessors(path))]
    assert left == [f"audit-2027-01-{day}T12-00-00.000.log.gz" for day in (12, 13, 14, 15)]
    assert gzip.decompress((tmp_path / left[0]).read_bytes()) == b"3\n"
    assert (tmp_path / left[0]).stat().st_mode & 0o777 == 0o600
    assert len(list(tmp_path.iterdir())) == 6
    tidy(path, Rotation(backups=1), NOON)
    assert [p.name for _, p in predecessors(path)] == left[-1:]


def test_a_full_disk_leaves_no_half_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = opened(tmp_path / "a.log", Rotation(), FakeClock())
    file.write(b"whole\n")
    write: Callable[..., int] = os.write

    def some(number: int, data: bytes) -> int:
        if len(data) < 6:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(number, bytes(data)[:4])

    monkeypatch.setattr(os, "write", some)
    with pytest.raises(OSError, match="No space"):
        file.write(b"halfway\n")
    monkeypatch.undo()
    file.write(b"again\n")
    file.close()
    assert (tmp_path / "a.log").read_bytes() == b"whole\nagain\n"
