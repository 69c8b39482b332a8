"""/metrics/resource: what containers, pods and the node have used, as metrics-server reads it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from steersman.api.metrics import line, pairs
from steersman.kinds.types.core_v1 import Pod
from steersman.kubelet.observation import Observation

_SECOND = 1_000_000_000
_CONTAINER = ("container", "pod", "namespace")
_POD = ("pod", "namespace")
Row = tuple[str, float | None]
"""Labels as they are written, and a value."""
Family = tuple[str, str, str, list[Row]]
"""Name, kind, what it says, and its series."""


def render(seen: Observation | None) -> str:
    """The text; without an observation it says that there was an error."""
    lines: list[str] = []
    if seen is not None:
        stamp = round(seen.at * 1000)
        for name, kind, text, rows in (*_of_containers(seen), *_of_the_node(seen), *_of_pods(seen)):
            lines += family(name, kind, text, rows, 0 if name == "container_start_time_seconds" else stamp)
    failed = 0 if seen is not None else 1
    for name, text in (
        ("resource_scrape_error", "1 if there was an error while getting container metrics, 0 otherwise"),
        ("scrape_error", "1 if there was an error while getting container metrics, 0 otherwise"),
    ):
        lines += family(name, "gauge", text, [("", failed)])
    return "".join(f"{line}\n" for line in lines)


def family(name: str, kind: str, text: str, rows: Iterable[Row], stamp: int = 0) -> Iterator[str]:
    """One name with its series; nothing when none has a value. `stamp` is in milliseconds since the epoch."""
    first = True
    for labels, value in rows:
        if value is None:
            continue
        if first:
            yield f"# HELP {name} {text}"
            yield f"# TYPE {name} {kind}"
            first = False
        yield f"{line(name, labels, value)} {stamp}" if stamp else line(name, labels, value)


def seconds(nanoseconds: int | None) -> float | None:
    return None if nanoseconds is None else nanoseconds / _SECOND


def _of_containers(seen: Observation) -> Iterator[Family]:
    containers = [
        (pairs(_CONTAINER, (use.container.name, *_names(pod.pod))), use) for pod in seen.pods for use in pod.containers
    ]
    yield (
        "container_cpu_usage_seconds_total",
        "counter",
        "Cumulative cpu time consumed by the container in core-seconds",
        [(labels, seconds(use.usage.cpu)) for labels, use in containers],
    )
    yield (
        "container_memory_working_set_bytes",
        "gauge",
        "Current working set of the container in bytes",
        [(labels, use.usage.working_set) for labels, use in containers],
    )
    yield (
        "container_start_time_seconds",
        "gauge",
        "Start time of the container since unix epoch in seconds",
        [(labels, seconds(use.container.created_at)) for labels, use in containers],
    )
    yield (
        "container_swap_usage_bytes",
        "gauge",
        "Current amount of the container swap usage in bytes. Reported only on non-windows systems",
        [(labels, use.usage.swap) for labels, use in containers],
    )


def _of_the_node(seen: Observation) -> Iterator[Family]:
    yield (
        "node_cpu_usage_seconds_total",
        "counter",
        "Cumulative cpu time consumed by the node in core-seconds",
        [("", seconds(seen.node.cpu))],
    )
    yield (
        "node_memory_working_set_bytes",
        "gauge",
        "Current working set of the node in bytes",
        [("", seen.node.working_set)],
    )
    yield (
        "node_swap_usage_bytes",
        "gauge",
        "Current swap usage of the node in bytes. Reported only on non-windows systems",
        [("", seen.node.swap)],
    )


def _of_pods(seen: Observation) -> Iterator[Family]:
    pods = [(pairs(_POD, _names(use.pod)), use.usage) for use in seen.pods]
    yield (
        "pod_cpu_usage_seconds_total",
        "counter",
        "Cumulative cpu time consumed by the pod in core-seconds",
        [(labels, seconds(usage.cpu)) for labels, usage in pods],
    )
    yield (
        "pod_memory_working_set_bytes",
        "gauge",
        "Current working set of the pod in bytes",
        [(labels, usage.working_set) for labels, usage in pods],
    )
    yield (
        "pod_swap_usage_bytes",
        "gauge",
        "Current amount of the pod swap usage in bytes. Reported only on non-windows systems",
        [(labels, usage.swap) for labels, usage in pods],
    )


def _names(pod: Pod) -> tuple[str, str]:
    return pod.metadata.name, pod.metadata.namespace
