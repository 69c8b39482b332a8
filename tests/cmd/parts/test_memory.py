"""When free memory is returned to the system."""

from __future__ import annotations

import asyncio
import weakref

from steersman.api.clock import FakeClock
from steersman.cmd.parts.memory import collect, keep_trimmed, resident, trimmer

MEBIBYTE = 1 << 20


async def test_memory_is_returned_after_growth_and_not_before() -> None:
    clock = FakeClock()
    size, trims = [100 * MEBIBYTE], []

    def trim() -> None:
        trims.append(size[0])
        size[0] -= 30 * MEBIBYTE

    task = asyncio.ensure_future(keep_trimmed(clock, lambda: size[0], trim, interval=5.0))
    for grown, trimmed in ((5, 0), (7, 0), (40, 1), (15, 2), (80, 3)):
        size[0] = (100 + grown) * MEBIBYTE
        await clock.advance(5)
        assert len(trims) == trimmed, grown
    task.cancel()
    await asyncio.wait([task])


async def test_what_is_in_use_may_not_be_so_later() -> None:
    clock = FakeClock()
    size, trims = [100 * MEBIBYTE], []
    task = asyncio.ensure_future(
        keep_trimmed(clock, lambda: size[0], lambda: trims.append(clock.monotonic()), interval=1.0)
    )
    await clock.advance(1)
    size[0] += 50 * MEBIBYTE
    await clock.advance(1000)
    assert trims == [2, 4, 8, 16, 32, 64, 128]
    size[0] += 50 * MEBIBYTE
    await clock.advance(3)
    assert len(trims) == 9
    task.cancel()
    await asyncio.wait([task])


class SlowClock(FakeClock):
    """Work takes time."""

    done = 0.0

    def worked(self) -> float:
        return self.done


async def test_what_takes_long_is_done_seldom() -> None:
    clock = SlowClock()
    size, trims, finds = [0], [], []

    def find() -> None:
        finds.append(clock.monotonic())
        clock.done += 0.05

    def trim() -> None:
        trims.append(clock.monotonic())
        clock.done += 0.002

    task = asyncio.ensure_future(keep_trimmed(clock, lambda: size[0], trim, find, interval=1.0))
    for _ in range(20):
        size[0] += 40 * MEBIBYTE
        await clock.advance(1)
    assert finds == [2, 7, 12, 17]
    assert trims == list(range(2, 21))
    task.cancel()
    await asyncio.wait([task])


def test_the_real_ones_work() -> None:
    class Circle:
        def __init__(self) -> None:
            self.itself = self

    known = weakref.ref(Circle())
    collect()
    assert known() is None
    trimmer()()
    assert resident() > MEBIBYTE
