"""Any interleaving of writes, watches, reads, compactions and restarts equals a model of the store."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from steersman.store import Compacted, Entry, Event, KeyExists, RevisionMismatch, Store, Watch, WatchOverflow

T = TypeVar("T")
Opener = Callable[[], Store]

KEYS = st.sampled_from(["/a/x", "/a/y", "/a/x/z", "/b/x", "/a-b/x"])
PREFIXES = st.sampled_from(["", "/a/", "/b/", "/a/x/"])
VALUES = st.binary(min_size=1, max_size=3)
WRITES = st.tuples(st.sampled_from(["create", "update", "stale update", "delete", "delete any"]), KEYS, VALUES)


@dataclass
class Model:
    """Every version of every key, by a list of states: `states[r]` is the store at revision r."""

    states: dict[int, dict[str, Entry]] = field(default_factory=lambda: {1: {}})
    events: list[Event] = field(default_factory=list)
    compacted: int = 1

    @property
    def revision(self) -> int:
        return max(self.states)

    @property
    def now(self) -> dict[str, Entry]:
        return self.states[self.revision]

    def write(self, key: str, value: bytes | None) -> Entry:
        before = self.now.get(key)
        revision = self.revision + 1
        after = dict(self.now)
        if value is not None:
            answer = after[key] = Entry(key, value, revision, before.create_revision if before else revision)
        else:
            assert before is not None
            del after[key]
            answer = Entry(key, before.value, revision, before.create_revision)
        self.states[revision] = after
        self.events.append(
            Event(key, revision, value or b"", before.value if before else None, before.revision if before else 0)
        )
        return answer

    def under(self, prefix: str, revision: int) -> list[Entry]:
        state = self.states[revision]
        return [state[key] for key in sorted(state) if key.startswith(prefix)]

    def since(self, prefix: str, after: int) -> list[Event]:
        return [event for event in self.events if event.revision > after and event.key.startswith(prefix)]


@dataclass
class Watcher:
    prefix: str
    after: int
    watch: Watch


class StoreMachine(RuleBasedStateMachine):
    """Drives a store and the model side by side; `make_opener` is set by the test."""

    make_opener: Callable[[Path], Opener]

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.directory = tempfile.TemporaryDirectory()
        self.model = Model()
        self.watchers: list[Watcher] = []

    def run(self, act: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(asyncio.wait_for(act, 60))

    @initialize()
    def open(self) -> None:
        self.opener = type(self).make_opener(Path(self.directory.name))
        self.store = self.opener()

    def teardown(self) -> None:
        self.run(self.store.close())
        self.runner.close()
        self.directory.cleanup()

    @rule(writes=st.lists(WRITES, min_size=1, max_size=8))
    def write_at_once(self, writes: list[tuple[str, str, bytes]]) -> None:
        """Writes of one turn: each that succeeds fits the state before it, each that fails has its error.

        A write that meets one which is not durable yet waits, so they need not take effect in their order.
        """
        self._check(writes, self.run(self._all(writes)))

    @rule(prefix=PREFIXES, back=st.integers(0, 20), writes=st.lists(WRITES, min_size=1, max_size=8))
    def read_the_past_while_writing(self, prefix: str, back: int, writes: list[tuple[str, str, bytes]]) -> None:
        revision = max(self.model.compacted, self.model.revision - back)

        async def both() -> tuple[list[Entry], list[Entry | BaseException]]:
            return await asyncio.gather(self._pages(prefix, revision, 2), self._all(writes))

        entries, results = self.run(both())
        assert entries == self.model.under(prefix, revision)
        self._check(writes, results)

    def _check(self, writes: list[tuple[str, str, bytes]], results: list[Entry | BaseException]) -> None:
        if len(writes) == 1:
            assert isinstance(results[0], Entry) is self._succeeds(*writes[0])
        succeeded: list[tuple[int, str, bytes | None, Entry]] = []
        for (kind, key, value), result in zip(writes, results, strict=True):
            if isinstance(result, Entry):
                succeeded.append((result.revision, key, None if kind.startswith("delete") else value, result))
            else:
                assert isinstance(result, KeyExists if kind == "create" else RevisionMismatch)
        for revision, key, written, result in sorted(succeeded):
            assert revision == self.model.revision + 1
            assert self.model.write(key, written) == result

    def _succeeds(self, kind: str, key: str, _: bytes) -> bool:
        match kind:
            case "create":
                return key not in self.model.now
            case "stale update":
                return False
            case _:
                return key in self.model.now

    async def _all(self, writes: list[tuple[str, str, bytes]]) -> list[Entry | BaseException]:
        tasks = [asyncio.ensure_future(self._one(*write)) for write in writes]
        return await asyncio.gather(*tasks, return_exceptions=True)

    async def _one(self, kind: str, key: str, value: bytes) -> Entry:
        current = self.model.now.get(key)
        revision = current.revision if current else 1
        match kind:
            case "create":
                return await self.store.create(key, value)
            case "update":
                return await self.store.update(key, value, revision)
            case "stale update":
                return await self.store.update(key, value, revision - 1)
            case "delete":
                return await self.store.delete(key, revision)
            case _:
                return await self.store.delete(key)

    @rule(prefix=PREFIXES, back=st.integers(0, 20))
    def watch(self, prefix: str, back: int) -> None:
        after = max(1, self.model.revision - back)
        if after < self.model.compacted:
            with pytest.raises(Compacted):
                self.store.watch(prefix, after)
        elif len(self.watchers) < 4:
            self.watchers.append(Watcher(prefix, after, self.store.watch(prefix, after)))

    @precondition(lambda self: self.watchers)
    @rule(number=st.integers(0, 3))
    def read_a_watch(self, number: int) -> None:
        watcher = self.watchers[number % len(self.watchers)]
        expected = self.model.since(watcher.prefix, watcher.after)
        if not expected:
            return
        try:
            got = self.run(self._take(watcher.watch, len(expected)))
        except Compacted:
            assert watcher.after < self.model.compacted
            self.watchers.remove(watcher)
            return
        except WatchOverflow:
            assert len(expected) > 50
            self.watchers.remove(watcher)
            return
        assert got == expected
        watcher.after = expected[-1].revision

    async def _take(self, watch: Watch, count: int) -> list[Event]:
        events: list[Event] = []
        while len(events) < count:
            events += await anext(watch)
        return events

    @rule(prefix=PREFIXES, back=st.integers(0, 20), limit=st.integers(0, 3))
    def read_the_past(self, prefix: str, back: int, limit: int) -> None:
        revision = max(1, self.model.revision - back)
        if revision < self.model.compacted:
            with pytest.raises(Compacted):
                self.run(self.store.list(prefix, revision=revision))
            return
        assert self.run(self._pages(prefix, revision, limit)) == self.model.under(prefix, revision)
        for key in ("/a/x", "/b/x"):
            assert self.run(self.store.get(key, revision)) == self.model.states[revision].get(key)

    async def _pages(self, prefix: str, revision: int, limit: int) -> list[Entry]:
        entries: list[Entry] = []
        while True:
            after = entries[-1].key if entries else ""
            page = await self.store.list(prefix, revision=revision, after=after, limit=limit)
            entries += page.entries
            assert page.remaining == len(self.model.under(prefix, revision)) - len(entries)
            if not page.more:
                return entries

    @rule(back=st.integers(0, 20))
    def compact(self, back: int) -> None:
        revision = max(1, self.model.revision - back)
        self.run(self.store.compact(revision))
        self.model.compacted = max(self.model.compacted, revision)

    @rule()
    def restart(self) -> None:
        self.run(self.store.close())
        self.store = self.opener()
        self.watch_again()

    def watch_again(self) -> None:
        """Every watch goes on where it was, in the store that was opened again."""
        for watcher in tuple(self.watchers):
            if watcher.after < self.model.compacted:
                self.watchers.remove(watcher)
            else:
                watcher.watch = self.store.watch(watcher.prefix, watcher.after)

    @invariant()
    def equals_the_model(self) -> None:
        assert (self.store.revision, self.store.compacted) == (self.model.revision, self.model.compacted)
        assert self.run(self.store.list("")).entries == self.model.under("", self.model.revision)


def test_any_interleaving(make_opener: Callable[[Path], Opener]) -> None:
    machine = type("Machine", (StoreMachine,), {"make_opener": staticmethod(make_opener)})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=25, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
