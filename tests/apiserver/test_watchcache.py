"""The watch cache over a real store in memory: reads, watches, resuming, bookmarks, and what is too old or too slow."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from steersman import store as stores
from steersman.api import fields, labels
from steersman.api.clock import FakeClock
from steersman.api.errors import Expired, Timeout
from steersman.api.meta import Resource
from steersman.apiserver import watchcache
from steersman.apiserver.cached import Cached, Described
from steersman.apiserver.watchcache import WatchCache
from steersman.apiserver.watchstream import WatchStream
from steersman.store import Store

PODS = Resource("", "v1", "pods", "Pod", True)
PREFIX = "/registry/core/pods/"


def describe(value: bytes) -> Described:
    pod = msgspec.json.decode(value)
    return pod["metadata"].get("labels", {}), {"spec.nodeName": pod["spec"].get("nodeName", "")}


def encoded(name: str, app: str = "a", node: str = "") -> bytes:
    return msgspec.json.encode(
        {
            "kind": "Pod",
            "apiVersion": "v1",
            "metadata": {"name": name, "labels": {"app": app}},
            "spec": {"nodeName": node},
        }
    )


class World:
    """A store with a cache over its pods, and short ways to change and read them."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.store: Store = stores.open("memory://", self.clock)
        self.cache = WatchCache(self.store, PREFIX, describe, self.clock, resource=PODS)

    async def put(self, path: str, app: str = "a", node: str = "") -> int:
        """Creates or updates `namespace/name`; returns the revision."""
        value = encoded(path.partition("/")[2], app, node)
        current = await self.store.get(PREFIX + path)
        if current is None:
            return (await self.store.create(PREFIX + path, value)).revision
        return (await self.store.update(PREFIX + path, value, current.revision)).revision

    async def delete(self, path: str) -> int:
        return (await self.store.delete(PREFIX + path)).revision


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = World()
    await made.cache.start()
    yield made
    made.cache.close()
    await made.store.close()


async def take(stream: WatchStream, count: int) -> list[tuple[str, str, int]]:
    """The next `count` events as (type, name, resourceVersion)."""
    return [(event["type"], _name(event), _version(event)) for event in await take_events(stream, count)]


async def take_events(stream: WatchStream, count: int) -> list[dict[str, Any]]:
    lines: list[bytes] = []
    while len(lines) < count:
        lines += await asyncio.wait_for(anext(stream), 60)
    assert len(lines) == count
    assert all(line.endswith(b"}\n") for line in lines)
    return [msgspec.json.decode(line) for line in lines]


def _name(event: dict[str, Any]) -> str:
    return str(event["object"]["metadata"].get("name", ""))


def _version(event: dict[str, Any]) -> int:
    return int(event["object"]["metadata"]["resourceVersion"])


def names(items: list[Cached]) -> list[str]:
    return [f"{item.namespace}/{item.name}" for item in items]


# Reads.


async def test_a_write_is_visible_before_it_is_answered(world: World) -> None:
    revision = await world.put("d/x")
    found = world.cache.get("d", "x")
    assert found is not None
    assert (found.revision, world.cache.revision) == (revision, revision)
    assert f'"resourceVersion":"{revision}"'.encode() in found.body
    entry = await world.store.get(PREFIX + "d/x")
    assert entry is not None
    assert found.value is entry.value
    await world.delete("d/x")
    assert world.cache.get("d", "x") is None


async def test_what_was_there_before(world: World) -> None:
    await world.put("d/x")
    later = WatchCache(world.store, PREFIX, describe, world.clock, resource=PODS)
    assert not later.ready
    await later.start()
    await later.start()
    assert later.ready
    assert names(later.list()) == ["d/x"]
    later.close()


async def test_list(world: World) -> None:
    for path in ("d/y", "d-e/x", "d/x", "e/x"):
        await world.put(path, app=path[0], node="n" + path[-1])
    assert names(world.cache.list()) == ["d-e/x", "d/x", "d/y", "e/x"]
    assert names(world.cache.list("d")) == ["d/x", "d/y"]
    assert names(world.cache.list("", labels.parse("app=e"))) == ["e/x"]
    assert names(world.cache.list("d", None, fields.parse("spec.nodeName=nx"))) == ["d/x"]
    assert names(world.cache.list("d", None, fields.parse("metadata.name=y"))) == ["d/y"]
    assert names(world.cache.list("d", labels.parse("app=e"), fields.parse("metadata.name=y"))) == []
    assert names(world.cache.list("", None, fields.parse("metadata.name=x"))) == ["d-e/x", "d/x", "e/x"]
    assert names(world.cache.list("", None, fields.parse("metadata.name=x,metadata.namespace=d"))) == ["d/x"]
    assert names(world.cache.list("none")) == []
    assert (world.cache.count(), world.cache.count("d")) == (4, 2)


async def test_without_namespaces(world: World) -> None:
    nodes = WatchCache(
        world.store, "/registry/core/nodes/", describe, world.clock, resource=Resource("", "v1", "nodes", "Node", False)
    )
    await nodes.start()
    await world.store.create("/registry/core/nodes/n1", encoded("n1"))
    found = nodes.get("", "n1")
    assert found is not None
    assert (found.namespace, found.name) == ("", "n1")
    assert [n.name for n in nodes.list("", None, fields.parse("metadata.name=n1"))] == ["n1"]
    nodes.close()


@pytest.mark.parametrize("selector", ["", "app=a"])
async def test_pages_stay_at_one_revision(world: World, selector: str) -> None:
    for i in range(7):
        await world.put(f"d/{i}", app="b" if i % 2 and selector else "a")
    whole = world.cache.list("d", labels.parse(selector))
    page = await world.cache.page("d", labels.parse(selector), limit=2)
    items, revision = page.items, page.revision
    for i in range(7):
        await world.delete(f"d/{i}")
    while page.after:
        page = await world.cache.page("d", labels.parse(selector), revision=revision, after=page.after, limit=2)
        assert page.revision == revision
        items += page.items
    assert [(item.key, item.revision, item.body) for item in items] == [(c.key, c.revision, c.body) for c in whole]


async def test_pages_say_how_many_remain(world: World) -> None:
    for i in range(5):
        await world.put(f"d/{i}")
    first = await world.cache.page("d", limit=2)
    assert (first.after, first.remaining) == (PREFIX + "d/1", 3)
    await world.put("d/9")
    second = await world.cache.page("d", revision=first.revision, after=first.after, limit=2)
    assert (second.after, second.remaining) == (PREFIX + "d/3", 1)
    last = await world.cache.page("d", revision=first.revision, after=second.after, limit=2)
    assert (names(last.items), last.after, last.remaining) == (["d/4"], "", 0)
    everything = await world.cache.page("d", after=PREFIX + "d/4")
    assert (names(everything.items), everything.after) == (["d/9"], "")
    selected = await world.cache.page("d", labels.parse("app=a"), limit=2)
    assert (selected.after, selected.remaining) == (PREFIX + "d/1", None)


async def test_a_forgotten_page(world: World) -> None:
    first = await world.put("d/x")
    await world.put("d/x")
    await world.store.compact(world.store.revision)
    with pytest.raises(Expired, match=f"too old resource version: {first}"):
        await world.cache.page("d", revision=first)


async def test_waiting_for_a_revision(world: World) -> None:
    await world.cache.wait_for(0)
    waiter = asyncio.create_task(world.cache.wait_for(world.cache.revision + 2))
    await world.put("d/x")
    assert not waiter.done()
    await world.store.create("/elsewhere/x", b"1")
    await waiter


async def test_waiting_for_a_revision_that_does_not_come(world: World) -> None:
    waiter = asyncio.create_task(world.cache.wait_for(100))
    await world.clock.advance(0)
    await world.clock.advance(3)
    with pytest.raises(Timeout, match="Too large resource version: 100, current: 1"):
        await waiter


# Watches.


async def test_watch_from_now(world: World) -> None:
    await world.put("d/old")
    stream = world.cache.watch("d", after=world.cache.revision)
    added = await world.put("d/x")
    await world.put("e/x")
    modified = await world.put("d/x")
    deleted = await world.delete("d/x")
    assert await take(stream, 3) == [("ADDED", "x", added), ("MODIFIED", "x", modified), ("DELETED", "x", deleted)]
    stream.close()


@pytest.mark.parametrize("after", [None, 0])
async def test_watch_with_the_present(world: World, after: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchcache, "BATCH", 2)
    revisions = [await world.put(f"d/{i}") for i in range(3)]
    stream = world.cache.watch("", after=after, initial_bookmark=True)
    modified = await world.put("d/0")
    events = await take_events(stream, 5)
    told = [(event["type"], _name(event), _version(event)) for event in events]
    assert told[:3] == [("ADDED", str(i), revision) for i, revision in enumerate(revisions)]
    assert told[3:] == [("BOOKMARK", "", revisions[-1]), ("MODIFIED", "0", modified)]
    assert events[3]["object"] == {
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": {
            "resourceVersion": str(revisions[-1]),
            "annotations": {"k8s.io/initial-events-end": "true"},
        },
    }
    stream.close()


async def test_objects_enter_and_leave_a_selection(world: World) -> None:
    stream = world.cache.watch("d", labels.parse("app=a"), after=world.cache.revision)
    await world.put("d/x", app="b")
    entered = await world.put("d/x", app="a")
    left = await world.put("d/x", app="b")
    await world.delete("d/x")
    events = await take_events(stream, 2)
    assert [(event["type"], _version(event)) for event in events] == [("ADDED", entered), ("DELETED", left)]
    assert events[1]["object"]["metadata"]["labels"] == {"app": "a"}
    stream.close()


async def test_a_kubelet_watches_its_pods(world: World) -> None:
    mine = world.cache.watch("", None, fields.parse("spec.nodeName=n1"), after=1)
    other = world.cache.watch("", None, fields.parse("spec.nodeName=n2"), after=1)
    await world.put("d/x")
    bound = await world.put("d/x", node="n1")
    await world.put("d/y", node="n2")
    moved = await world.put("d/x", node="n2")
    assert await take(mine, 2) == [("ADDED", "x", bound), ("DELETED", "x", moved)]
    assert [name for _, name, _ in await take(other, 2)] == ["y", "x"]
    mine.close()
    other.close()


@pytest.mark.parametrize("window", [1000, 2], ids=["from memory", "from the store"])
async def test_resuming(world: World, window: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchcache, "WINDOW", window)
    monkeypatch.setattr(watchcache, "BATCH", 2)
    start = await world.put("d/0", app="b")
    created = [await world.put(f"d/{i}", app="a" if i % 2 else "b") for i in range(1, 8)]
    entered = await world.put("d/0", app="a")
    gone = await world.delete("d/1")
    stream = world.cache.watch("d", labels.parse("app=a"), after=start)
    late = await world.put("d/9")
    assert await take(stream, 7) == [
        *(("ADDED", str(i), created[i - 1]) for i in (1, 3, 5, 7)),
        ("ADDED", "0", entered),
        ("DELETED", "1", gone),
        ("ADDED", "9", late),
    ]
    stream.close()


async def test_resuming_from_what_is_forgotten(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchcache, "WINDOW", 1)
    for _ in range(5):
        await world.put("d/x")
    await world.store.compact(world.store.revision - 1)
    stream = world.cache.watch("d", after=2)
    (event,) = await take_events(stream, 1)
    assert event["type"] == "ERROR"
    assert (event["object"]["code"], event["object"]["reason"]) == (410, "Expired")
    assert event["object"]["message"] == "too old resource version: 2 (5)"
    assert [batch async for batch in stream] == []


async def test_a_watch_from_the_future_waits_for_it(world: World) -> None:
    stream = world.cache.watch("d", after=world.cache.revision + 2)
    await world.put("d/x")
    await world.put("d/x")
    third = await world.put("d/x")
    assert await take(stream, 1) == [("MODIFIED", "x", third)]
    stream.close()


async def test_bookmarks(world: World) -> None:
    running = asyncio.create_task(world.cache.run())
    asked = world.cache.watch("d", labels.parse("app=a"), after=1, bookmarks=True)
    other = world.cache.watch("d", after=1)
    await world.clock.advance(0)
    await world.store.create("/elsewhere/x", b"1")
    await world.clock.advance(60)
    added = await world.put("d/x")
    assert await take(asked, 2) == [("BOOKMARK", "", 2), ("ADDED", "x", added)]
    assert await take(other, 1) == [("ADDED", "x", added)]
    running.cancel()
    await asyncio.wait([running])
    assert [batch async for batch in asked] == []


async def test_events_are_encoded_once(world: World) -> None:
    calls: list[tuple[str, str]] = []

    def encode(type_: str, item: Cached) -> bytes:
        calls.append((type_, item.name))
        return type_.encode()

    streams = [world.cache.watch("d", after=1, encode=encode) for _ in range(10)]
    streams += [world.cache.watch("", labels.parse("app"), after=1, encode=encode) for _ in range(10)]
    await world.put("d/x")
    assert calls == [("ADDED", "x")]
    batches = [await anext(stream) for stream in streams]
    assert batches == [[b"ADDED"]] * 20
    assert all(batch[0] is batches[0][0] for batch in batches)
    for stream in streams:
        stream.close()


async def test_a_slow_watcher_is_cut_off(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchcache, "STREAM_LIMIT", 3)
    slow = world.cache.watch("d", after=1)
    quick = world.cache.watch("d", after=1)
    for _ in range(4):
        await world.put("d/x")
        await anext(quick)
    assert slow.overflowed
    assert [batch async for batch in slow] == []
    assert not quick.overflowed
    quick.close()


async def test_closing_wakes_the_reader(world: World) -> None:
    stream = world.cache.watch("d", after=1)
    reader = asyncio.create_task(_all(stream))
    await asyncio.sleep(0)
    world.cache.close()
    assert await reader == []


async def _all(stream: WatchStream) -> list[list[bytes]]:
    return [batch async for batch in stream]


async def test_a_fault_in_an_encoder_ends_the_watches_only(world: World, caplog: pytest.LogCaptureFixture) -> None:
    def faulty(_: str, item: Cached) -> bytes:
        raise ValueError(item.name)

    stream = world.cache.watch("d", after=1, encode=faulty)
    revision = await world.put("d/x")
    assert [batch async for batch in stream] == []
    assert "cannot be told" in caplog.text
    assert await world.put("d/x") == revision + 1


async def test_writes_while_the_cache_starts() -> None:
    world = World()
    await world.put("d/x")
    start = asyncio.create_task(world.cache.start())
    writes = [asyncio.create_task(world.put(f"d/{i}")) for i in range(20)]
    await asyncio.gather(start, *writes)
    await world.cache.wait_ready()
    assert len(world.cache.list("d")) == 21
    world.cache.close()
    await world.store.close()
