"""Values that are sealed in the record: what the engine keeps, what it tells, and what it does with what cannot be opened."""

from __future__ import annotations

import pytest

from steersman.api.clock import FakeClock
from steersman.store.backends.memory import MemoryJournal
from steersman.store.engine import Engine
from steersman.store.errors import WatchOverflow
from steersman.store.protocol import Event
from steersman.store.sealing import PLAIN, PREFIX, OpenFailed, Origin, Sealed, SealFailed


class Reversing:
    """Seals by reversing, under a key that is a letter; opens what it knows the letter of."""

    active = True

    def __init__(self, *letters: str) -> None:
        self.letters = letters
        self.refuses = b""

    def _origin(self, letter: str) -> Origin:
        return Origin("reversing", letter, "")

    def seal(self, key: str, value: bytes) -> tuple[bytes, Origin]:
        if value == self.refuses:
            raise SealFailed("not now")
        if not key.startswith("/s/"):
            return value, PLAIN
        return PREFIX + self.letters[0].encode() + value[::-1], self._origin(self.letters[0])

    def open(self, key: str, stored: bytes) -> tuple[bytes, Origin]:
        if not stored.startswith(PREFIX):
            return stored, PLAIN
        letter = stored[len(PREFIX) : len(PREFIX) + 1].decode()
        if letter not in self.letters:
            raise OpenFailed(f"no key {letter}")
        return stored[len(PREFIX) + 1 :][::-1], self._origin(letter)

    def current(self, key: str) -> Origin:
        return self._origin(self.letters[0]) if key.startswith("/s/") else PLAIN


def engine(journal: MemoryJournal, sealing: Reversing | None) -> Engine:
    return Engine(journal, FakeClock(), sealing=sealing)


async def test_the_record_is_sealed_and_everything_above_is_not() -> None:
    journal = MemoryJournal()
    store = engine(journal, Reversing("a"))
    seen: list[Event] = []
    store.observe("/s/", seen.extend)
    made = await store.create("/s/1", b"one")
    await store.create("/p/1", b"plain")
    changed = await store.update("/s/1", b"two", made.revision)
    await store.delete("/s/1", changed.revision)
    assert [row.value for row in journal._rows.values()] == [PREFIX + b"aeno", b"plain", PREFIX + b"aowt", None]
    assert [(event.value, event.previous) for event in seen] == [(b"one", None), (b"two", b"one"), (b"", b"two")]
    history = await store.history("", 1, store.revision, 10)
    assert [(event.value, event.previous) for event in history] == [
        (b"one", None),
        (b"plain", None),
        (b"two", b"one"),
        (b"", b"two"),
    ]
    past = await store.get("/s/1", made.revision)
    assert past is not None
    assert past.value == b"one"


async def test_origins_and_what_is_stale() -> None:
    journal = MemoryJournal()
    store = engine(journal, Reversing("a"))
    await store.create("/s/1", b"one")
    await store.create("/p/1", b"plain")
    sealing = Reversing("b", "a")
    store = engine(journal, sealing)
    assert dict(store.origins("")) == {"/s/1": Origin("reversing", "a", ""), "/p/1": PLAIN}
    assert (store.stale("/s/1"), store.stale("/p/1"), store.stale("/p/none")) == (True, False, False)
    entry = await store.get("/s/1")
    assert entry is not None
    await store.update("/s/1", entry.value, entry.revision)
    assert dict(store.origins("/s/")) == {"/s/1": Origin("reversing", "b", "")}
    assert not store.stale("/s/1")


async def test_a_value_that_cannot_be_sealed_fails_alone() -> None:
    sealing = Reversing("a")
    store = engine(MemoryJournal(), sealing)
    sealing.refuses = b"one"
    with pytest.raises(SealFailed):
        await store.create("/s/1", b"one")
    assert store.revision == 1
    assert (await store.create("/s/1", b"two")).revision == 2


async def test_what_cannot_be_opened() -> None:
    journal = MemoryJournal()
    store = engine(journal, Reversing("a"))
    made = await store.create("/s/1", b"one")
    sealing = Reversing("b")
    store = engine(journal, sealing)
    good = await store.create("/s/2", b"two")
    entry = await store.get("/s/1")
    assert entry is not None
    assert isinstance(entry.value, Sealed)
    assert (entry.value.reason, entry.revision) == ("no key a", made.revision)
    assert store.sealed == {"/s/1"}
    assert dict(store.origins("/s/")) == {"/s/1": None, "/s/2": Origin("reversing", "b", "")}
    with pytest.raises(ValueError, match="cannot be written"):
        await store.update("/s/2", entry.value, good.revision)
    watch = store.watch("/s/", store.revision)
    seen: list[Event] = []
    store.observe("/s/", seen.extend)
    assert await store.reopen() == []
    sealing.letters = ("b", "a")
    assert await store.reopen() == ["/s/1"]
    assert seen == [Event("/s/1", made.revision, b"one", None, 0)]
    assert store.sealed == frozenset()
    with pytest.raises(WatchOverflow):
        await anext(watch)
    found = await store.get("/s/1")
    assert found is not None
    assert (found.value, found.revision) == (b"one", made.revision)


async def test_what_cannot_be_opened_can_be_deleted_or_replaced() -> None:
    journal = MemoryJournal()
    store = engine(journal, Reversing("a"))
    first, second = await store.create("/s/1", b"one"), await store.create("/s/2", b"two")
    store = engine(journal, Reversing("b"))
    await store.delete("/s/1", first.revision)
    await store.update("/s/2", b"three", second.revision)
    assert store.sealed == frozenset()
    assert [key for key, _ in store.origins("/s/")] == ["/s/2"]
