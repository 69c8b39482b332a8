"""Which watches end when too much waits in all of them."""

from __future__ import annotations

from steersman.apiserver.backlog import Backlog


class Watch:
    def __init__(self, backlog: Backlog, *lines: bytes) -> None:
        self.backlog, self.waiting, self.ended = backlog, list(lines), False
        backlog.begin(self)

    def overflow(self) -> None:
        self.ended = True
        self.waiting = []
        self.backlog.end(self)


def test_who_has_taken_nothing_for_the_longest_ends_first() -> None:
    backlog = Backlog(2500)
    watches = [Watch(backlog, bytes([number]) * 1000) for number in range(4)]
    backlog.end(watches[0])
    backlog.begin(watches[0])
    backlog.add(4000)
    assert [watch.ended for watch in watches] == [False, True, True, False]


def test_what_many_wait_for_counts_once() -> None:
    backlog = Backlog(2500)
    line = b"x" * 2000
    watches = [Watch(backlog, line) for _ in range(100)]
    backlog.add(4000)
    assert not any(watch.ended for watch in watches)
