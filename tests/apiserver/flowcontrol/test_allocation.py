"""Seats by shares, and what levels lend each other."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steersman.apiserver.flowcontrol import allocation, configuration, objects
from steersman.apiserver.flowcontrol.allocation import Limits, Share, Wanted, Wish
from steersman.kinds.flowcontrol.prioritylevelconfiguration import KIND


def test_the_cluster_s_own() -> None:
    """As upstream divides its 600."""
    shares = {name: configuration.share_of(KIND.revive({"spec": spec}).spec) for name, spec in objects.LEVELS.items()}
    limits = allocation.nominal_limits(600, shares)
    assert {name: (found.nominal, found.least) for name, found in limits.items()} == {
        "exempt": (0, 0),
        "catch-all": (13, 13),
        "system": (74, 50),
        "node-high": (98, 74),
        "leader-election": (25, 25),
        "workload-high": (98, 49),
        "workload-low": (245, 25),
        "global-default": (49, 25),
    }
    assert limits["system"].most == 74 + 600


def test_borrowing_may_be_limited() -> None:
    shares = {"a": Share(1, 0, 50), "b": Share(3, 50, 0)}
    assert allocation.nominal_limits(100, shares) == {"a": Limits(25, 25, 37), "b": Limits(75, 37, 75)}
    assert allocation.nominal_limits(100, {"a": Share(0)}) == {"a": Limits(0, 0, 100)}


@pytest.mark.parametrize(("nominal", "hand", "expected"), [(98, 6, 15), (49, 6, 8), (13, 8, 1), (3, 6, 1), (40, 2, 6)])
def test_widest(nominal: int, hand: int, expected: int) -> None:
    assert allocation.widest(nominal, hand) == expected


def wish(drawn: tuple[int, int, float]) -> Wish:
    least, more, target = drawn
    return Wish(least + target, least, least + more)


numbers = st.tuples(st.integers(0, 50), st.integers(0, 50), st.floats(0, 100))


@given(st.lists(numbers, min_size=1, max_size=8), st.floats(0, 1))
def test_share_out(drawn: list[tuple[int, int, float]], part: float) -> None:
    found = [wish(d) for d in drawn]
    least, most = sum(w.least for w in found), sum(w.most for w in found)
    total = least + (most - least) * part
    given_, fraction = allocation.share_out(total, found)
    assert sum(given_) == pytest.approx(total, abs=1e-3)
    for got, one in zip(given_, found, strict=True):
        assert one.least - 1e-6 <= got <= one.most + 1e-6
        fair = max(one.target, 0.001) * fraction
        assert got == pytest.approx(min(max(fair, one.least), one.most), abs=1e-3)


def wanted(nominal: int, least: int, peak: int, smoothed: float, *, exempt: bool = False) -> Wanted:
    return Wanted(Limits(nominal, least, nominal + 100), peak, smoothed, exempt)


def test_idle_seats_are_lent() -> None:
    """A lends what it does not use, down to what it keeps; B, which wants more, gets it."""
    adjusted = allocation.adjust({"a": wanted(50, 10, 0, 0.0), "b": wanted(50, 50, 120, 120.0)})
    assert sum(adjusted.limits.values()) == 100
    assert adjusted.limits["a"] == 10
    assert adjusted.limits["b"] == 90
    assert adjusted.targets == {"a": 10.0, "b": 120.0}


def test_what_is_used_is_not_lent() -> None:
    adjusted = allocation.adjust({"a": wanted(50, 10, 45, 45.0), "b": wanted(50, 50, 120, 120.0)})
    assert adjusted.limits["a"] >= 45
    assert sum(adjusted.limits.values()) == 100


def test_exempt_levels_come_first() -> None:
    levels = {"e": wanted(0, 0, 30, 0.0, exempt=True), "a": wanted(50, 20, 50, 50.0), "b": wanted(50, 50, 50, 50.0)}
    assert allocation.adjust(levels).limits == {"e": 30, "a": 20, "b": 50}
    levels["e"] = wanted(0, 0, 15, 0.0, exempt=True)
    assert allocation.adjust(levels).limits == {"e": 15, "a": 35, "b": 50}
    levels["e"] = wanted(0, 0, 500, 0.0, exempt=True)
    assert allocation.adjust(levels).limits == {"e": 500, "a": 20, "b": 50}
