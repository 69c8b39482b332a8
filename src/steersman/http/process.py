"""A process as the kernel counts it, in the metrics that Prometheus' own clients give of theirs."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from pathlib import Path

from steersman.api.metrics import Counter, Gauge, Metric

PROC = Path("/proc")


def started(pid: int | str = "self", root: Path = PROC) -> float:
    """When a process began, in seconds since the epoch."""
    fields = (root / str(pid) / "stat").read_text().rpartition(")")[2].split()
    booted = next(line.split()[1] for line in (root / "stat").read_text().splitlines() if line.startswith("btime "))
    return int(booted) + int(fields[19]) / os.sysconf("SC_CLK_TCK")


def metrics(root: Path = PROC) -> Iterator[Metric]:
    """What this process has used and may use, at this moment."""
    fields = (root / "self" / "stat").read_text().rpartition(")")[2].split()
    ticks = os.sysconf("SC_CLK_TCK")
    used = Counter("process_cpu_seconds_total", "Total user and system CPU time spent in seconds.")
    used.add(by=(int(fields[11]) + int(fields[12])) / ticks)
    yield used
    for name, text, value in (
        ("max_fds", "Maximum number of open file descriptors.", resource.getrlimit(resource.RLIMIT_NOFILE)[0]),
        ("open_fds", "Number of open file descriptors.", len(os.listdir(root / "self" / "fd"))),
        ("resident_memory_bytes", "Resident memory size in bytes.", int(fields[21]) * resource.getpagesize()),
        ("start_time_seconds", "Start time of the process since unix epoch in seconds.", started(root=root)),
        ("virtual_memory_bytes", "Virtual memory size in bytes.", int(fields[20])),
    ):
        gauge = Gauge(f"process_{name}", text)
        gauge.put(value)
        yield gauge
