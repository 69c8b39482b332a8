"""Measures a store: writes per second alone and concurrent, start-up with many keys, paging at an old revision.

python benchmarks/store.py [--directory DIR] [--keys 150000] [--size 2048] [--seconds 3]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import shutil
import tempfile
import time
from collections.abc import Awaitable, Callable

import uvloop

from steersman import store
from steersman.api.clock import RealClock


def report(what: str, value: float, unit: str) -> None:
    print(f"{what:<44}{value:>12,.2f} {unit}")


async def writes_per_second(target: store.Store, writers: int, size: int, seconds: float) -> float:
    """Creates by `writers` tasks, each awaiting one write at a time."""
    value = os.urandom(size)
    end = time.perf_counter() + seconds

    async def writer(number: int) -> int:
        count = 0
        while time.perf_counter() < end:
            await target.create(f"/registry/core/pods/{writers}-{number}/{count}", value)
            count += 1
        return count

    started = time.perf_counter()
    counts = await asyncio.gather(*(writer(number) for number in range(writers)))
    return sum(counts) / (time.perf_counter() - started)


async def timed(act: Callable[[], Awaitable[object]]) -> float:
    started = time.perf_counter()
    await act()
    return (time.perf_counter() - started) * 1000


async def fill(target: store.Store, keys: int, size: int) -> None:
    for start in range(0, keys, 5000):
        names = range(start, min(keys, start + 5000))
        await asyncio.gather(
            *(target.create(f"/registry/core/pods/ns-{i % 100}/pod-{i}", os.urandom(size)) for i in names)
        )


async def page_through(target: store.Store) -> None:
    after, revision = "", target.revision - 1000
    while True:
        page = await target.list("/registry/core/pods/", revision=revision, after=after, limit=500)
        if not page.more:
            return
        after = page.entries[-1].key


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--directory", default=None, help="where to put the database (default: a temporary one)")
    parser.add_argument("--keys", type=int, default=150_000)
    parser.add_argument("--size", type=int, default=2048, help="bytes per value")
    parser.add_argument("--seconds", type=float, default=3.0)
    options = parser.parse_args()
    directory = tempfile.mkdtemp(dir=options.directory)
    clock = RealClock()
    try:
        for url in ("memory://", f"sqlite://{directory}/writes.db"):
            target = store.open(url, clock)
            for writers in (1, 8, 64):
                rate = await writes_per_second(target, writers, options.size, options.seconds)
                report(f"{url.partition(':')[0]}: writes, {writers} writers", rate, "/s")
            await target.close()
        url = f"sqlite://{directory}/many.db"
        target = store.open(url, clock)
        elapsed = await timed(lambda: fill(target, options.keys, options.size))
        report(f"sqlite: fill {options.keys:,} keys", elapsed, "ms")
        await target.close()
        started = time.perf_counter()
        target = store.open(url, clock)
        report(f"sqlite: open with {options.keys:,} keys", (time.perf_counter() - started) * 1000, "ms")
        report("list 500 of them", await timed(lambda: target.list("/registry/core/pods/ns-1/", limit=500)), "ms")
        report("list all", await timed(lambda: target.list("/registry/core/pods/")), "ms")
        report("page through at an old revision by 500", await timed(lambda: page_through(target)), "ms")
        report("compact", await timed(lambda: target.compact(target.revision)), "ms")
        await target.close()
        report("peak memory", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "MiB")
    finally:
        shutil.rmtree(directory)


if __name__ == "__main__":
    uvloop.run(main())
