"""FakeClock wakes sleepers in order and only when time passes."""

import asyncio

from steersman.api.clock import FakeClock


async def test_sleepers_wake_in_deadline_order() -> None:
    clock, woken = FakeClock(), []

    async def sleeper(seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append((seconds, clock.monotonic()))

    async with asyncio.TaskGroup() as group:
        for seconds in (3.0, 1.0, 2.0):
            group.create_task(sleeper(seconds))
        await asyncio.sleep(0)
        await clock.advance(1.5)
        assert woken == [(1.0, 1.0)]
        assert clock.sleepers == 2
        await clock.advance(10)
    assert woken == [(1.0, 1.0), (2.0, 2.0), (3.0, 3.0)]
    assert clock.monotonic() == 11.5


async def test_a_chain_of_sleeps_runs_within_one_advance() -> None:
    clock, ticks = FakeClock(), []

    async def ticker() -> None:
        for _ in range(4):
            await clock.sleep(5)
            ticks.append(clock.monotonic())

    async with asyncio.TaskGroup() as group:
        group.create_task(ticker())
        await asyncio.sleep(0)
        await clock.advance(20)
    assert ticks == [5.0, 10.0, 15.0, 20.0]


async def test_a_sleep_too_short_to_tell_ends_at_once() -> None:
    clock = FakeClock()
    await clock.sleep(1e-9)
    assert clock.sleepers == 0
