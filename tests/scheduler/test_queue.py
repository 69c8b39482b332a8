"""The queue by a clock that stands still: order, back-off, waiting for the cluster to change."""

import asyncio

import pytest
from tests.scheduler.builders import pod

from steersman.api.clock import FakeClock
from steersman.scheduler.queue import FLUSH_SECONDS, SchedulingQueue

FIT = frozenset({"NodeResourcesFit"})
TAINT = frozenset({"TaintToleration"})


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def queue(clock):
    return SchedulingQueue(clock)


async def popped(queue):
    """The name of the pod that is handed out now, or None when the queue would wait."""
    waiting = asyncio.ensure_future(queue.pop())
    for _ in range(10):
        await asyncio.sleep(0)
    if waiting.done():
        return waiting.result()
    waiting.cancel()
    await asyncio.wait((waiting,))
    return None


async def name(queue):
    item = await popped(queue)
    return item and item.pod.metadata.name


async def test_by_priority_then_by_age(queue, clock):
    queue.add(pod("first"))
    await clock.advance(1)
    queue.add(pod("second"))
    queue.add(pod("urgent", priority=10))
    queue.add(pod("low", priority=-1))
    assert [await name(queue) for _ in range(5)] == ["urgent", "first", "second", "low", None]


async def test_waits_for_a_pod(queue):
    waiting = asyncio.ensure_future(queue.pop())
    await asyncio.sleep(0)
    queue.add(pod("late"))
    assert (await waiting).pod.metadata.name == "late"


async def test_a_removed_pod_is_passed_over(queue):
    made = pod("gone")
    queue.add(made)
    queue.remove(made.metadata.uid)
    assert await name(queue) is None
    assert len(queue) == 0


async def test_a_pod_is_handed_out_as_it_is_now(queue):
    queue.add(pod("p", uid="u"))
    queue.add(pod("p", uid="u", metadata={"labels": {"new": "yes"}}))
    item = await popped(queue)
    assert item.pod.metadata.labels == {"new": "yes"}
    assert await name(queue) is None


async def park(queue, plugins=FIT, **fields):
    queue.add(pod("p", uid="u", **fields))
    item = await popped(queue)
    queue.park(item, plugins)
    return item


async def test_parked_until_the_cluster_changes(queue, clock):
    await park(queue)
    await clock.advance(60)
    assert await name(queue) is None
    queue.cluster_changed(TAINT)
    assert await name(queue) is None
    queue.cluster_changed(FIT | TAINT)
    assert await name(queue) == "p"


async def test_a_change_does_not_shorten_the_back_off(queue, clock):
    await park(queue)
    queue.cluster_changed(FIT)
    await clock.advance(0.9)
    assert await name(queue) is None
    await clock.advance(0.2)
    assert await name(queue) == "p"


@pytest.mark.parametrize(("attempts", "seconds"), [(1, 1), (2, 2), (3, 4), (4, 8), (5, 10), (50, 10)])
async def test_back_off_doubles_up_to_a_limit(queue, clock, attempts, seconds):
    queue.add(pod("p"))
    item = await popped(queue)
    item.attempts = attempts
    queue.retry(item)
    await clock.advance(seconds - 0.1)
    assert await name(queue) is None
    await clock.advance(0.2)
    assert await name(queue) == "p"


async def test_a_change_during_the_try_is_not_missed(queue, clock):
    queue.add(pod("p"))
    item = await popped(queue)
    queue.cluster_changed(TAINT)
    queue.park(item, FIT)
    await clock.advance(1.1)
    assert await name(queue) == "p"


async def test_tried_again_in_the_end_whatever_happens(queue, clock):
    await park(queue)
    await clock.advance(FLUSH_SECONDS - 40)
    assert await name(queue) is None
    await clock.advance(80)
    assert await name(queue) == "p"


async def test_a_pod_that_changes_is_tried_again(queue, clock):
    await park(queue)
    await clock.advance(5)
    queue.add(pod("p", uid="u", nodeSelector={"x": "y"}))
    assert await name(queue) == "p"


async def test_a_status_alone_does_not_wake_a_pod(queue, clock):
    await park(queue)
    await clock.advance(5)
    queue.add(pod("p", uid="u", phase="Pending"))
    assert await name(queue) is None
    assert [p.pod.status.phase for p in queue.parked] == ["Pending"]


async def test_parking_a_pod_that_has_gone_keeps_nothing(queue):
    queue.add(pod("p", uid="u"))
    item = await popped(queue)
    queue.remove("u")
    queue.park(item, FIT)
    queue.retry(item)
    assert not list(queue.parked)
    assert await name(queue) is None
