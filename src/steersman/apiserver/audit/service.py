"""The audit of one server: it judges requests by the policy, and gives their events to every sink."""

from __future__ import annotations

import asyncio
import time as machine
from collections.abc import Awaitable, Coroutine, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from steersman.api.clock import Clock
from steersman.api.metrics import Counter, Metric
from steersman.apiserver.audit.event import Event, UserInfo, source_ips, user_agent, user_info
from steersman.apiserver.audit.policy import LEVELS, Rules, Verdict
from steersman.apiserver.audit.sinks import Errors, Sink

if TYPE_CHECKING:
    from steersman.api.http import Request, User
    from steersman.apiserver.requestinfo import RequestInfo
    from steersman.kinds.catalog import Catalog

_REMEMBERED, _FEW = 1024, 64


class Audit:
    """One per server. `run` as long as it serves; `close` when nothing is asked any more. `now_format` is UTC."""

    def __init__(self, clock: Clock, rules: Rules, sinks: Sequence[Sink], errors: Errors | None = None) -> None:
        self.clock = clock
        self.errors = errors or Errors(clock)
        self.rejected = 0
        self._rules = rules
        self._sinks = tuple(sinks)
        self._only = sinks[0].take if len(sinks) == 1 else None
        self._events = 0
        self._levels = [0] * len(LEVELS)
        self._catalog: Catalog | None = None
        self._users: dict[int, tuple[User, UserInfo]] = {}
        self._connected: dict[str, list[str]] = {}
        """Of what an address alone says."""
        self._second = (-1, "")
        self._later: set[asyncio.Future[bool]] = set()

    def bind(self, catalog: Catalog) -> None:
        """Say which kinds there are, so that objects in protobuf can be shown."""
        self._catalog = catalog

    def judge(self, user: User | None, info: RequestInfo) -> Verdict:
        verdict = self._rules.judge(user, info)
        self._levels[verdict.level] += 1
        return verdict

    def emit(self, event: Event) -> Awaitable[bool] | bool:
        """Whether the request may go on."""
        self._events += 1
        if self._only is not None:
            return self._only(event)
        return _all([sink.take(event) for sink in self._sinks])

    def later(self, pending: Awaitable[bool]) -> None:
        """Nobody waits for this, but the end of the server."""
        task = asyncio.ensure_future(pending)
        self._later.add(task)
        task.add_done_callback(self._later.discard)

    # What events are made of, and is the same again and again.

    def user(self, user: User) -> UserInfo:
        known = self._users.get(id(user))
        if known is not None and known[0] is user:
            return known[1]
        if len(self._users) >= _REMEMBERED:
            self._users.clear()
        made = user_info(user)
        if len(user.groups) <= _FEW:
            self._users[id(user)] = user, made
        return made

    def origin(self, request: Request) -> tuple[list[str], str]:
        """Source addresses and user agent."""
        headers, remote = request.headers, request.remote
        agent = user_agent(headers)
        if "x-forwarded-for" in headers or "x-real-ip" in headers:
            return source_ips(headers, remote), agent
        known = self._connected.get(remote)
        if known is None:
            if len(self._connected) >= _REMEMBERED:
                self._connected.clear()
            known = self._connected[remote] = source_ips({}, remote)
        return known, agent

    def micro_time(self, seconds: float) -> str:
        """A time with microseconds, as in `2026-01-02T03:04:05.678901Z`."""
        whole = int(seconds)
        if self._second[0] != whole:
            self._second = whole, machine.strftime("%Y-%m-%dT%H:%M:%S", machine.gmtime(whole))
        return f"{self._second[1]}.{int((seconds - whole) * 1_000_000):06d}Z"

    def find(self, group: str, version: str, kind: str) -> type[Struct] | None:
        """The type of a kind."""
        if (group, version, kind) == ("", "v1", "Status"):
            from steersman.kinds.types.meta_v1 import Status

            return Status
        served = self._catalog.find_kind(group, version, kind) if self._catalog is not None else None
        return None if served is None else served.type

    # Life.

    async def run(self) -> None:
        """What the sinks do by themselves, until cancelled."""
        async with asyncio.TaskGroup() as group:
            for sink in self._sinks:
                work: Coroutine[Any, Any, None] = sink.run()
                group.create_task(work)

    async def close(self) -> None:
        """Everything that was noted is delivered now, or given up."""
        if self._later:
            await asyncio.wait(self._later)
        for sink in self._sinks:
            await sink.close()

    def metrics(self) -> Iterator[Metric]:
        """For /metrics."""
        prefix = "apiserver_audit_"
        events = Counter(f"{prefix}event_total", "Events that were made and given to the sinks.")
        events.add(by=self._events)
        rejected = Counter(f"{prefix}requests_rejected_total", "Requests that could not be audited and were refused.")
        rejected.add(by=self.rejected)
        levels = Counter(f"{prefix}level_total", "Requests by the level of the policy.", ("level",))
        for level, count in zip(LEVELS, self._levels, strict=True):
            levels.add(level, by=count)
        errors = Counter(f"{prefix}error_total", "Events that a sink has lost.", ("plugin",))
        for plugin, count in self.errors.counts.items():
            errors.add(plugin, by=count)
        yield from (events, rejected, levels, errors)


def _all(results: list[Awaitable[bool] | bool]) -> Awaitable[bool] | bool:
    """Whether all agree."""
    if all(isinstance(result, bool) for result in results):
        return False not in results

    async def each() -> bool:
        return all([result if isinstance(result, bool) else await result for result in results])

    return each()
