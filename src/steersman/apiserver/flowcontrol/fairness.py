"""Priority and fairness of one API server: what a request's class is, whether it may go on, and what it leaves behind."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from steersman.api.clock import Clock
from steersman.api.errors import TooManyRequests
from steersman.api.http import User
from steersman.apiserver.flowcontrol import configuration, matching, width
from steersman.apiserver.flowcontrol.allocation import Adjusted
from steersman.apiserver.flowcontrol.dispatcher import Dispatcher
from steersman.apiserver.flowcontrol.level import EXECUTING, WAITING, Flow, Level, Ticket
from steersman.apiserver.flowcontrol.retry import RetryAfter
from steersman.apiserver.requestinfo import LONGEST_PATH, Query, RequestInfo
from steersman.kinds.flowcontrol.mandatory_specs import CATCH_ALL

TICK_SECONDS = 1.0
ADJUST_SECONDS = 10.0
MESSAGE = "Too many requests, please try again later."

_SCHEMA_HEADER = "X-Kubernetes-PF-FlowSchema-UID"
_LEVEL_HEADER = "X-Kubernetes-PF-PriorityLevel-UID"
# What lasts as long as its client likes has no seat; a watch has one until it begins to tell of what is there.
_LASTING = frozenset({"attach", "exec", "log", "portforward", "proxy"})
_KNOWN_FLOWS = 8192
# Refusals are answered one a millisecond: who asks again at once, as he should not, must not keep the server busy by it.
_REFUSAL_SECONDS = 0.001

Key = tuple[object, ...]


class Objects(Protocol):
    """Where the configuration is read."""

    def schemas(self) -> Sequence[Any]:
        """All FlowSchemas."""
        ...

    def levels(self) -> Sequence[Any]:
        """All PriorityLevelConfigurations."""
        ...

    def count(self, group: str, plural: str) -> int:
        """How many objects a resource has; 0 for what is not stored here."""
        ...


class Fairness:
    """The state of one server. `enter` and `leave` frame each request; `tick` must be called every second."""

    def __init__(self, objects: Objects, clock: Clock, total: int) -> None:
        self._objects = objects
        self._clock = clock
        self._total = total
        self.dispatcher = Dispatcher(clock.monotonic, clock.worked, _soon)
        self.levels: dict[str, Level] = {}
        self.schemas: list[Any] = []
        self.adjusted = Adjusted({}, {}, 0.0)
        self._flows: dict[Key, Flow] = {}
        self._stale = True
        self._adjust_at = clock.monotonic() + ADJUST_SECONDS
        self._refusal_at = clock.monotonic() - 1.0
        self._retry: dict[str, RetryAfter] = {}

    def changed(self) -> None:
        """The configuration may have changed: it is read again before the next request."""
        self._stale = True

    def _digest(self) -> None:
        self._stale = False
        found = self._objects.levels()
        self.levels = configuration.levels(found, self.levels, self._total, self._clock.monotonic())
        self.schemas = configuration.schemas(self._objects.schemas(), self.levels)
        self._flows.clear()
        self.dispatcher.resume()

    # Requests

    def enter(self, user: User, info: RequestInfo, query: Query, now: float) -> Ticket | None:
        """A request arrives: it may go on, must `wait`, or is refused. None for those that this is no matter of.

        Who gets a ticket must let it `leave`.
        """
        if self._stale:
            self._digest()
        verb = info.verb
        key: Key
        if info.is_resource:
            if info.subresource in _LASTING or verb == "proxy":
                return None
            key = (user.name, user.groups, verb, info.resource, info.group, info.namespace, info.subresource)
        else:
            key = (user.name, user.groups, verb, info.path)
        flow = self._flows.get(key)
        if flow is None:
            flow = self._classify(key, user, info)
        seats = 1
        if (verb == "list" or verb == "watch") and not flow.level.share.exempt:
            seats = self._width(flow.level, info, query)
        return self.dispatcher.enter(flow, seats, now, user, info)

    def _classify(self, key: Key, user: User, info: RequestInfo) -> Flow:
        schema = next((s for s in self.schemas if matching.matches(s, user, info)), None)
        if schema is None:
            # Somebody who is neither authenticated nor not, as only the server's own parts can be.
            schema = next(s for s in self.schemas if s.metadata.name == CATCH_ALL)
        level = self.levels[schema.spec.priorityLevelConfiguration.name]
        method = schema.spec.distinguisherMethod
        distinguisher = ""
        if method is not None:
            distinguisher = user.name if method.type == "ByUser" else info.namespace
        headers = {_SCHEMA_HEADER: schema.metadata.uid, _LEVEL_HEADER: level.uid}
        if len(self._flows) >= _KNOWN_FLOWS:
            self._flows.clear()
        flow = level.flow(schema.metadata.name, distinguisher, headers)
        if len(info.path) <= LONGEST_PATH:
            self._flows[key] = flow
        return flow

    def _width(self, level: Level, info: RequestInfo, query: Query) -> int:
        if info.name:
            return 1
        objects = self._objects.count(info.group, info.resource)
        work = width.watching if info.verb == "watch" else width.listing
        return work(objects, query, level.widest)

    async def wait(self, ticket: Ticket) -> None:
        """Until the request may go on. Raises TooManyRequests when it is refused."""
        if ticket.state is WAITING:
            woken = ticket.woken = asyncio.get_running_loop().create_future()
            try:
                await woken
            except asyncio.CancelledError:
                self.leave(ticket)
                raise
        if ticket.state is EXECUTING:
            self.dispatcher.begin(ticket, self._clock.monotonic())
            return
        await self._refuse(ticket.flow.level)

    async def _refuse(self, level: Level) -> None:
        now = self._clock.monotonic()
        self._refusal_at = max(now, self._refusal_at + _REFUSAL_SECONDS)
        seconds = self._retry.setdefault(level.name, RetryAfter()).note(self._clock.time())
        if self._refusal_at > now:
            await self._clock.sleep(self._refusal_at - now)
        raise TooManyRequests(MESSAGE, details={"retryAfterSeconds": seconds})

    def leave(self, ticket: Ticket) -> None:
        """The request is answered, or given up. Idempotent."""
        now = self._clock.monotonic()
        if ticket.state is WAITING:
            self.dispatcher.abandon(ticket, now)
        elif ticket.state is EXECUTING:
            kind = "watch" if ticket.info.verb == "watch" else "regular"
            ticket.flow.series.executions[kind].observe(now - ticket.started)
            self.dispatcher.leave(ticket, now)

    # Time

    def tick(self) -> None:
        """Refuse who has waited too long; from time to time, let levels lend each other seats."""
        now = self._clock.monotonic()
        self.dispatcher.expire(now)
        if now < self._adjust_at or self._stale:
            return
        self._adjust_at = now + ADJUST_SECONDS
        for level in self.levels.values():
            level.statistics.update(level.demand.take(now))
        self.adjusted = configuration.adjust(self.levels)
        self.levels = {name: level for name, level in self.levels.items() if not (level.leaving and level.idle)}
        self.dispatcher.resume()


def _soon(call: Callable[[], None]) -> None:
    asyncio.get_running_loop().call_soon(call)
