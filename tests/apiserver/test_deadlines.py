import asyncio

from steersman.api.clock import FakeClock
from steersman.apiserver.deadlines import Deadlines


async def test_callbacks_run_when_they_are_due() -> None:
    clock = FakeClock()
    deadlines = Deadlines(clock)
    called: list[str] = []
    for seconds, name in ((5.0, "b"), (2.0, "a"), (60.0, "c")):
        deadlines.add(seconds, lambda name=name: called.append(name))  # type: ignore[misc]
    async with asyncio.TaskGroup() as group:
        running = group.create_task(deadlines.run())
        await asyncio.sleep(0)
        for expected in ([], ["a"], ["a"], ["a"], ["a", "b"]):
            await clock.advance(1)
            assert called == expected
        running.cancel()
