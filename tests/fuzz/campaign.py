"""Sends mutated requests to an App and looks for what must not be: unexpected errors, answers that take long, growing memory.

usage: python -m tests.fuzz.campaign [--inputs 1000000] [--seed 1]
Every finding is printed with the seed that makes the request again: `python -m tests.fuzz.campaign --inputs 1 --seed N`.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import msgspec
from tests.fuzz import requests, samples

from steersman.api.clock import RealClock
from steersman.api.http import Request, Response
from steersman.apiserver import watchcache
from steersman.apiserver.config import ServerConfig
from steersman.apiserver.openapi.service import OpenAPIService
from steersman.apiserver.server import App
from steersman.kinds import catalog
from steersman.store.backends import memory

SLOW = 1.0
"""Seconds of CPU that no request may take."""
HANG = 120.0
_MEGABYTE = 2**20
# Objects change versions all the time; what the store remembers of that is not what is looked for.
_COMPACT_EVERY = 2000


class _Failures(logging.Handler):
    """Keeps the traces of requests that failed in a way nobody had foreseen."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.seen: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.seen.append(logging.Formatter().format(record))


@dataclass
class Report:
    """What came of a campaign."""

    statuses: Counter[int] = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)
    slowest: tuple[float, int] = (0.0, 0)
    """Seconds, and the seed of that request."""
    memory: list[float] = field(default_factory=list)
    """MiB resident, after each tenth."""


class Campaign:
    """One App over the memory store, with a custom resource, under mutated requests."""

    def __init__(self) -> None:
        clock = RealClock()
        kinds = catalog.load()
        # Past changes are kept up to a number; filled early, they do not hide what grows for ever.
        watchcache.WINDOW = 20
        self.store = memory.BACKEND.open("", clock)
        config = ServerConfig()
        openapi = OpenAPIService(kinds, config.git_version, serves=config.runtime.serves)
        self.app = App(self.store, clock, config, catalog=kinds, openapi=openapi)
        self.failures = _Failures()

    async def start(self) -> None:
        logging.getLogger("steersman").addHandler(self.failures)
        await self.app.start()
        crd = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", **samples.CRD}
        crd["metadata"] = {"name": "widgets.fuzz.example.com"}
        # Definitions are served by what the app does besides answering.
        self._serving = asyncio.create_task(self.app.custom.run())
        await self._set_up("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", crd)
        for _ in range(1000):
            if self.app.custom.served:
                break
            await asyncio.sleep(0)
        await self._set_up("/api/v1/namespaces/default/serviceaccounts", {"metadata": {"name": "default"}})

    async def _set_up(self, path: str, body: Any) -> None:
        headers = {"content-type": "application/json"}
        response = await self.app.handle(
            Request("POST", path, "", headers, msgspec.json.encode(body), user=requests.ADMIN)
        )
        if response.status >= 300:
            raise SystemExit(f"{path}: {response.body!r}")

    async def close(self) -> None:
        logging.getLogger("steersman").removeHandler(self.failures)
        self._serving.cancel()
        await self.app.close()
        await self.store.close()

    async def run(self, first: int, inputs: int) -> Report:
        report = Report()
        for seed in range(first, first + inputs):
            await self._try(seed, report)
            if (seed - first + 1) % max(1, inputs // 10) == 0:
                gc.collect()
                report.memory.append(resident())
            if seed % _COMPACT_EVERY == 0:
                await self.store.compact(self.store.revision)
        return report

    async def _try(self, seed: int, report: Report) -> None:
        request = requests.make(Random(seed))
        what = f"seed {seed}: {request.method} {request.path}?{request.query}"
        began = time.process_time()
        try:
            response = await asyncio.wait_for(self.app.handle(request), HANG)
            await _finish(response)
        except TimeoutError:
            report.findings.append(f"{what}: no answer after {HANG:.0f} s")
            return
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what is looked for
            report.findings.append(f"{what}: {type(error).__name__}: {error}")
            return
        took = time.process_time() - began
        report.slowest = max(report.slowest, (took, seed))
        report.statuses[response.status] += 1
        if took > SLOW:
            report.findings.append(f"{what}: took {took:.2f} s")
        if self.failures.seen:
            report.findings += [f"{what}\n{trace}" for trace in self.failures.seen]
            self.failures.seen.clear()


async def _finish(response: Response) -> None:
    """Read the beginning of what is streamed, and end it."""
    if isinstance(response.body, bytes):
        return
    closer = getattr(response.body, "aclose", None)
    if closer is not None:
        await closer()


def resident() -> float:
    """MiB of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / _MEGABYTE


async def campaign(first: int, inputs: int) -> Report:
    running = Campaign()
    await running.start()
    try:
        return await running.run(first, inputs)
    finally:
        await running.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    logging.disable(logging.NOTSET)
    logging.getLogger().addHandler(logging.NullHandler())
    began = time.monotonic()
    report = asyncio.run(campaign(options.seed, options.inputs))
    print(
        f"{options.inputs} inputs in {time.monotonic() - began:.0f} s; answers: {dict(sorted(report.statuses.items()))}"
    )
    print(f"slowest: {report.slowest[0] * 1e3:.0f} ms of CPU (seed {report.slowest[1]})")
    print(f"memory, MiB by tenth: {' '.join(f'{m:.0f}' for m in report.memory)}")
    for finding in report.findings[:50]:
        print(finding)
    print(f"{len(report.findings)} findings")
    return int(bool(report.findings))


if __name__ == "__main__":
    sys.exit(main())
