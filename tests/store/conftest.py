"""The stores that every test of the contract runs against."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from steersman.api.clock import RealClock
from steersman.apiserver.encryption.providers import Keyed
from steersman.store import Store, engine
from steersman.store.backends import sqlite
from steersman.store.backends.memory import MemoryJournal
from steersman.store.engine import Engine
from steersman.store.sealing import Origin

Opener = Callable[[], Store]
"""Opens the same data each time; the store before must be closed."""


def memory_opener(_: Path) -> Opener:
    journal = MemoryJournal()
    return lambda: Engine(journal, RealClock(), watch_limit=50)


def sqlite_opener(directory: Path) -> Opener:
    return lambda: Engine(sqlite.SQLiteJournal(directory / "store.db"), RealClock(), watch_limit=50)


class AllSealed:
    """Encrypts whatever is stored."""

    active = True
    _provider = Keyed("aesgcm", [("key1", bytes(32))])

    def seal(self, key: str, value: bytes) -> tuple[bytes, Origin]:
        return self._provider.seal(key, value)

    def open(self, key: str, stored: bytes) -> tuple[bytes, Origin]:
        return self._provider.open(key, stored)

    def current(self, key: str) -> Origin:
        return self._provider.origin


def sealed_opener(directory: Path) -> Opener:
    def opened() -> Store:
        journal = sqlite.SQLiteJournal(directory / "sealed.db", secure=True)
        return Engine(journal, RealClock(), watch_limit=50, sealing=AllSealed())

    return opened


OPENERS: dict[str, Callable[[Path], Opener]] = {
    "memory": memory_opener,
    "sealed": sealed_opener,
    "sqlite": sqlite_opener,
}


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
