"""When free memory is returned to the system."""

from __future__ import annotations

import asyncio

from steersman.api.clock import FakeClock
from steersman.cmd.parts.memory import keep_trimmed, resident, trimmer

MEBIBYTE = 1 << 20


async def test_memory_is_returned_after_growth_and_not_before() -> None:
    clock = FakeClock()
    size, trims = [100 * MEBIBYTE], []

    def trim() -> None:
        trims.append(size[0])
        size[0] -= 30 * MEBIBYTE

    task = asyncio.ensure_future(keep_trimmed(clock, lambda: size[0], trim, 5.0))
    for grown, trimmed in ((5, 0), (7, 0), (40, 1), (15, 1), (80, 2)):
        size[0] = (100 + grown) * MEBIBYTE
        await clock.advance(5)
        assert len(trims) == trimmed, grown
    task.cancel()
    await asyncio.wait([task])


def test_the_real_ones_work() -> None:
    trimmer()()
    assert resident() > MEBIBYTE
