"""What every store must do, whatever it keeps its data in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from steersman.store import (
    Compacted,
    Entry,
    Event,
    EventType,
    FutureRevision,
    KeyExists,
    KeyNotFound,
    RevisionMismatch,
    Store,
    StoreClosed,
    Watch,
    WatchOverflow,
)

Opener = Callable[[], Store]


@pytest.fixture
async def store(opener: Opener) -> AsyncIterator[Store]:
    opened = opener()
    yield opened
    await opened.close()


@asynccontextmanager
async def watching(store: Store, prefix: str, after: int) -> AsyncIterator[Watch]:
    watch = store.watch(prefix, after)
    yield watch
    watch.close()


async def take(watch: Watch, count: int) -> list[Event]:
    """Exactly the next `count` events."""
    events: list[Event] = []
    while len(events) < count:
        events += await asyncio.wait_for(anext(watch), 60)
    assert len(events) == count
    return events


async def keys(store: Store, prefix: str = "/a/", **options: int) -> list[str]:
    return [entry.key for entry in (await store.list(prefix, **options)).entries]


async def test_new_store_is_at_revision_one(store: Store) -> None:
    assert store.revision == 1
    assert await store.get("/a/x") is None
    listing = await store.list("/a/")
    assert (listing.entries, listing.revision, listing.more) == ([], 1, False)


async def test_create_get_update_delete(store: Store) -> None:
    created = await store.create("/a/x", b"1")
    assert created == Entry("/a/x", b"1", 2, 2)
    assert await store.get("/a/x") == created
    updated = await store.update("/a/x", b"2", 2)
    assert updated == Entry("/a/x", b"2", 3, 2)
    deleted = await store.delete("/a/x", 3)
    assert deleted == Entry("/a/x", b"2", 4, 2)
    assert await store.get("/a/x") is None
    assert store.revision == 4
    again = await store.create("/a/x", b"3")
    assert again == Entry("/a/x", b"3", 5, 5)


async def test_value_is_shared_and_not_copied(store: Store) -> None:
    value = b"some bytes"
    async with watching(store, "/a/", 1) as watch:
        created = await store.create("/a/x", value)
        entry = await store.get("/a/x")
        (event,) = await take(watch, 1)
    assert entry is not None
    assert created.value is value
    assert entry.value is value
    assert event.value is value


async def test_create_of_what_exists(store: Store) -> None:
    created = await store.create("/a/x", b"1")
    with pytest.raises(KeyExists) as caught:
        await store.create("/a/x", b"2")
    assert caught.value.current == created
    assert store.revision == created.revision


async def test_update_at_another_revision(store: Store) -> None:
    created = await store.create("/a/x", b"1")
    with pytest.raises(RevisionMismatch) as caught:
        await store.update("/a/x", b"2", 1)
    assert caught.value.current == created
    with pytest.raises(RevisionMismatch):
        await store.delete("/a/x", 1)


@pytest.mark.parametrize("expected", [7, None])
async def test_what_is_absent_cannot_be_replaced(store: Store, expected: int | None) -> None:
    with pytest.raises(KeyNotFound) as caught:
        await store.delete("/a/x", expected)
    assert caught.value.current is None
    with pytest.raises(KeyNotFound):
        await store.update("/a/x", b"1", 7)


async def test_delete_of_any_revision(store: Store) -> None:
    created = await store.create("/a/x", b"1")
    assert (await store.delete("/a/x")).value == created.value


async def test_empty_values_are_refused(store: Store) -> None:
    with pytest.raises(ValueError, match="empty"):
        await store.create("/a/x", b"")
    created = await store.create("/a/x", b"1")
    with pytest.raises(ValueError, match="empty"):
        await store.update("/a/x", b"", created.revision)


async def test_one_of_many_creates_wins(store: Store) -> None:
    results = await asyncio.gather(*(store.create("/a/x", b"%d" % i) for i in range(20)), return_exceptions=True)
    assert sum(isinstance(result, Entry) for result in results) == 1
    assert sum(isinstance(result, KeyExists) for result in results) == 19
    assert store.revision == 2


async def test_one_of_many_updates_wins(store: Store) -> None:
    created = await store.create("/a/x", b"1")
    results = await asyncio.gather(
        *(store.update("/a/x", b"%d" % i, created.revision) for i in range(20)), return_exceptions=True
    )
    (won,) = [result for result in results if isinstance(result, Entry)]
    lost = [result for result in results if isinstance(result, RevisionMismatch)]
    assert len(lost) == 19
    assert {error.current for error in lost if error.current} == {won}
    assert await store.get("/a/x") == won


async def test_writes_follow_on_writes_that_are_not_durable(store: Store) -> None:
    created = await store.create("/a/x", b"1")
    deletion = asyncio.create_task(store.delete("/a/x"))
    creation = asyncio.create_task(store.create("/a/x", b"2"))
    second_deletion = asyncio.create_task(store.delete("/a/x"))
    assert (await deletion).revision == created.revision + 1
    assert (await creation).revision == created.revision + 2
    assert (await second_deletion).revision == created.revision + 3
    assert await store.get("/a/x") is None


async def test_cancelled_write_happens_or_not(store: Store) -> None:
    task = asyncio.create_task(store.create("/a/x", b"1"))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await store.create("/a/y", b"2")
    entry = await store.get("/a/x")
    assert entry is None or entry.value == b"1"


async def test_list_is_sorted_and_stays_in_its_folder(store: Store) -> None:
    for key in ("/a/y", "/a/x", "/a-b/x", "/a/x/z", "/ab", "/b/x", "/a/é", "/a/𐍈", "/a/￿"):
        await store.create(key, b"1")
    assert await keys(store) == ["/a/x", "/a/x/z", "/a/y", "/a/é", "/a/￿", "/a/𐍈"]
    assert await keys(store, "/a/x/") == ["/a/x/z"]
    assert len(await keys(store, "")) == 9


async def test_prefix_must_be_a_folder(store: Store) -> None:
    with pytest.raises(ValueError, match="does not end with"):
        await store.list("/a")
    with pytest.raises(ValueError, match="does not end with"):
        store.watch("/a", 1)
    with pytest.raises(ValueError, match="does not end with"):
        store.observe("/a", lambda _: None)


async def test_pages(store: Store) -> None:
    for i in range(5):
        await store.create(f"/a/{i}", b"1")
    first = await store.list("/a/", limit=2)
    assert ([e.key for e in first.entries], first.more, first.remaining) == (["/a/0", "/a/1"], True, 3)
    last = await store.list("/a/", limit=3, after="/a/1")
    assert ([e.key for e in last.entries], last.more, last.remaining) == (["/a/2", "/a/3", "/a/4"], False, 0)


async def test_pages_at_an_old_revision_are_consistent(store: Store) -> None:
    entries = [await store.create(f"/a/{i}", b"old") for i in range(6)]
    first = await store.list("/a/", limit=2)
    await store.delete("/a/3")
    await store.update("/a/4", b"new", entries[4].revision)
    await store.create("/a/21", b"new")
    await store.delete("/a/4")
    await store.create("/a/3", b"new")
    second = await store.list("/a/", revision=first.revision, after="/a/1", limit=2)
    assert (second.entries, second.more, second.remaining) == (entries[2:4], True, 2)
    assert second.revision == first.revision
    third = await store.list("/a/", revision=first.revision, after="/a/3", limit=2)
    assert (third.entries, third.more, third.remaining) == (entries[4:], False, 0)


async def test_get_at_an_old_revision(store: Store) -> None:
    created = await store.create("/a/x", b"1")
    updated = await store.update("/a/x", b"2", created.revision)
    deleted = await store.delete("/a/x")
    await store.create("/a/x/y", b"3")
    assert await store.get("/a/x", 1) is None
    assert await store.get("/a/x", created.revision) == created
    assert await store.get("/a/x", updated.revision) == updated
    assert await store.get("/a/x", deleted.revision) is None


async def test_future_revisions(store: Store) -> None:
    with pytest.raises(FutureRevision):
        await store.list("/a/", revision=2)
    with pytest.raises(FutureRevision):
        await store.get("/a/x", 2)
    with pytest.raises(FutureRevision):
        store.watch("/a/", 2)
    with pytest.raises(FutureRevision):
        await store.compact(2)


async def test_watch_from_now(store: Store) -> None:
    async with watching(store, "/a/", store.revision) as watch:
        await store.create("/a/x", b"1")
        await store.create("/b/x", b"1")
        await store.update("/a/x", b"2", 2)
        await store.delete("/a/x")
        events = await take(watch, 3)
    assert events == [
        Event("/a/x", 2, b"1", None, 0),
        Event("/a/x", 4, b"2", b"1", 2),
        Event("/a/x", 5, b"", b"2", 4),
    ]
    assert [event.type for event in events] == [EventType.CREATE, EventType.UPDATE, EventType.DELETE]


async def test_watch_from_history(store: Store) -> None:
    for i in range(10):
        await store.create(f"/a/{i}", b"1")
        await store.create(f"/b/{i}", b"1")
    await store.delete("/a/9")
    async with watching(store, "/a/", 3) as watch:
        await store.create("/a/new", b"1")
        events = await take(watch, 11)
    assert [event.key for event in events] == [f"/a/{i}" for i in range(1, 10)] + ["/a/9", "/a/new"]
    assert events[-2].previous == b"1"


async def test_a_turn_of_writes_is_one_batch(store: Store) -> None:
    async with watching(store, "", store.revision) as watch:
        await asyncio.gather(*(store.create(f"/a/{i}", b"1") for i in range(5)))
        assert len(await anext(watch)) == 5


async def test_closing_ends_a_watch(store: Store) -> None:
    watch = store.watch("/a/", 1)
    reader = asyncio.create_task(anext(watch, None))  # type: ignore[call-overload]
    await asyncio.sleep(0)
    watch.close()
    watch.close()
    assert await reader is None
    await store.create("/a/x", b"1")
    assert [batch async for batch in watch] == []


async def test_a_cancelled_reader_loses_nothing(store: Store) -> None:
    async with watching(store, "/a/", 1) as watch:
        reader = asyncio.ensure_future(anext(watch))
        await asyncio.sleep(0)
        reader.cancel()
        await asyncio.wait([reader])
        await store.create("/a/x", b"1")
        assert len(await take(watch, 1)) == 1


async def test_slow_watch_is_closed(store: Store) -> None:
    watch = store.watch("/a/", 1)
    other = store.watch("/a/", 1)
    for i in range(60):
        await store.create(f"/a/{i}", b"1")
        await anext(other)
    with pytest.raises(WatchOverflow):
        await anext(watch)
    other.close()


async def test_observers_are_told_before_the_caller(store: Store) -> None:
    seen: list[tuple[int, int]] = []
    cancel = store.observe("/a/", lambda events: seen.extend((e.revision, store.revision) for e in events))
    for i in range(3):
        await store.create(f"/a/{i}", b"1")
        await store.create(f"/b/{i}", b"1")
        assert seen[-1] == (store.revision - 1, store.revision - 1)
    cancel()
    cancel()
    await store.create("/a/x", b"1")
    assert len(seen) == 3


async def test_compaction(store: Store) -> None:
    first = await store.create("/a/x", b"1")
    await store.create("/a/gone", b"1")
    second = await store.update("/a/x", b"2", first.revision)
    deleted = await store.delete("/a/gone")
    third = await store.update("/a/x", b"3", second.revision)
    await store.compact(deleted.revision)
    await store.compact(first.revision)
    assert store.compacted == deleted.revision
    with pytest.raises(Compacted) as caught:
        await store.list("/a/", revision=second.revision)
    assert caught.value.compacted == deleted.revision
    with pytest.raises(Compacted):
        await store.get("/a/x", first.revision)
    with pytest.raises(Compacted):
        store.watch("/a/", second.revision)
    assert (await store.list("/a/", revision=deleted.revision)).entries == [second]
    assert (await store.list("/a/")).entries == [third]
    async with watching(store, "/a/", deleted.revision) as watch:
        assert await take(watch, 1) == [Event("/a/x", third.revision, b"3", b"2", second.revision)]


async def test_compaction_during_a_replay(store: Store) -> None:
    for i in range(10):
        await store.create(f"/a/{i}", b"1")
    watch = store.watch("/a/", 1)
    assert len(await anext(watch)) == 3
    await store.compact(store.revision)
    with pytest.raises(Compacted):
        await anext(watch)


async def test_restart(opener: Opener) -> None:
    store = opener()
    first = await store.create("/a/x", b"1")
    second = await store.update("/a/x", b"2", first.revision)
    await store.create("/a/y", b"1")
    deleted = await store.delete("/a/y")
    await store.close()
    store = opener()
    assert store.revision == deleted.revision
    assert (await store.list("/a/")).entries == [second]
    assert await store.get("/a/x", first.revision) == first
    async with watching(store, "/a/", first.revision) as watch:
        assert [event.revision for event in await take(watch, 3)] == [3, 4, 5]
    assert (await store.create("/a/y", b"2")).revision == deleted.revision + 1
    await store.close()


async def test_revisions_go_on_after_everything_was_compacted(opener: Opener) -> None:
    store = opener()
    await store.create("/a/x", b"1")
    deleted = await store.delete("/a/x")
    await store.compact(deleted.revision)
    await store.close()
    store = opener()
    assert (store.revision, store.compacted) == (deleted.revision, deleted.revision)
    await store.close()


async def test_close(opener: Opener) -> None:
    store = opener()
    watch = store.watch("/a/", 1)
    write = asyncio.create_task(store.create("/a/x", b"1"))
    await asyncio.sleep(0)
    await store.close()
    await store.close()
    assert (await write).revision == 2
    with pytest.raises(StoreClosed):
        await anext(watch)
    with pytest.raises(StoreClosed):
        await store.create("/a/y", b"1")
    with pytest.raises(StoreClosed):
        await store.list("/a/")
    with pytest.raises(StoreClosed):
        store.watch("/a/", 2)
    store = opener()
    assert await keys(store) == ["/a/x"]
    await store.close()
