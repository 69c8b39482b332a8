"""The policy of compaction, and the task that follows it on a fake clock."""

from __future__ import annotations

import asyncio

import pytest

from steersman import store
from steersman.api.clock import FakeClock
from steersman.store.compaction import Mark, Policy, keep_compacted, plan


@pytest.mark.parametrize(
    ("marks", "now", "revision", "expected"),
    [
        pytest.param([], 0, 1, 0, id="new store"),
        pytest.param([Mark(0, 5)], 50, 9, 0, id="young"),
        pytest.param([Mark(0, 5), Mark(30, 8)], 100, 9, 5, id="old enough"),
        pytest.param([Mark(0, 5), Mark(30, 8)], 130, 9, 8, id="the newest of the old ones"),
        pytest.param([Mark(0, 5)], 10, 1500, 500, id="too many"),
        pytest.param([Mark(0, 700)], 100, 1500, 700, id="age beats count"),
    ],
)
def test_plan(marks: list[Mark], now: float, revision: int, expected: int) -> None:
    assert plan(marks, now, revision, Policy(keep_seconds=100, keep_events=1000)) == expected


async def test_history_is_forgotten_when_it_is_old() -> None:
    clock = FakeClock()
    target = store.open("memory://", clock)
    first = await target.create("/a/x", b"1")
    task = asyncio.create_task(keep_compacted(target, clock, Policy(keep_seconds=100, interval=10)))
    await clock.advance(0)
    await clock.advance(50)
    second = await target.update("/a/x", b"2", first.revision)
    await clock.advance(40)
    assert target.compacted == 1
    await clock.advance(20)
    assert target.compacted == first.revision
    await clock.advance(50)
    assert target.compacted == second.revision
    task.cancel()
    await target.close()
