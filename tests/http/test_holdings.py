"""Who is cut when connections keep too much."""

from __future__ import annotations

from dataclasses import dataclass

from steersman.http.holdings import SMALL, Holdings


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
