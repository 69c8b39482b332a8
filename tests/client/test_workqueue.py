"""The workqueue's promises: deduplication, exclusion per key, delays, back-off."""

import asyncio

import pytest

from steersman.api.clock import FakeClock
from steersman.client.workqueue import WorkQueue


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
async def queue(clock):
    queue = WorkQueue(clock)
    task = asyncio.ensure_future(queue.run())
    await asyncio.sleep(0)
    yield queue
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_key_added_twice_is_taken_once(queue):
    for key in ("a", "b", "a"):
        queue.add(key)
    assert len(queue) == 2
    assert [await queue.wait_get(), await queue.wait_get()] == ["a", "b"]
    assert len(queue) == 0


async def test_a_key_in_work_comes_back_only_after_done(queue):
    queue.add("a")
    key = await queue.wait_get()
    queue.add("a")
    assert len(queue) == 0
    assert not queue.idle
    queue.done(key)
    assert await queue.wait_get() == "a"
    queue.done("a")
    assert queue.idle


async def test_a_waiting_worker_gets_the_next_key(queue):
    waiting = asyncio.ensure_future(queue.wait_get())
    await asyncio.sleep(0)
    queue.add("a")
    assert await waiting == "a"


async def test_a_cancelled_worker_passes_its_wakeup_on(queue):
    first, second = (asyncio.ensure_future(queue.wait_get()) for _ in range(2))
    await asyncio.sleep(0)
    queue.add("a")
    first.cancel()
    assert await second == "a"
    assert first.cancelled() or (await asyncio.gather(first, return_exceptions=True))


async def test_delays_come_due_in_order_and_the_earliest_counts(queue, clock):
    queue.add_after("late", 10)
    queue.add_after("soon", 5)
    queue.add_after("late", 20)
    queue.add_after("late", 7)
    queue.add_after("now", 0)
    assert await queue.wait_get() == "now"
    await clock.advance(5)
    assert await queue.wait_get() == "soon"
    await clock.advance(1.9)
    assert len(queue) == 0
    await clock.advance(0.2)
    assert await queue.wait_get() == "late"
    queue.done("late")
    await clock.advance(100)
    assert len(queue) == 0


async def test_failures_delay_longer_each_time_until_forgotten(queue, clock):
    for delay in (0.005, 0.01, 0.02, 0.04):
        queue.add_rate_limited("a")
        await clock.advance(delay * 0.9)
        assert len(queue) == 0
        await clock.advance(delay * 0.2)
        queue.done(await queue.wait_get())
    queue.forget("a")
    queue.add_rate_limited("a")
    await clock.advance(0.006)
    assert await queue.wait_get() == "a"


async def test_backoff_has_a_limit(clock):
    queue = WorkQueue(clock, longest_backoff=60.0)
    for _ in range(2000):
        queue.add_rate_limited("a")
    assert max(queue._due.values()) <= clock.monotonic() + 60.0
