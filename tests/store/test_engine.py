"""What the engine does when a commit fails or takes its time, over a journal that the test drives."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from steersman.api.clock import FakeClock
from steersman.store import CommitFailed, KeyExists, KeyNotFound, RevisionMismatch
from steersman.store.backends.memory import MemoryJournal
from steersman.store.engine import Engine
from steersman.store.journal import Done, Row
from steersman.store.protocol import Event


class SlowJournal(MemoryJournal):
    """Commits when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting: list[tuple[Sequence[Row], Done]] = []

    def commit(self, rows: Sequence[Row], done: Done) -> None:
        self.waiting.append((rows, done))

    def succeed(self) -> int:
        """Makes the waiting commit durable; returns how many rows it had."""
        ((rows, done),) = self.waiting
        self.waiting.clear()
        super().commit(rows, done)
        return len(rows)

    def fail(self) -> None:
        ((_, done),) = self.waiting
        self.waiting.clear()
        done(OSError("disk full"))


@pytest.fixture
def journal() -> SlowJournal:
    return SlowJournal()


@pytest.fixture
def store(journal: SlowJournal) -> Engine:
    return Engine(journal, FakeClock())


async def turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_nothing_is_seen_before_it_is_durable(store: Engine, journal: SlowJournal) -> None:
    seen: list[Event] = []
    store.observe("", seen.extend)
    task = asyncio.create_task(store.create("/a/x", b"1"))
    await turns()
    assert not task.done()
    assert (store.revision, seen, await store.get("/a/x"), (await store.list("")).entries) == (1, [], None, [])
    journal.succeed()
    assert store.revision == 2
    assert [event.key for event in seen] == ["/a/x"]
    assert not task.done()
    assert (await task).revision == 2


async def test_writes_that_come_during_a_commit_share_the_next(store: Engine, journal: SlowJournal) -> None:
    tasks = [asyncio.create_task(store.create("/a/0", b"1"))]
    await turns()
    for i in range(1, 6):
        tasks.append(asyncio.create_task(store.create(f"/a/{i}", b"1")))
        await turns()
    assert journal.succeed() == 1
    assert journal.succeed() == 5
    assert [entry.revision for entry in await asyncio.gather(*tasks)] == [2, 3, 4, 5, 6, 7]
    assert store.stats().commits == 2
    assert store.stats().writes == 6


async def test_a_failed_commit_never_was(store: Engine, journal: SlowJournal) -> None:
    kept = asyncio.create_task(store.create("/a/kept", b"1"))
    await turns()
    journal.succeed()
    entry = await kept
    first = asyncio.create_task(store.update("/a/kept", b"2", entry.revision))
    second = asyncio.create_task(store.create("/a/x", b"1"))
    await turns()
    third = asyncio.create_task(store.delete("/a/x"))
    await turns()
    journal.fail()
    for task in (first, second, third):
        with pytest.raises(CommitFailed, match="disk full"):
            await task
    assert (await store.list("")).entries == [entry]
    again = asyncio.create_task(store.update("/a/kept", b"3", entry.revision))
    await turns()
    journal.succeed()
    assert (await again).revision == entry.revision + 1


async def test_a_create_that_loses_to_one_that_fails_wins(store: Engine, journal: SlowJournal) -> None:
    first = asyncio.create_task(store.create("/a/x", b"1"))
    await turns()
    second = asyncio.create_task(store.create("/a/x", b"2"))
    await turns()
    assert not second.done()
    journal.fail()
    with pytest.raises(CommitFailed):
        await first
    await turns()
    journal.succeed()
    assert (await second).value == b"2"


async def test_losers_are_told_when_the_winner_is_durable(store: Engine, journal: SlowJournal) -> None:
    creation = asyncio.create_task(store.create("/a/x", b"1"))
    await turns()
    journal.succeed()
    entry = await creation
    winner = asyncio.create_task(store.update("/a/x", b"2", entry.revision))
    loser = asyncio.create_task(store.update("/a/x", b"3", entry.revision))
    stale = asyncio.create_task(store.update("/a/x", b"3", 1))
    await turns()
    assert not loser.done()
    with pytest.raises(RevisionMismatch) as caught:
        await stale
    assert caught.value.current == entry
    journal.succeed()
    with pytest.raises(RevisionMismatch) as caught:
        await loser
    assert caught.value.current == await winner


async def test_a_second_delete_waits_for_the_first(store: Engine, journal: SlowJournal) -> None:
    creation = asyncio.create_task(store.create("/a/x", b"1"))
    await turns()
    journal.succeed()
    await creation
    first = asyncio.create_task(store.delete("/a/x"))
    second = asyncio.create_task(store.delete("/a/x"))
    await turns()
    assert not second.done()
    journal.succeed()
    await first
    with pytest.raises(KeyNotFound):
        await second


async def test_a_cancelled_caller_does_not_undo_its_write(store: Engine, journal: SlowJournal) -> None:
    task = asyncio.create_task(store.create("/a/x", b"1"))
    await turns()
    waiting = asyncio.create_task(store.create("/a/x", b"2"))
    await turns()
    task.cancel()
    await asyncio.wait([task])
    assert not waiting.done()
    journal.succeed()
    with pytest.raises(KeyExists):
        await waiting
    assert await store.get("/a/x") is not None


async def test_closing_waits_for_accepted_writes(store: Engine, journal: SlowJournal) -> None:
    write = asyncio.create_task(store.create("/a/x", b"1"))
    await turns()
    closing = asyncio.create_task(store.close())
    await turns()
    assert not closing.done()
    journal.succeed()
    await closing
    assert (await write).revision == 2


async def test_an_observer_that_raises_takes_no_write_with_it(store: Engine, journal: SlowJournal) -> None:
    def faulty(_: Sequence[Event]) -> None:
        raise ValueError("observer")

    store.observe("", faulty)
    first = asyncio.create_task(store.create("/a/x", b"1"))
    await turns()
    second = asyncio.create_task(store.create("/a/y", b"1"))
    await turns()
    with pytest.raises(ValueError, match="observer"):
        journal.succeed()
    with pytest.raises(ValueError, match="observer"):
        journal.succeed()
    assert [(await first).revision, (await second).revision] == [2, 3]
