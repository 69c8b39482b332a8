"""A flood of events makes a line now and then, and none is forgotten."""

from steersman.api.clock import FakeClock
from steersman.apiserver.seldom import Seldom


async def test_what_is_told() -> None:
    clock = FakeClock()
    seldom = Seldom(clock, 10.0)
    assert [seldom.count(), seldom.count(), seldom.count(3)] == [1, 0, 0]
    await clock.advance(9.0)
    assert seldom.count() == 0
    await clock.advance(1.0)
    assert seldom.count() == 6
    assert seldom.count() == 0
