"""Turns with a driven clock: who starts at once, who waits, who is next, and what seats do to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steersman.api.http import User
from steersman.apiserver.flowcontrol import dispatcher
from steersman.apiserver.flowcontrol.allocation import Share
from steersman.apiserver.flowcontrol.demand import Demand
from steersman.apiserver.flowcontrol.dispatcher import Dispatcher
from steersman.apiserver.flowcontrol.level import DONE, EXECUTING, REFUSED, WAITING, Flow, Level, Queuing, Ticket
from steersman.apiserver.requestinfo import RequestInfo

QUEUING = Queuing(queues=64, hand_size=6, length=50)
INFO = RequestInfo("/", "get")


class Server:
    """A dispatcher whose time passes by hand, and whose turns come when told."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.calls: list[Callable[[], None]] = []
        self.dispatcher = Dispatcher(lambda: self.now, lambda: self.now, self.calls.append)

    def level(self, limit: int = 10, queuing: Queuing = QUEUING, *, exempt: bool = False) -> Level:
        level = Level("l", "uid", Share(1, exempt=exempt), queuing, Demand(self.now))
        level.limit = limit
        return level

    def enter(self, flow: Flow, seats: int = 1) -> Ticket:
        return self.dispatcher.enter(flow, seats, self.now, User("u"), INFO)

    def leave(self, ticket: Ticket) -> None:
        self.dispatcher.leave(ticket, self.now)

    def work(self, ticket: Ticket, seconds: float) -> None:
        """The request runs on the thread for so long, and is done."""
        self.dispatcher.begin(ticket, self.now)
        self.now += seconds
        self.leave(ticket)

    def turn(self) -> None:
        calls, self.calls[:] = list(self.calls), []
        for call in calls:
            call()


def flow(level: Level, name: str = "f") -> Flow:
    return level.flow("schema", name, {})


def test_starts_at_once_while_there_is_time() -> None:
    server = Server()
    found = flow(server.level(limit=1000))
    for _ in range(100):
        ticket = server.enter(found)
        assert ticket.state is EXECUTING
        server.leave(ticket)
    assert not server.dispatcher.busy
    assert len(server.calls) == 1


def test_waits_when_the_slice_is_used_up() -> None:
    server = Server()
    found = flow(server.level())
    found.cost = dispatcher.QUANTUM
    first = server.enter(found)
    server.now += 2 * dispatcher.SLICE
    server.leave(first)
    second, third = server.enter(found), server.enter(found)
    assert (second.state, third.state) == (WAITING, WAITING)
    server.turn()
    assert (second.state, third.state) == (EXECUTING, WAITING)
    server.work(second, 0.01)
    server.turn()
    assert third.state is EXECUTING
    server.work(third, 0.01)
    server.turn()
    assert server.enter(found).state is EXECUTING


def test_cheap_requests_start_together() -> None:
    server = Server()
    found = flow(server.level(limit=1000, queuing=Queuing(64, 6, 1000)))
    found.cost = dispatcher.QUANTUM / 8
    server.enter(found)
    server.now += 1.0
    waiting = [server.enter(found) for _ in range(20)]
    server.turn()
    assert Counter(t.state for t in waiting) == {EXECUTING: 8, WAITING: 12}


def test_seats() -> None:
    server = Server()
    level = server.level(limit=3)
    found = flow(level)
    running = [server.enter(found), server.enter(found, seats=2)]
    assert [t.state for t in running] == [EXECUTING, EXECUTING]
    wide, narrow = server.enter(found, seats=2), server.enter(found)
    assert (wide.state, narrow.state) == (WAITING, WAITING)
    server.turn()
    assert wide.state is WAITING
    assert not server.dispatcher.busy
    server.leave(running[0])
    server.turn()
    assert (wide.state, narrow.state) == (WAITING, EXECUTING) or (wide.state, narrow.state) == (WAITING, WAITING)
    server.leave(running[1])
    server.turn()
    server.turn()
    assert wide.state is EXECUTING
    assert level.seats <= 3


def test_wider_than_the_level() -> None:
    """Is let in alone."""
    server = Server()
    level = server.level(limit=2)
    found = flow(level)
    one = server.enter(found)
    wide = server.enter(found, seats=5)
    server.turn()
    assert wide.state is WAITING
    server.leave(one)
    server.turn()
    assert wide.state is EXECUTING
    assert server.enter(found).state is WAITING


def test_other_levels_go_on_where_one_has_no_seats() -> None:
    server = Server()
    full, free = flow(server.level(limit=1)), flow(server.level(limit=5))
    server.enter(full)
    assert server.enter(full).state is WAITING
    for _ in range(5):
        assert server.enter(free).state is EXECUTING


def test_a_full_queue_refuses() -> None:
    server = Server()
    level = server.level(limit=1, queuing=Queuing(1, 1, 3))
    found = flow(level)
    states = [server.enter(found).state for _ in range(6)]
    assert states == [EXECUTING, WAITING, WAITING, WAITING, REFUSED, REFUSED]
    assert found.series.refused == {"queue-full": 2}
    assert (level.refused, level.waiting, level.executing) == (2, 3, 1)


def test_without_queues_who_has_no_seat_is_refused() -> None:
    server = Server()
    found = flow(server.level(limit=2, queuing=Queuing()))
    assert [server.enter(found).state for _ in range(3)] == [EXECUTING, EXECUTING, REFUSED]
    assert found.series.refused == {"concurrency-limit": 1}


def test_without_queues_who_has_a_seat_waits_for_the_thread() -> None:
    server = Server()
    found = flow(server.level(limit=3, queuing=Queuing()))
    server.enter(found)
    server.now += 1
    tickets = [server.enter(found) for _ in range(3)]
    assert [t.state for t in tickets] == [WAITING, WAITING, REFUSED]
    server.turn()
    assert tickets[0].state is EXECUTING


def test_the_exempt_never_wait() -> None:
    server = Server()
    found = flow(server.level(limit=0, queuing=Queuing(), exempt=True))
    server.enter(flow(server.level()))
    server.now += 1
    tickets = [server.enter(found, seats=10) for _ in range(100)]
    assert {t.state for t in tickets} == {EXECUTING}
    assert found.level.executing == 100
    for ticket in tickets:
        server.leave(ticket)
        server.leave(ticket)
    assert (found.level.executing, found.level.seats, found.level.idle) == (0, 0, True)


def saturate(server: Server, found: Flow, count: int) -> list[Ticket]:
    server.enter(found)
    server.now += 1.0
    return [t for t in (server.enter(found) for _ in range(count)) if t.state is WAITING]


def test_who_asks_for_little_is_next() -> None:
    """Three hundred wait; one of another flow comes, and goes before all but those whose turn it is already."""
    server = Server()
    level = server.level(limit=100)
    flood, other = flow(level, "flood"), flow(level, "other")
    waiting = saturate(server, flood, 400)
    assert len(waiting) == 300
    turns = []
    for _ in range(20):
        late = server.enter(other)
        turns.append(0)
        while late.state is WAITING:
            turns[-1] += 1
            server.turn()
            for ticket in waiting:
                if ticket.state is EXECUTING:
                    server.work(ticket, 0.01)
        server.work(late, 0.0001)
    # At first all queues are equally far: those of the flood's hand may go before.
    assert max(turns) <= 6
    assert max(turns[6:]) <= 2


def serve(server: Server, flows: dict[str, Flow], costs: dict[str, float], seconds: float) -> Counter[str]:
    """All flows ask as fast as they are answered, with many connections each; how much of the thread each gets."""
    used: Counter[str] = Counter()
    waiting = [(name, server.enter(found)) for name, found in flows.items() for _ in range(20)]
    end = server.now + seconds
    while server.now < end:
        server.turn()
        begun = [(name, t) for name, t in waiting if t.state is EXECUTING]
        waiting = [(name, t) for name, t in waiting if t.state is WAITING]
        for name, ticket in begun:
            used[name] += round(costs[name] * 1e6)
            server.work(ticket, costs[name])
            waiting.append((name, server.enter(flows[name])))
    return used


def test_flows_share_the_thread_by_what_they_use() -> None:
    """Lists and gets: as much time for each, not as many requests."""
    server = Server()
    level = server.level(limit=100, queuing=Queuing(512, 1, 50))
    flows = {"list": flow(level, "a"), "get": flow(level, "b")}
    used = serve(server, flows, {"list": 0.02, "get": 0.0005}, 5.0)
    # What a list costs is believed step by step only.
    assert used["get"] == pytest.approx(used["list"], rel=0.15)


def test_one_slow_run_is_not_held_against_anybody() -> None:
    """A collection of garbage in the midst of a get: who asked for it is not behind for long."""
    server = Server()
    level = server.level(limit=100, queuing=Queuing(512, 1, 50))
    flood, other = flow(level, "a"), flow(level, "b")
    for found in (flood, other):
        for _ in range(50):
            server.work(server.enter(found), 0.0005)
            server.turn()
    server.work(server.enter(other), 1.0)
    used = serve(server, {"flood": flood, "other": other}, {"flood": 0.0005, "other": 0.0005}, 0.1)
    assert used["other"] == pytest.approx(used["flood"], rel=0.2)


def test_levels_share_the_thread_by_their_seats() -> None:
    server = Server()
    flows = {"large": flow(server.level(limit=90)), "small": flow(server.level(limit=30))}
    used = serve(server, flows, {"large": 0.002, "small": 0.002}, 5.0)
    assert used["large"] == pytest.approx(3 * used["small"], rel=0.1)


def test_nobody_owes_for_what_was_free() -> None:
    """Who has had the server for himself all day is not behind those who come later."""
    server = Server()
    level = server.level(limit=100, queuing=Queuing(512, 1, 50))
    early, late = flow(level, "a"), flow(level, "b")
    for _ in range(1000):
        server.work(server.enter(early), 0.1)
        server.turn()
    used = serve(server, {"early": early, "late": late}, {"early": 0.002, "late": 0.002}, 5.0)
    assert used["early"] == pytest.approx(used["late"], rel=0.1)


def test_waiting_too_long() -> None:
    server = Server()
    level = server.level(limit=1)
    found = flow(level)
    server.enter(found)
    early = server.enter(found)
    server.now += 10
    late = server.enter(found)
    server.now += 6
    server.dispatcher.expire(server.now)
    assert (early.state, late.state) == (REFUSED, WAITING)
    assert found.series.refused == {"time-out": 1}
    assert (level.timed_out, level.waiting) == (1, 1)


def test_giving_up() -> None:
    server = Server()
    level = server.level(limit=1)
    found = flow(level)
    running, waiting = server.enter(found), server.enter(found)
    server.dispatcher.abandon(waiting, server.now)
    assert (level.cancelled, level.waiting, level.waiting_seats) == (1, 0, 0)
    assert not server.dispatcher.waiting
    server.leave(running)
    assert running.state is DONE
    assert level.idle


def test_more_seats_let_them_in() -> None:
    server = Server()
    level = server.level(limit=1)
    found = flow(level)
    server.enter(found)
    waiting = server.enter(found)
    server.turn()
    level.limit = 2
    server.dispatcher.resume()
    server.turn()
    assert waiting.state is EXECUTING


def test_fewer_queues() -> None:
    """What waits in a queue that is wanted no longer is served all the same, and then the queue is gone."""
    server = Server()
    level = server.level(limit=1, queuing=Queuing(64, 1, 50))
    found = flow(level, "x")
    running, waiting = server.enter(found), server.enter(found)
    level.configure("uid", level.share, Queuing(1, 1, 50))
    assert waiting.queue is not None
    assert waiting.queue.index in level.queues
    server.leave(running)
    server.turn()
    assert waiting.state is EXECUTING
    server.leave(waiting)
    level.configure("uid", level.share, Queuing(1, 1, 50))
    assert waiting.queue.index not in level.queues


@given(
    st.lists(
        st.tuples(st.sampled_from(["enter", "leave", "turn", "abandon", "wait"]), st.integers(0, 5), st.integers(1, 4)),
        max_size=80,
    )
)
def test_books_balance(steps: list[tuple[str, int, int]]) -> None:
    server = Server()
    levels = [server.level(4, Queuing(8, 2, 3)), server.level(2, Queuing()), server.level(0, Queuing(), exempt=True)]
    flows = [level.flow("s", str(i), {}) for level in levels for i in range(2)]
    tickets: list[Ticket] = []
    for what, which, seats in steps:
        if what == "enter":
            tickets.append(server.enter(flows[which], seats))
        elif what == "turn":
            server.turn()
        elif what == "wait":
            server.now += seats / 500
        else:
            state = EXECUTING if what == "leave" else WAITING
            chosen = [t for t in tickets if t.state is state][which : which + 1]
            for ticket in chosen:
                if state is EXECUTING:
                    server.leave(ticket)
                else:
                    server.dispatcher.abandon(ticket, server.now)
        for level in levels:
            mine = [t for t in tickets if t.flow.level is level]
            running, waiting = ([t for t in mine if t.state is s] for s in (EXECUTING, WAITING))
            assert (level.executing, level.seats) == (len(running), sum(t.seats for t in running))
            assert (level.waiting, level.waiting_seats) == (len(waiting), sum(t.seats for t in waiting))
            assert level.exempt or level.seats <= level.limit or level.executing == 1
            assert (level in server.dispatcher.waiting) == bool(waiting)
            # Nobody is forgotten: who could start has a turn coming.
            assert level.next() is None or server.calls
