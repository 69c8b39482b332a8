"""Whose turn it is. All requests share one thread, so what must be shared out is its time, besides the seats of each level.

While there is time, a request starts as it arrives and never knows of this module. When the requests of one turn of the event
loop have used up `SLICE`, further ones wait, whatever their number, and each turn starts as many as `QUANTUM` is enough for, but
at least one: first the level that has had least for its seats, in it the queue that has had least. So whoever asks for little is
answered after what is being worked on, however many others wait.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from steersman.api.http import User
from steersman.apiserver.flowcontrol.level import EXECUTING, WAITING, Flow, Level, Queue, Ticket
from steersman.apiserver.requestinfo import RequestInfo

# Seconds for which one turn of the event loop may start requests as they come.
SLICE = 0.004
# Seconds for which a turn starts requests of those that wait. What one costs is taken from those of its kind before it.
QUANTUM = 0.001
# A request is charged with this many times what it was expected to cost at most: what took longer than that was hardly its own
# work, but the collector's, or the machine's other processes'. Costs that have grown are expected soon enough.
_MOST_EXPECTED = 8
# Seconds that a request may wait: a quarter of the minute that one may take.
WAIT_LIMIT = 15.0


class Dispatcher:
    """The turns of one server. `soon` calls a function in the next turn of the event loop.

    What requests cost is measured while others wait, by how long the thread has run (`worked`): of the time that passes, much
    may be other processes'.
    """

    def __init__(
        self,
        monotonic: Callable[[], float],
        worked: Callable[[], float],
        soon: Callable[[Callable[[], None]], None],
    ) -> None:
        self._monotonic = monotonic
        self._worked = worked
        self._soon = soon
        self._armed = False
        self._busy = False
        """Whether somebody waits for nothing but the thread."""
        self._began = 0.0
        self._virtual = 0.0
        self._last: Ticket | None = None
        self._last_began = 0.0
        self.waiting: dict[Level, None] = {}
        """The levels in which somebody waits."""

    @property
    def busy(self) -> bool:
        return self._busy

    def enter(self, flow: Flow, seats: int, now: float, user: User, info: RequestInfo) -> Ticket:
        """A request arrives; its state says whether it may go on, must wait, or is refused."""
        ticket = Ticket(flow, seats, now, user, info)
        level = flow.level
        if level.share.exempt:
            level.enter(ticket, now, True)
            return ticket
        free = not self._busy and (not self._armed or now - self._began <= SLICE)
        level.enter(ticket, now, free)
        if ticket.state is WAITING:
            if level not in self.waiting:
                self.waiting[level] = None
                level.start = max(level.start, self._virtual)
            # Where there is no seat, the one who leaves arms the next turn.
            self._busy = self._busy or level.next() is not None
            if self._busy:
                self._arm(now)
        elif ticket.state is EXECUTING:
            if level.start < self._virtual:
                level.start = self._virtual
            else:
                self._virtual = level.start
            if not self._armed:
                self._arm(now)
        return ticket

    def begin(self, ticket: Ticket, now: float) -> None:
        """A request that was waiting begins to execute, in the turn in which it was started."""
        worked = self._worked()
        self._measure(worked)
        self._last, self._last_began = ticket, worked
        ticket.started = now

    def leave(self, ticket: Ticket, now: float) -> None:
        """A request that executed is done. Idempotent."""
        if ticket.state is not EXECUTING:
            return
        level = ticket.flow.level
        level.leave(ticket, now)
        if level.waiting:
            self._let_next(level, now)

    def abandon(self, ticket: Ticket, now: float, *, late: bool = False) -> None:
        """A waiting request will wait no longer."""
        level = ticket.flow.level
        level.abandon(ticket, now, late=late)
        ticket.wake()
        if level.waiting:
            self._let_next(level, now)
        else:
            self.waiting.pop(level, None)

    def _let_next(self, level: Level, now: float) -> None:
        """Something has changed for those who wait in the level: perhaps one has a seat now."""
        if not self._armed and level.next() is not None:
            self._busy = True
            self._arm(now)

    def expire(self, now: float) -> None:
        """Refuse what has waited too long."""
        for level in tuple(self.waiting):
            for ticket in level.overdue(now - WAIT_LIMIT):
                self.abandon(ticket, now, late=True)

    def resume(self) -> None:
        """Limits have changed: somebody may have a seat now."""
        now = self._monotonic()
        for level in self.waiting:
            self._let_next(level, now)

    def _arm(self, now: float) -> None:
        if not self._armed:
            self._armed = True
            self._began = now
            self._soon(self._turn)

    def _turn(self) -> None:
        """The next turn of the event loop has come."""
        self._armed = False
        if not self.waiting:
            self._busy = False
            self._last = None
            return
        self._measure(self._worked())
        now = self._monotonic()
        started = self._start_some(now)
        self._busy = started and bool(self.waiting)
        if started:
            self._arm(now)

    def _start_some(self, now: float) -> bool:
        """Start those whose turn it is; whether anybody was started."""
        spent = 0.0
        while spent < QUANTUM:
            found = _next(self.waiting)
            if found is None:
                break
            level, queue = found
            ticket = level.dispatch(queue, now)
            ticket.started = now
            spent += ticket.expected
            self._virtual = max(self._virtual, level.start)
            if not level.waiting:
                del self.waiting[level]
            ticket.wake()
        return spent > 0

    def _measure(self, worked: float) -> None:
        """The request that began last was the only one to run since, up to where it waited for something."""
        last, self._last = self._last, None
        if last is not None:
            self._charge(last, worked - self._last_began)

    def _charge(self, ticket: Ticket, seconds: float) -> None:
        level = ticket.flow.level
        seconds = min(seconds, _MOST_EXPECTED * ticket.expected)
        level.charge(ticket, seconds)
        ticket.flow.learn(seconds / ticket.seats)
        level.start += seconds / max(level.limit, 1)


def _next(levels: Iterable[Level]) -> tuple[Level, Queue] | None:
    """The level whose next request would be finished first, of those in which one could start, and its queue."""
    ready = [(level, queue) for level in levels if (queue := level.next()) is not None]
    return min(ready, key=_finish, default=None)


def _finish(found: tuple[Level, Queue]) -> float:
    level, ticket = found[0], found[1].head
    return level.start + ticket.flow.cost * ticket.seats / max(level.limit, 1)
