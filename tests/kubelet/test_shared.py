"""One making for all who wait."""

import asyncio

import pytest

from steersman.kubelet.shared import Shared


class Maker:
    def __init__(self):
        self.made, self.at_once, self.most = 0, 0, 0
        self.go = asyncio.Event()
        self.fails = False

    async def __call__(self):
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        self.made += 1
        number = self.made
        try:
            await self.go.wait()
            if self.fails:
                self.fails = False
                raise OSError("no")
            return number
        finally:
            self.at_once -= 1


async def turns():
    for _ in range(5):
        await asyncio.sleep(0)


async def test_those_who_come_meanwhile_share_the_next():
    shared, maker = Shared(), Maker()
    async with asyncio.TaskGroup() as group:
        first = group.create_task(shared.get(maker))
        await turns()
        later = [group.create_task(shared.get(maker)) for _ in range(9)]
        await turns()
        maker.go.set()
    # What had begun before they asked is not theirs.
    assert first.result() == 1
    assert {task.result() for task in later} == {2}
    assert (maker.made, maker.most) == (2, 1)
    assert shared._last is None
    assert await shared.get(maker) == 3


async def test_failures_and_cancellations_are_their_own():
    shared, maker = Shared(), Maker()
    maker.fails = True
    async with asyncio.TaskGroup() as group:
        gone = group.create_task(shared.get(maker))
        await turns()
        failed = asyncio.ensure_future(shared.get(maker))
        fine = group.create_task(shared.get(maker))
        await turns()
        gone.cancel()
        await turns()
        maker.go.set()
        with pytest.raises(OSError, match="no"):
            await failed
    assert fine.result() == 3
