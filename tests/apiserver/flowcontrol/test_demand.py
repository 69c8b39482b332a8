"""Averages of a number over time."""

from __future__ import annotations

import pytest

from steersman.apiserver.flowcontrol.demand import Demand, Observed, Statistics


def test_integration() -> None:
    demand = Demand(100.0)
    demand.set(4, 102.0)
    demand.set(1, 104.0)
    seen = demand.take(106.0)
    assert (seen.seconds, seen.peak) == (6.0, 4)
    assert seen.average == pytest.approx((0 * 2 + 4 * 2 + 1 * 2) / 6)
    assert seen.deviation == pytest.approx(((0 + 16 * 2 + 1 * 2) / 6 - seen.average**2) ** 0.5)
    assert demand.take(107.0) == Observed(1.0, 1.0, 0.0, 1)
    assert demand.take(107.0) == Observed(0.0, 0.0, 0.0, 1)


def test_rises_at_once_and_falls_slowly() -> None:
    statistics = Statistics()
    statistics.update(Observed(10.0, 5.0, 1.0, 9))
    assert (statistics.smoothed, statistics.peak, statistics.average, statistics.deviation) == (6.0, 9, 5.0, 1.0)
    for _ in range(30):
        statistics.update(Observed(10.0, 0.0, 0.0, 0))
    assert statistics.smoothed == pytest.approx(3.0, rel=0.01)
    statistics.update(Observed(0.0, 7.0, 0.0, 2))
    assert (statistics.peak, statistics.average) == (2, 0.0)
