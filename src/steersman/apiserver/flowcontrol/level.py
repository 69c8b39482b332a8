"""A priority level: its seats, its queues, and which of the waiting requests is next.

Fairness is about the server's one thread, so virtual time here counts seconds of it that were used, not seats held: each queue
has the virtual time at which its next request starts (`start`), which moves on by what its requests cost; the queue whose next
request would be finished first goes first. A queue that had nothing to ask for starts at the present virtual time: it neither
saves up nor owes.
"""

from __future__ import annotations

from asyncio import Future
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

from steersman.api.http import User
from steersman.apiserver.flowcontrol.allocation import Limits, Share
from steersman.apiserver.flowcontrol.demand import Demand, Statistics
from steersman.apiserver.flowcontrol.shuffle import deal, flow_hash
from steersman.apiserver.requestinfo import RequestInfo

# Seconds of the thread that a seat's worth of work is taken to cost until it is known.
ESTIMATE = 0.0005
# And the least that it is taken to cost: to read the request and to write the answer are part of it.
LEAST = 0.0001
_NOTHING = Limits(0, 0, 0)
SECONDS = (0.0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0)
"""The bounds of histograms of durations."""


class State(Enum):
    """Where a request is."""

    WAITING = "waiting"
    EXECUTING = "executing"
    REFUSED = "refused"
    DONE = "done"


# The members by themselves: to look one up in the class takes longer than all else that is done with it.
WAITING, EXECUTING, REFUSED, DONE = State


class Histogram:
    """Counts of durations by `SECONDS`, and their sum."""

    __slots__ = ("counts", "total")

    def __init__(self) -> None:
        self.counts = [0] * (len(SECONDS) + 1)
        self.total = 0.0

    def observe(self, seconds: float) -> None:
        self.counts[bisect_left(SECONDS, seconds)] += 1
        self.total += seconds


class Series:
    """What is counted of one FlowSchema in one level. Requests that did not wait are in no histogram of `waits`."""

    __slots__ = (
        "dispatched",
        "executing",
        "executions",
        "refused",
        "seats",
        "waiting",
        "waiting_seats",
        "waits",
        "widths",
    )

    def __init__(self) -> None:
        self.dispatched = self.executing = self.seats = self.waiting = self.waiting_seats = 0
        self.refused: dict[str, int] = {}
        self.waits = {True: Histogram(), False: Histogram()}
        self.executions = {"regular": Histogram(), "watch": Histogram()}
        self.widths: dict[int, int] = {}


class Queue:
    """Requests of a few flows, first come, first served."""

    __slots__ = ("executing", "index", "seats", "start", "waiting", "waiting_seats")

    def __init__(self, index: int) -> None:
        self.index = index
        self.start = 0.0
        self.executing = self.seats = self.waiting_seats = 0
        self.waiting: OrderedDict[Ticket, None] = OrderedDict()

    @property
    def head(self) -> Ticket:
        return next(iter(self.waiting))


@dataclass(slots=True, eq=False)
class Flow:
    """What requests of one kind have in common: level, FlowSchema, and the queues in which they may wait.

    `headers` tell the client which level and FlowSchema its request fell into.
    """

    level: Level
    schema: str
    distinguisher: str
    hand: tuple[Queue, ...]
    headers: dict[str, str]
    series: Series
    cost: float = ESTIMATE
    """Seconds of the thread that a seat's worth is expected to take."""

    def learn(self, seconds: float) -> None:
        """A seat's worth has taken so long. Higher costs are believed sooner than lower ones."""
        self.cost = max(self.cost + (seconds - self.cost) * (0.25 if seconds > self.cost else 0.1), LEAST)


class Ticket:
    """One request, from its arrival in its level until it has left. `started` says when it began to execute."""

    __slots__ = (
        "arrived",
        "expected",
        "flow",
        "info",
        "queue",
        "seats",
        "started",
        "state",
        "user",
        "woken",
    )

    def __init__(self, flow: Flow, seats: int, arrived: float, user: User, info: RequestInfo) -> None:
        self.flow = flow
        self.seats = seats
        self.arrived = self.started = arrived
        self.user = user
        self.info = info
        self.queue: Queue | None = None
        self.state = EXECUTING
        self.expected = 0.0
        self.woken: Future[None] | None = None

    def wake(self) -> None:
        """Tell who waits for it that the state has changed."""
        if self.woken is not None and not self.woken.done():
            self.woken.set_result(None)


@dataclass(frozen=True, slots=True)
class Queuing:
    """How a level lets requests wait; without queues it refuses those for which there is no seat."""

    queues: int = 0
    hand_size: int = 1
    length: int = 0


@dataclass(slots=True, eq=False)
class Level:
    """The state of one priority level. `limit` is the number of its seats at present."""

    name: str
    uid: str
    share: Share
    queuing: Queuing
    demand: Demand
    limits: Limits = _NOTHING
    limit: int = 0
    leaving: bool = False
    """Whether its object is gone, and only what is in it has still to go."""
    widest: int = 1
    """The most seats that one request may take."""
    seats: int = 0
    waiting_seats: int = 0
    executing: int = 0
    waiting: int = 0
    virtual: float = 0.0
    """The virtual time of the queues."""
    start: float = 0.0
    """The level's own place in the virtual time of the levels."""
    dispatched: int = 0
    refused: int = 0
    timed_out: int = 0
    cancelled: int = 0
    statistics: Statistics = field(default_factory=Statistics)
    series: dict[str, Series] = field(default_factory=dict)
    queues: dict[int, Queue] = field(default_factory=dict)
    running: dict[Ticket, None] = field(default_factory=dict)
    """What executes."""
    _pending: dict[Queue, None] = field(default_factory=dict)
    _enqueued: int = 0

    @property
    def exempt(self) -> bool:
        return self.share.exempt

    @property
    def idle(self) -> bool:
        return not self.waiting and not self.executing

    # Flows

    def flow(self, schema: str, distinguisher: str, headers: dict[str, str]) -> Flow:
        series = self.series.get(schema)
        if series is None:
            series = self.series[schema] = Series()
        return Flow(self, schema, distinguisher, self._hand(schema, distinguisher), headers, series)

    def _hand(self, schema: str, distinguisher: str) -> tuple[Queue, ...]:
        if self.exempt:
            return ()
        count = self.queuing.queues
        if count <= 1:
            return (self._queue(0),)
        cards = deal(flow_hash(schema, distinguisher), count, self.queuing.hand_size)
        return tuple(self._queue(card) for card in cards)

    def _queue(self, index: int) -> Queue:
        queue = self.queues.get(index)
        if queue is None:
            queue = self.queues[index] = Queue(index)
        return queue

    # Requests

    def fits(self, seats: int) -> bool:
        """Whether a request of so many seats can start: there are enough, or it is wider than the level and alone."""
        return self.seats + seats <= self.limit or (seats > self.limit and not self.executing)

    def enter(self, ticket: Ticket, now: float, free: bool) -> None:
        """Start a request, let it wait, or refuse it. `free` says that it may start if it has seats."""
        flow = ticket.flow
        if self.share.exempt:
            self._begin(ticket, now)
            return
        queue = ticket.queue = self._pick(flow.hand)
        if free and not self.waiting and self.fits(ticket.seats):
            if queue.start < self.virtual:
                queue.start = self.virtual
            else:
                self.virtual = queue.start
            self._begin(ticket, now)
        elif self._full(queue, ticket.seats):
            self._refuse(ticket, "queue-full" if self.queuing.queues else "concurrency-limit")
        else:
            self._enqueue(ticket, queue, now)

    def _full(self, queue: Queue, seats: int) -> bool:
        if self.queuing.queues:
            return len(queue.waiting) >= self.queuing.length
        # Who waits for the thread alone has a seat already.
        return not (self.seats + self.waiting_seats + seats <= self.limit or (seats > self.limit and self.idle))

    def _pick(self, hand: tuple[Queue, ...]) -> Queue:
        """The queue of the hand with the least work waiting; where these are equal, each in turn."""
        self._enqueued += 1
        first = self._enqueued % len(hand)
        if not self.waiting:
            return hand[first]
        return min((*hand[first:], *hand[:first]), key=_waiting_seats)

    def _enqueue(self, ticket: Ticket, queue: Queue, now: float) -> None:
        if not queue.waiting:
            queue.start = max(queue.start, self.virtual)
            self._pending[queue] = None
        queue.waiting[ticket] = None
        queue.waiting_seats += ticket.seats
        ticket.state = WAITING
        self.waiting += 1
        self.waiting_seats += ticket.seats
        self.demand.set(self.seats + self.waiting_seats, now)
        series = ticket.flow.series
        series.waiting += 1
        series.waiting_seats += ticket.seats

    def _begin(self, ticket: Ticket, now: float) -> None:
        seats, series = ticket.seats, ticket.flow.series
        ticket.state = EXECUTING
        ticket.expected = ticket.flow.cost * seats
        self.executing += 1
        self.seats += seats
        self.dispatched += 1
        self.demand.set(self.seats + self.waiting_seats, now)
        series.dispatched += 1
        series.executing += 1
        series.seats += seats
        if seats > 1:
            series.widths[seats] = series.widths.get(seats, 0) + 1
        self.running[ticket] = None
        queue = ticket.queue
        if queue is not None:
            queue.executing += 1
            queue.seats += seats
            queue.start += ticket.expected

    def next(self) -> Queue | None:
        """The queue whose turn it is; None when nobody waits, or the one whose turn it is has no seat yet."""
        if not self.waiting:
            return None
        queue = min(self._pending, key=_finish)
        return queue if self.fits(queue.head.seats) else None

    def dispatch(self, queue: Queue, now: float) -> Ticket:
        """Start the first of the requests that wait in a queue: the one that is `next`."""
        self.virtual = max(self.virtual, queue.start)
        ticket = queue.head
        self._unqueue(ticket, queue)
        if queue.waiting:
            # Of queues that are equally far, the one that was served last comes last.
            del self._pending[queue]
            self._pending[queue] = None
        ticket.flow.series.waits[True].observe(now - ticket.arrived)
        self._begin(ticket, now)
        return ticket

    def _unqueue(self, ticket: Ticket, queue: Queue) -> None:
        del queue.waiting[ticket]
        if not queue.waiting:
            del self._pending[queue]
        queue.waiting_seats -= ticket.seats
        self.waiting -= 1
        self.waiting_seats -= ticket.seats
        series = ticket.flow.series
        series.waiting -= 1
        series.waiting_seats -= ticket.seats

    def charge(self, ticket: Ticket, seconds: float) -> None:
        """What the request has cost is known now."""
        if ticket.queue is not None:
            ticket.queue.start += seconds - ticket.expected

    def leave(self, ticket: Ticket, now: float) -> None:
        """The request is done with its seats."""
        seats, series, queue = ticket.seats, ticket.flow.series, ticket.queue
        ticket.state = DONE
        self.executing -= 1
        self.seats -= seats
        self.demand.set(self.seats + self.waiting_seats, now)
        series.executing -= 1
        series.seats -= seats
        del self.running[ticket]
        if queue is not None:
            queue.executing -= 1
            queue.seats -= seats

    def abandon(self, ticket: Ticket, now: float, *, late: bool) -> None:
        """A waiting request has waited too long, or its client is gone."""
        queue = ticket.queue
        assert queue is not None
        self._unqueue(ticket, queue)
        self.demand.set(self.seats + self.waiting_seats, now)
        ticket.flow.series.waits[False].observe(now - ticket.arrived)
        if late:
            self.timed_out += 1
            self._refuse(ticket, "time-out")
        else:
            self.cancelled += 1
            self._refuse(ticket, "cancelled")

    def _refuse(self, ticket: Ticket, reason: str) -> None:
        ticket.state = REFUSED
        self.refused += 1
        refused = ticket.flow.series.refused
        refused[reason] = refused.get(reason, 0) + 1

    def overdue(self, before: float) -> Iterator[Ticket]:
        """The waiting requests that have come before then."""
        for queue in tuple(self._pending):
            for ticket in tuple(queue.waiting):
                if ticket.arrived >= before:
                    break
                yield ticket

    def configure(self, uid: str, share: Share, queuing: Queuing) -> None:
        """Take over a changed configuration. What waits in queues that are no longer wanted goes on from there."""
        self.uid, self.share, self.queuing, self.leaving = uid, share, queuing, False
        keep = max(queuing.queues, 1)
        self.queues = {i: q for i, q in self.queues.items() if i < keep or q.waiting or q.executing}


def _waiting_seats(queue: Queue) -> int:
    return queue.waiting_seats


def _finish(queue: Queue) -> float:
    ticket = queue.head
    return queue.start + ticket.flow.cost * ticket.seats
