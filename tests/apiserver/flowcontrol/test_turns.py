"""Who works in pieces goes on one at a time, and in turn."""

from __future__ import annotations

import asyncio

from steersman.apiserver.flowcontrol.turns import Turns


async def test_one_in_a_turn() -> None:
    turns, order = Turns(), []

    async def work(name: str, pieces: int) -> None:
        for _ in range(pieces):
            await turns.wait()
            order.append(name)

    async with asyncio.TaskGroup() as tasks:
        for name in "abc":
            tasks.create_task(work(name, 3))
        tasks.create_task(work("d", 1))
        for _ in range(6):
            before = len(order)
            await asyncio.sleep(0)
            assert len(order) - before <= 1
    # The first had come twice before the others came at all.
    assert "".join(order) == "aabcdabcbc"


async def test_who_has_gone_has_no_turn() -> None:
    turns = Turns()
    await turns.wait()
    gone = asyncio.ensure_future(turns.wait())
    after = asyncio.ensure_future(turns.wait())
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.wait_for(after, 60)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await asyncio.wait_for(turns.wait(), 60)
