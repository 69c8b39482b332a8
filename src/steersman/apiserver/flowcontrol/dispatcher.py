"""Whose turn it is. All requests share one thread, so what must be shared out is its time, besides the seats of each level.

While there is time, a request starts as it arrives and never knows of this module. When the requests of one turn of the event
loop have used up `SLICE`, further ones wait, whatever their number, and are started one in each turn: first the level that has
had least for its seats, in it the queue that has had least. So whoever asks for little is answered after the request that
is being worked on, however many others wait.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from steersman.api.http import User
from steersman.apiserver.flowcontrol.level import EXECUTING, WAITING, Flow, Level, Ticket
from steersman.apiserver.requestinfo import RequestInfo

# Seconds for which one turn of the event loop may start requests as they come.
SLICE = 0.004
# Seconds that a request may wait: a quarter of the minute that one may take.
WAIT_LIMIT = 15.0


class Dispatcher:
    """The turns of one server. `soon` calls a function in the next turn of the event loop."""

    def __init__(self, monotonic: Callable[[], float], soon: Callable[[Callable[[], None]], None]) -> None:
        self._monotonic = monotonic
        self._soon = soon
        self._armed = False
        self._busy = False
        """Whether somebody waits for nothing but the thread."""
        self._began = 0.0
        self._turn_number = 0
        self._virtual = 0.0
        self._last: Ticket | None = None
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
        ticket.turn = self._turn_number
        free = not self._busy and (not self._armed or now - self._began <= SLICE)
        level.enter(ticket, now, free)
        if ticket.state is WAITING:
            if level not in self.waiting:
                self.waiting[level] = None
                level.start = max(level.start, self._virtual)
            # Where there is no seat, the one who leaves arms the next turn.
            self._busy = self._busy or level.ready
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
        ticket.started = now
        ticket.turn = self._turn_number

    def leave(self, ticket: Ticket, now: float) -> None:
        """A request that executed is done. Idempotent."""
        if ticket.state is not EXECUTING:
            return
        level = ticket.flow.level
        if not ticket.charged and not level.share.exempt:
            # What has not left within its turn has waited for something: its estimate stands.
            if ticket.turn == self._turn_number:
                self._charge(ticket, now - ticket.started)
            else:
                ticket.charged = True
        level.leave(ticket, now)
        if self.waiting and not self._armed and level in self.waiting and level.ready:
            self._busy = True
            self._arm(now)

    def abandon(self, ticket: Ticket, now: float, *, late: bool = False) -> None:
        """A waiting request will wait no longer."""
        level = ticket.flow.level
        level.abandon(ticket, now, late=late)
        if not level.waiting:
            self.waiting.pop(level, None)
        if ticket.wake is not None:
            ticket.wake()

    def expire(self, now: float) -> None:
        """Refuse what has waited too long."""
        for level in tuple(self.waiting):
            for ticket in level.overdue(now - WAIT_LIMIT):
                self.abandon(ticket, now, late=True)

    def resume(self) -> None:
        """Limits have changed: somebody may have a seat now."""
        if not self._armed and any(level.ready for level in self.waiting):
            self._busy = True
            self._arm(self._monotonic())

    def _arm(self, now: float) -> None:
        if not self._armed:
            self._armed = True
            self._began = now
            self._soon(self._turn)

    def _turn(self) -> None:
        """The next turn of the event loop has come: start one request of those that wait."""
        self._armed = False
        self._turn_number += 1
        if not self.waiting:
            self._busy = False
            self._last = None
            return
        now = self._monotonic()
        last, self._last = self._last, None
        if last is not None and not last.charged and last.state is EXECUTING:
            # It was the only one to run since, up to where it waits for something.
            self._charge(last, now - last.started)
        level = _next(self.waiting)
        if level is None:
            self._busy = False
            return
        ticket = self._last = level.dispatch(now)
        self.begin(ticket, now)
        self._virtual = max(self._virtual, level.start)
        if not level.waiting:
            del self.waiting[level]
        if ticket.wake is not None:
            ticket.wake()
        self._busy = bool(self.waiting)
        self._arm(now)

    def _charge(self, ticket: Ticket, seconds: float) -> None:
        level = ticket.flow.level
        level.charge(ticket, seconds)
        level.start += seconds / max(level.limit, 1)


def _next(levels: Iterable[Level]) -> Level | None:
    """The level that has had least of those in which somebody could start."""
    return min((level for level in levels if level.ready), key=_start, default=None)


def _start(level: Level) -> float:
    return level.start
