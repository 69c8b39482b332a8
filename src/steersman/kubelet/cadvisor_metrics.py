"""/metrics/cadvisor: the machine and every control group from the node's down to the containers', by cAdvisor's names and labels."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from steersman.api.metrics import pairs
from steersman.kubelet.accounting import Interface, Usage
from steersman.kubelet.observation import Observation, PodUse
from steersman.kubelet.pause import PAUSE_IMAGE
from steersman.kubelet.resource_metrics import Row, family, seconds
from steersman.kubelet.runtime.types import ContainerStats

_LABELS = ("container", "id", "image", "name", "namespace", "pod")


@dataclass(frozen=True, slots=True)
class _Group:
    """One control group. `created` is in seconds since the epoch; 0 is unknown."""

    names: tuple[str, ...]
    usage: Usage
    created: float = 0.0
    network: tuple[Interface, ...] = ()
    disk: int | None = None

    def labels(self, *more: tuple[str, str]) -> str:
        """All in the order of their names, as cAdvisor writes them."""
        every = sorted([*zip(_LABELS, self.names, strict=True), *more])
        return pairs([name for name, _ in every], [value for _, value in every])


def render(seen: Observation | None, cpus: int, memory: int, disks: Iterable[ContainerStats] = ()) -> str:
    """The text. `memory` is the machine's in bytes; `disks` say what containers have written to their own layer."""
    lines: list[str] = []
    if seen is not None:
        layers = {stats.id: stats.writable_layer.used_bytes for stats in disks if stats.writable_layer is not None}
        groups = list(_groups(seen, layers))
        stamp = round(seen.at * 1000)
        for name, kind, text, read in _PLAIN:
            lines += family(name, kind, text, ((g.labels(), read(g.usage)) for g in groups), stamp)
        for name, kind, text, rows in _others(groups, seen.at):
            lines += family(name, kind, text, rows, stamp)
    for name, text, value in (
        ("machine_cpu_cores", "Number of logical CPU cores.", cpus),
        ("machine_memory_bytes", "Amount of memory installed on the machine.", memory),
        (
            "container_scrape_error",
            "1 if there was an error while getting container metrics, 0 otherwise",
            seen is None,
        ),
    ):
        lines += family(name, "gauge", text, [("", int(value))])
    return "".join(f"{line}\n" for line in lines)


def _groups(seen: Observation, layers: dict[str, int]) -> Iterator[_Group]:
    yield _Group(("", "/", "", "", "", ""), seen.node, network=tuple(seen.network))
    for path, usage in seen.folders.items():
        yield _Group(("", path, "", "", "", ""), usage)
    for use in seen.pods:
        yield from _pod(use, layers)


def _pod(use: PodUse, layers: dict[str, int]) -> Iterator[_Group]:
    namespace, pod = use.pod.metadata.namespace, use.pod.metadata.name
    created = use.sandbox.created_at / 1e9
    yield _Group(("", use.path, "", "", namespace, pod), use.usage, created)
    if use.own is not None:
        # The pod's network is its sandbox's.
        names = "", f"{use.path}/{use.sandbox.id}", PAUSE_IMAGE, use.sandbox.id, namespace, pod
        yield _Group(names, use.own, created, tuple(use.network))
    spec = use.pod.spec
    images = {
        c.name: c.image for c in (*spec.containers, *(spec.initContainers or ()), *(spec.ephemeralContainers or ()))
    }
    for own in use.containers:
        container = own.container
        image = images.get(container.name) or container.image
        names = container.name, own.path, image, container.id, namespace, pod
        yield _Group(names, own.usage, container.created_at / 1e9, disk=layers.get(container.id))


_COUNTER, _GAUGE = "counter", "gauge"
_PLAIN: tuple[tuple[str, str, str, Callable[[Usage], float | None]], ...] = (
    ("container_cpu_cfs_periods_total", _COUNTER, "Number of elapsed enforcement period intervals.", lambda u: u.periods if u.quota else None),
    ("container_cpu_cfs_throttled_periods_total", _COUNTER, "Number of throttled period intervals.", lambda u: u.throttled_periods if u.quota else None),
    ("container_cpu_cfs_throttled_seconds_total", _COUNTER, "Total time duration the container has been throttled.", lambda u: seconds(u.throttled) if u.quota else None),
    ("container_cpu_system_seconds_total", _COUNTER, "Cumulative system cpu time consumed in seconds.", lambda u: seconds(u.cpu_system)),
    ("container_cpu_user_seconds_total", _COUNTER, "Cumulative user cpu time consumed in seconds.", lambda u: seconds(u.cpu_user)),
    ("container_memory_cache", _GAUGE, "Number of bytes of page cache memory.", lambda u: u.cache),
    ("container_memory_failcnt", _COUNTER, "Number of memory usage hits limits", lambda u: u.limit_hits),
    ("container_memory_mapped_file", _GAUGE, "Size of memory mapped files in bytes.", lambda u: u.mapped),
    ("container_memory_max_usage_bytes", _GAUGE, "Maximum memory usage recorded in bytes", lambda u: u.most_memory),
    ("container_memory_rss", _GAUGE, "Size of RSS in bytes.", lambda u: u.rss),
    ("container_memory_swap", _GAUGE, "Container swap usage in bytes.", lambda u: u.swap),
    ("container_memory_usage_bytes", _GAUGE, "Current memory usage in bytes, including all memory regardless of when it was accessed", lambda u: u.memory),
    ("container_memory_working_set_bytes", _GAUGE, "Current working set in bytes.", lambda u: u.working_set),
    ("container_oom_events_total", _COUNTER, "Count of out of memory events observed for the container", lambda u: u.ooms),
    ("container_spec_cpu_period", _GAUGE, "CPU period of the container.", lambda u: u.period),
    ("container_spec_cpu_quota", _GAUGE, "CPU quota of the container.", lambda u: u.quota),
    ("container_spec_cpu_shares", _GAUGE, "CPU share of the container.", lambda u: u.shares),
    ("container_spec_memory_limit_bytes", _GAUGE, "Memory limit for the container.", lambda u: u.memory_limit or 0),
    ("container_threads", _GAUGE, "Number of threads running inside the container", lambda u: u.processes),
)  # fmt: skip


def _others(groups: list[_Group], at: float) -> Iterator[tuple[str, str, str, list[Row]]]:
    """What has labels of its own."""
    yield (
        "container_cpu_usage_seconds_total",
        _COUNTER,
        "Cumulative cpu time consumed in seconds.",
        [(g.labels(("cpu", "total")), seconds(g.usage.cpu)) for g in groups],
    )
    yield (
        "container_memory_failures_total",
        _COUNTER,
        "Cumulative count of memory allocation failures.",
        [
            (g.labels(("failure_type", kind), ("scope", "hierarchy")), value)
            for g in groups
            for kind, value in (("pgfault", g.usage.faults), ("pgmajfault", g.usage.major_faults))
        ],
    )
    yield (
        "container_fs_usage_bytes",
        _GAUGE,
        "Number of bytes that are consumed by the container on this filesystem.",
        [(g.labels(("device", "")), g.disk) for g in groups],
    )
    yield from _io(groups)
    yield from _network(groups)
    last = ("container_last_seen", _GAUGE, "Last time a container was seen by the exporter")
    yield (*last, [(g.labels(), int(at)) for g in groups])
    began = ("container_start_time_seconds", _GAUGE, "Start time of the container since unix epoch in seconds.")
    yield (*began, [(g.labels(), g.created or None) for g in groups])


def _io(groups: list[_Group]) -> Iterator[tuple[str, str, str, list[Row]]]:
    for index, name, text in (
        (1, "container_fs_{}s_bytes_total", "Cumulative count of bytes {}"),
        (0, "container_fs_{}s_total", "Cumulative count of {}s completed"),
    ):
        for what, past in (("read", "read"), ("write", "written")):
            rows: list[Row] = [
                (g.labels(("device", device)), amounts[index])
                for g in groups
                for device, amounts in (g.usage.reads if what == "read" else g.usage.writes).items()
            ]
            yield name.format(what), _COUNTER, text.format(past if index else what), rows


def _network(groups: list[_Group]) -> Iterator[tuple[str, str, str, list[Row]]]:
    for short, side, past in (("rx", "receive", "received"), ("tx", "transmit", "transmitted")):
        for field, name, text in (
            ("bytes", "bytes", f"Cumulative count of bytes {past}"),
            ("errors", "errors", f"Cumulative count of errors encountered while {past[:-2]}ing"),
            ("dropped", "packets_dropped", f"Cumulative count of packets dropped while {past[:-2]}ing"),
            ("packets", "packets", f"Cumulative count of packets {past}"),
        ):
            rows: list[Row] = [
                (g.labels(("interface", one.name)), getattr(one, f"{short}_{field}"))
                for g in groups
                for one in g.network
            ]
            yield f"container_network_{side}_{name}_total", _COUNTER, text, rows
