"""The tables under /debug/api_priority_and_fairness/: levels, queues, and the requests in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime

from steersman.apiserver.flowcontrol.level import ESTIMATE, Level, Queue, Ticket

FOLDER = "/debug/api_priority_and_fairness/"
# Queues that nobody was ever dealt are shown up to this number of them; no level in earnest has more.
_SHOWN = 1024
_NEVER = "0001-01-01T00:00:00Z"

_LEVEL_COLUMNS = (
    "PriorityLevelName", "ActiveQueues", "IsIdle", "IsQuiescing", "WaitingRequests", "ExecutingRequests",
    "DispatchedRequests", "RejectedRequests", "TimedoutRequests", "CancelledRequests",
)  # fmt: skip
_QUEUE_COLUMNS = (
    "PriorityLevelName", "Index", "PendingRequests", "ExecutingRequests", "SeatsInUse", "NextDispatchR",
    "InitialSeatsSum", "MaxSeatsSum", "TotalWorkSum",
)  # fmt: skip
_REQUEST_COLUMNS = (
    "PriorityLevelName", "FlowSchemaName", "QueueIndex", "RequestIndexInQueue", "FlowDistingsher", "ArriveTime",
    "InitialSeats", "FinalSeats", "AdditionalLatency", "StartTime",
)  # fmt: skip
_DETAIL_COLUMNS = ("UserName", "Verb", "APIPath", "Namespace", "Name", "APIVersion", "Resource", "SubResource")

Row = Sequence[object]


def priority_levels(levels: Mapping[str, Level]) -> str:
    """A row for each level."""
    rows: list[Row] = [
        (
            level.name,
            sum(bool(q.waiting) for q in level.queues.values()),
            level.idle,
            level.leaving,
            level.waiting,
            level.executing,
            level.dispatched,
            level.refused,
            level.timed_out,
            level.cancelled,
        )
        for _, level in sorted(levels.items())
    ]
    return _table(_LEVEL_COLUMNS, rows)


def queues(levels: Mapping[str, Level]) -> str:
    """A row for each queue. Work is in seconds of the server's thread."""
    return _table(_QUEUE_COLUMNS, [_queue(level, q) for _, level in sorted(levels.items()) for q in _all_queues(level)])


def _all_queues(level: Level) -> list[Queue]:
    count = level.queuing.queues
    indices = {*level.queues, *range(count if count <= _SHOWN else 0)} if count else set()
    return [level.queues.get(i) or Queue(i) for i in sorted(indices)]


def _queue(level: Level, q: Queue) -> Row:
    waiting = q.waiting_seats
    return (
        level.name, q.index, len(q.waiting), q.executing, q.seats, f"{q.start:.8f}ss", waiting, waiting,
        f"{ESTIMATE * waiting:.8f}ss",
    )  # fmt: skip


def requests(levels: Mapping[str, Level], details: bool, wall: Callable[[float], float]) -> str:
    """A row for each request that waits or executes; `wall` turns monotonic seconds into those of the epoch."""
    rows: list[Row] = []
    for _, level in sorted(levels.items()):
        for q in level.queues.values():
            rows += [_request(t, q.index, i, details, wall) for i, t in enumerate(q.waiting)]
        for ticket in level.running:
            index = ticket.queue.index if ticket.queue is not None and level.queuing.queues else -1
            rows.append(_request(ticket, index, -1, details, wall))
    return _table((*_REQUEST_COLUMNS, *(_DETAIL_COLUMNS if details else ())), rows)


def _request(ticket: Ticket, queue: int, place: int, details: bool, wall: Callable[[float], float]) -> Row:
    flow, info = ticket.flow, ticket.info
    started = _time(wall(ticket.started)) if place < 0 else _NEVER
    row: Row = (
        flow.level.name, flow.schema, queue, place, flow.distinguisher, _time(wall(ticket.arrived)), ticket.seats, 0, "0s",
        started,
    )  # fmt: skip
    if not details:
        return row
    version = f"{info.group}/{info.version}" if info.group else info.version
    return (
        *row,
        ticket.user.name,
        info.verb,
        info.path,
        info.namespace,
        info.name,
        version,
        info.resource,
        info.subresource,
    )


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _table(columns: Sequence[str], rows: Iterable[Row]) -> str:
    """Cells with commas, in columns at least eight wide."""
    lines = [[str(c) for c in columns], *([_cell(c) for c in row] for row in rows)]
    last = len(columns) - 1
    widths = [max(8, *(len(line[i]) + 2 for line in lines)) for i in range(last)]
    return "".join("".join(f"{line[i]},".ljust(widths[i]) for i in range(last)) + line[last] + "\n" for line in lines)


def _cell(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
