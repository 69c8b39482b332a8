"""Who is cut when connections keep too much."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from steersman.http.holdings import SMALL, WIDE, Holdings, Share
from steersman.http.taking import LARGE_WINDOW, WINDOW


@dataclass(eq=False)
class Some:
    owner: str
    is_cut: bool = False

    def cut(self) -> None:
        self.is_cut = True


def test_the_largest_of_the_worst_owner_goes_first() -> None:
    holdings = Holdings(6 * SMALL)
    honest, eve = Some("honest"), [Some("eve") for _ in range(3)]
    holdings.keep(honest, 2 * SMALL)
    for number, connection in enumerate(eve):
        holdings.keep(connection, (number + 1) * SMALL)
    assert [connection.is_cut for connection in eve] == [False, False, True]
    assert not honest.is_cut
    assert holdings.sum == 5 * SMALL


def test_small_ones_and_single_large_ones_are_left_alone() -> None:
    holdings = Holdings(SMALL)
    small = [Some(f"node{number}") for number in range(100)]
    for connection in small:
        holdings.keep(connection, SMALL // 2)
    large = Some("reader")
    holdings.keep(large, 20 * SMALL)
    assert not any(connection.is_cut for connection in (*small, large))


def test_what_is_kept_no_more_does_not_count() -> None:
    holdings = Holdings(4 * SMALL)
    connections = [Some("eve") for _ in range(50)]
    for connection in connections:
        holdings.keep(connection, 2 * SMALL)
        holdings.keep(connection, 0)
    assert holdings.sum == 0
    assert not any(connection.is_cut for connection in connections)


def test_those_that_are_cut_count_until_they_have_ended() -> None:
    holdings = Holdings(4 * SMALL)
    first, second, third = (Some("eve") for _ in range(3))
    for connection in (first, second, third):
        holdings.keep(connection, 2 * SMALL)
    assert (first.is_cut, holdings.sum, holdings.leaving) == (True, 4 * SMALL, 2 * SMALL)
    holdings.keep(second, SMALL)
    # What is told of it now changes nothing: it is on its way.
    holdings.keep(first, SMALL)
    assert holdings.leaving == 2 * SMALL
    assert not holdings.room(third, SMALL // 2)
    holdings.keep(first, 0)
    assert holdings.leaving == 0
    assert holdings.room(third, SMALL)


@pytest.mark.parametrize(
    ("owner", "size", "room"),
    [
        ("eve", SMALL, True),
        ("eve", SMALL + 1, False),
        # There is always room for little, and for those who have less than others.
        ("honest", SMALL, True),
        ("honest", 3 * SMALL, True),
        ("honest", 3 * SMALL + 1, False),
    ],
)
def test_room_for_more(owner: str, size: int, room: bool) -> None:
    holdings = Holdings(4 * SMALL)
    holdings.keep(Some("eve"), 3 * SMALL)
    assert holdings.room(Some(owner), size) is room


def test_ample() -> None:
    holdings = Holdings(4 * SMALL)
    holdings.keep(Some("eve"), SMALL)
    assert holdings.ample(SMALL)
    assert not holdings.ample(SMALL + 1)


def test_a_window_is_large_as_long_as_there_is_enough_room() -> None:
    holdings = Holdings(4 * WIDE)
    streams = [(Share(holdings), Some("far")) for _ in range(3)]
    assert [share.window(stream) for share, stream in streams] == [LARGE_WINDOW, LARGE_WINDOW, WINDOW]
    assert holdings.sum == 2 * WIDE
    # Its buffers are there already.
    assert streams[0][0].window(streams[0][1]) == LARGE_WINDOW
    streams[1][0].tell(streams[1][1], lost=True)
    assert holdings.sum == WIDE
