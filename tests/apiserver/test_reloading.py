"""A configuration that changes is taken over when it is good; a mistake leaves the one before."""

import asyncio
from pathlib import Path

import pytest

from steersman.api.clock import FakeClock
from steersman.api.configuration import ConfigurationError
from steersman.apiserver.reloading import Reloading


def number(content: bytes) -> int:
    if not content.isdigit():
        raise ConfigurationError(f"{content!r} is no number")
    return int(content)


def test_the_first_reading_must_succeed(tmp_path: Path) -> None:
    file = tmp_path / "number"
    with pytest.raises(ConfigurationError, match="No such file"):
        Reloading(file, number, FakeClock())
    file.write_text("x")
    with pytest.raises(ConfigurationError, match="is no number"):
        Reloading(file, number, FakeClock())


async def test_changes(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "number"
    file.write_text("1")
    taken: list[int] = []

    async def take(value: int) -> None:
        taken.append(value)

    found = Reloading(file, number, FakeClock(), take)
    assert found.current == 1
    assert not await found.look()
    file.write_text("2")
    assert await found.look()
    assert found.current == 2
    for broken in ("x", "x"):
        file.write_text(broken)
        assert not await found.look()
    file.unlink()
    assert not await found.look()
    assert (found.current, taken, found.reloads.counts) == (2, [2], {"success": 1, "failure": 2})
    assert "stays in force" in caplog.text


async def test_run_looks_again_and_again(tmp_path: Path) -> None:
    file, clock = tmp_path / "number", FakeClock()
    file.write_text("1")
    seen = asyncio.Event()

    async def take(value: int) -> None:
        seen.set()

    found = Reloading(file, number, clock, take, interval=5.0)
    task = asyncio.create_task(found.run())
    file.write_text("7")
    while not seen.is_set():
        await clock.advance(5.0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert found.current == 7
