"""Measures the watch cache: a list of 500 pods as bytes, events to many watchers, start-up with many objects.

python benchmarks/watchcache.py [--objects 50000] [--watchers 100] [--events 2000]
"""

from __future__ import annotations

import argparse
import asyncio
import time

import msgspec
import uvloop

from steersman import store
from steersman.api import fields, labels
from steersman.api.clock import RealClock
from steersman.api.meta import Resource
from steersman.apiserver.cached import Described, join_bodies
from steersman.apiserver.watchcache import WatchCache
from steersman.apiserver.watchstream import WatchStream

PREFIX = "/registry/core/pods/"


class _Metadata(msgspec.Struct):
    labels: dict[str, str] | None = None


class _Spec(msgspec.Struct):
    nodeName: str = ""


class _Head(msgspec.Struct):
    metadata: _Metadata
    spec: _Spec


_head = msgspec.json.Decoder(_Head)


def describe(value: bytes) -> Described:
    head = _head.decode(value)
    return head.metadata.labels or {}, {"spec.nodeName": head.spec.nodeName}


def pod(number: int, node: int = 0) -> bytes:
    """About 2 KB, as pods are."""
    container = {
        "name": "web",
        "image": "example/web:v1",
        "env": [{"name": f"V{i}", "value": "x" * 40} for i in range(24)],
    }
    return msgspec.json.encode(
        {
            "kind": "Pod",
            "apiVersion": "v1",
            "metadata": {"name": f"pod-{number}", "labels": {"app": f"app-{number % 50}"}},
            "spec": {"nodeName": f"node-{node}", "containers": [container]},
        }
    )


def report(what: str, value: float, unit: str) -> None:
    print(f"{what:<56}{value:>12,.2f} {unit}")


async def count_lines(stream: WatchStream, wanted: int) -> None:
    seen = 0
    while seen < wanted:
        seen += len(await anext(stream))
    stream.close()


async def fan_out(
    target: store.Store, cache: WatchCache, streams: list[WatchStream], events: int, wanted: int
) -> float:
    """Microseconds per event, with the write itself; each stream gets `wanted` lines."""
    started = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for stream in streams:
            group.create_task(count_lines(stream, wanted))
        for start in range(0, events, 10):
            await asyncio.gather(*(_touch(target, cache, number) for number in range(start, start + 10)))
    return (time.perf_counter() - started) / events * 1e6


async def _touch(target: store.Store, cache: WatchCache, number: int) -> None:
    current = cache.get(f"ns-{number % 100}", f"pod-{number}")
    assert current is not None
    await target.update(current.key, current.value, current.revision)


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=int, default=50_000)
    parser.add_argument("--watchers", type=int, default=100)
    parser.add_argument("--events", type=int, default=2000)
    options = parser.parse_args()
    clock = RealClock()
    target = store.open("memory://", clock)
    for start in range(0, options.objects, 1000):
        names = range(start, start + 1000)
        await asyncio.gather(*(target.create(f"{PREFIX}ns-{i % 100}/pod-{i}", pod(i, i % 1000)) for i in names))
    cache = WatchCache(target, PREFIX, describe, clock, resource=Resource("", "v1", "pods", "Pod", True))
    started = time.perf_counter()
    await cache.start()
    report(f"start with {options.objects:,} objects", (time.perf_counter() - started) * 1000, "ms")
    report("bytes of a pod", len(pod(1)), "B")

    rounds = 200
    started = time.perf_counter()
    for _ in range(rounds):
        size = len(join_bodies(cache.list("ns-1")[:500]))
    report(f"list of 500 pods in a namespace ({size:,} B)", (time.perf_counter() - started) / rounds * 1000, "ms")
    app = labels.parse("app=app-1")
    for name in ("first time", "again"):
        started = time.perf_counter()
        found = len(cache.list("", app))
        report(f"list by label over all ({found:,} found), {name}", (time.perf_counter() - started) * 1000, "ms")

    now = cache.revision
    streams = [cache.watch("", after=now) for _ in range(options.watchers)]
    report(
        f"event to {options.watchers} equal watchers",
        await fan_out(target, cache, streams, options.events, options.events),
        "µs",
    )
    now = cache.revision
    streams = [cache.watch("", None, fields.parse(f"spec.nodeName=node-{i}"), after=now) for i in range(1000)]
    each = options.events // 1000
    report("event to 1,000 kubelets", await fan_out(target, cache, streams, each * 1000, each), "µs")
    report("event to nobody", await fan_out(target, cache, [], options.events, 0), "µs")
    await target.close()


if __name__ == "__main__":
    uvloop.run(main())
