"""A store that is cut off at any moment comes back with all that it had told of, and with nothing but the start of the rest."""

from __future__ import annotations

import asyncio
import shutil
from itertools import chain
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import rule, run_state_machine_as_test
from tests.store.conftest import sqlite_opener
from tests.store.test_model import WRITES, StoreMachine

from steersman.store import Entry

LOG = "-wal"
Wave = list[tuple[str, str, bytes]]


class CrashingMachine(StoreMachine):
    """The machine of writes, reads, watches, compactions and restarts; and one more thing that can happen to a store."""

    make_opener = staticmethod(sqlite_opener)
    generation = 0

    @property
    def place(self) -> Path:
        """Where the file is now: the first directory, or that of the last crash."""
        first = Path(self.directory.name)
        return first / str(self.generation) if self.generation else first

    @rule(
        waves=st.lists(st.lists(WRITES, min_size=1, max_size=5), min_size=1, max_size=3),
        back=st.one_of(st.none(), st.integers(0, 20)),
        answers=st.one_of(st.just(0), st.integers(0, 10)),
        turns=st.integers(0, 50),
        torn=st.integers(0, 40_000),
        garbage=st.binary(max_size=100),
    )
    def crash(self, waves: list[Wave], back: int | None, answers: int, turns: int, torn: int, garbage: bytes) -> None:
        """Writes, perhaps a compaction, and after some answers and turns of the event loop the end, as the file is then.

        While nothing of it was answered, what was written may be torn, or followed by what was on the disk before.
        """
        target = None if back is None else max(1, self.model.revision - back)
        told, compacted, results = self.run(self._cut_off(waves, target, (answers, turns), torn, garbage))
        self.store = self.opener()
        assert self.store.revision >= max(told, self.model.revision)
        for entry, key, value in sorted(results, key=lambda r: r[0].revision):
            if entry.revision <= self.store.revision:
                assert entry.revision == self.model.revision + 1
                assert self.model.write(key, value) == entry
        possible = (self.model.compacted, max(self.model.compacted, target or 1))
        assert possible[compacted] <= self.store.compacted <= possible[1]
        self.model.compacted = self.store.compacted
        self.watch_again()

    async def _cut_off(
        self, waves: list[Wave], target: int | None, delay: tuple[int, int], torn: int, garbage: bytes
    ) -> tuple[int, bool, list[tuple[Entry, str, bytes | None]]]:
        """The newest revision and whether the compaction was told of by then; and all writes, as if there had been no end."""
        synced = self._log_size()
        tasks: list[asyncio.Future[Entry]] = []
        for wave in waves:
            # Each wave finds the commit of the one before under way.
            tasks += [asyncio.ensure_future(self._one(*write)) for write in wave]
            await asyncio.sleep(0)
        compaction = asyncio.ensure_future(self.store.compact(1 if target is None else target))
        await self._delay(tasks, *delay)
        told = [t.result().revision for t in tasks if t.done() and t.exception() is None]
        compacted = compaction.done()
        self._copy(max(synced, self._log_size() - torn) if not told and not compacted else None, garbage)
        results = await asyncio.gather(*tasks, return_exceptions=True)
        await compaction
        await self.store.close()
        succeeded = [
            (result, key, None if kind.startswith("delete") else value)
            for (kind, key, value), result in zip(chain(*waves), results, strict=True)
            if isinstance(result, Entry)
        ]
        return max(told, default=1), compacted, succeeded

    async def _delay(self, tasks: list[asyncio.Future[Entry]], answers: int, turns: int) -> None:
        """Until so many writes are answered (at most all), and so many turns more."""
        while sum(task.done() for task in tasks) < min(answers, len(tasks)):
            await asyncio.wait([task for task in tasks if not task.done()], return_when=asyncio.FIRST_COMPLETED)
        for _ in range(turns):
            await asyncio.sleep(0)

    def _log_size(self) -> int:
        return (self.place / f"store.db{LOG}").stat().st_size

    def _copy(self, keep: int | None, garbage: bytes) -> None:
        """The files as a process that is gone leaves them; of the log only the first bytes with `keep`, then garbage."""
        before, self.generation = self.place, self.generation + 1
        self.place.mkdir()
        for suffix in ("", LOG):
            shutil.copy(before / f"store.db{suffix}", self.place / f"store.db{suffix}")
        if keep is not None:
            log = self.place / f"store.db{LOG}"
            log.write_bytes(log.read_bytes()[:keep] + garbage)
        self.opener = sqlite_opener(self.place)


def test_any_interleaving_with_crashes() -> None:
    run_state_machine_as_test(
        CrashingMachine,
        settings=settings(
            max_examples=25, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
