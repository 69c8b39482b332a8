"""The stores that every test of the contract runs against."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from steersman.api.clock import RealClock
from steersman.store import Store, engine
from steersman.store.backends import sqlite
from steersman.store.backends.memory import MemoryJournal
from steersman.store.engine import Engine

Opener = Callable[[], Store]
"""Opens the same data each time; the store before must be closed."""


def memory_opener(_: Path) -> Opener:
    journal = MemoryJournal()
    return lambda: Engine(journal, RealClock(), watch_limit=50)


def sqlite_opener(directory: Path) -> Opener:
    return lambda: Engine(sqlite.SQLiteJournal(directory / "store.db"), RealClock(), watch_limit=50)


OPENERS: dict[str, Callable[[Path], Opener]] = {"memory": memory_opener, "sqlite": sqlite_opener}


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a handful of events crosses the borders of batches."""
    monkeypatch.setattr(engine, "REPLAY_BATCH", 3)
    monkeypatch.setattr(sqlite, "COMPACTION_STEP", 4)


@pytest.fixture(params=sorted(OPENERS))
def opener(request: pytest.FixtureRequest, tmp_path: Path) -> Opener:
    made: Opener = OPENERS[request.param](tmp_path)
    return made


@pytest.fixture(params=sorted(OPENERS))
def make_opener(request: pytest.FixtureRequest) -> Callable[[Path], Opener]:
    """For tests that need a new store for each example."""
    return OPENERS[request.param]
