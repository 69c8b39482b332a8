"""A stream's queue is bounded in lines and in bytes; a client that does not read is cut off."""

from __future__ import annotations

import asyncio

import pytest
from tests.apiserver.conftest import MAPS, Api, config_map

from steersman.apiserver import watchstream
from steersman.apiserver.watchstream import MOST_TOGETHER, Batches, Beginning, WatchStream


def stream(limit: int = 10_000, beginning: Beginning | None = None) -> WatchStream:
    return WatchStream(bookmarks=False, after=0, limit=limit, beginning=beginning, closed=lambda: None)


def test_too_many_lines() -> None:
    found, told = stream(limit=700), []
    found.when_overflowed(lambda: told.append(1))
    for _ in range(700):
        found.offer(b"x", 1)
    assert not found.overflowed
    found.offer(b"x", 1)
    found.offer(b"x", 1)
    assert found.overflowed
    assert told == [1]


def test_too_many_bytes() -> None:
    found, line = stream(), b"x" * (watchstream.MOST_BYTES // 1000)
    count = 0
    while not found.overflowed:
        found.offer(line, 1)
        count += 1
    assert 1000 < count <= 2049


async def test_a_long_queue_is_read() -> None:
    found = stream()
    for _ in range(5000):
        found.offer(b"x", 1)
    assert len(await anext(found)) == 5000
    assert not found.overflowed


async def test_begun() -> None:
    batches = iter([[b"a"], None])

    async def beginning() -> list[bytes] | None:
        return next(batches)

    found, told = stream(beginning=beginning), []
    assert found.when_begun(lambda: told.append("begun"))
    found.offer(b"b", 1)
    assert told == []
    assert await anext(found) == [b"a"]
    assert told == ["begun"]
    assert await anext(found) == [b"b"]
    assert told == ["begun"]
    assert not found.when_begun(lambda: told.append("again"))
    assert told == ["begun"]

    ended, told = stream(beginning=beginning), []
    ended.when_begun(lambda: told.append("ended"))
    ended.close()
    assert told == ["ended"]


async def test_the_last_batch() -> None:
    """It need not be asked for more to know that there is none."""
    found = stream(beginning=Batches(iter([b"a", b"b", b"c"]), 2))
    assert await anext(found) == [b"a", b"b"]
    assert found.beginning
    assert await anext(found) == [b"c"]
    assert not found.beginning


@pytest.mark.parametrize("reads", [True, False])
async def test_a_slow_client_has_a_last_chance(api: Api, monkeypatch: pytest.MonkeyPatch, reads: bool) -> None:
    monkeypatch.setattr(watchstream, "MOST_BYTES", 10_000)
    monkeypatch.setattr(watchstream, "FIRST_LOOK", 5)
    running = asyncio.get_running_loop().create_task(api.app.run())
    response = await api.raw("GET", f"{MAPS}?watch=1")
    assert not isinstance(response.body, bytes)
    cut: list[int] = []
    response.body.cut_by(lambda: cut.append(1))  # type: ignore[attr-defined]
    for i in range(30):
        await api.post(MAPS, config_map(f"a{i}", k="v" * 1000))
    if reads:
        await response.body.aclose()  # type: ignore[attr-defined]
    await api.clock.advance(29.0)
    assert cut == []
    await api.clock.advance(2.0)
    assert cut == ([] if reads else [1])
    running.cancel()
    await asyncio.wait([running])


async def test_what_is_sent_together_is_bounded() -> None:
    """What waits is shared by all readers of equal watches; what is being sent each has for itself."""
    stream = WatchStream(bookmarks=False, after=0, limit=1000, beginning=None, closed=lambda: None)
    lines = [b"a" * MOST_TOGETHER * 2, b"b", b"c" * (MOST_TOGETHER // 2), b"d" * (MOST_TOGETHER // 2), b"e"]
    for line in lines:
        stream.offer(line, 1)
    batches = [await anext(stream), await anext(stream), await anext(stream)]
    assert [len(batch) for batch in batches] == [1, 2, 2]
    assert [line for batch in batches for line in batch] == lines
