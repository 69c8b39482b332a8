"""The stats summary (`/stats/summary`): what the node, its pods and their containers use, in the shape of stats.k8s.io."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from steersman.api.meta import format_time, parse_time
from steersman.kinds.types.core_v1 import Pod
from steersman.kubelet.accounting import Interface, Usage
from steersman.kubelet.observation import ContainerUse, Observation, PodUse
from steersman.kubelet.runtime.types import ContainerStats

# The interface whose figures stand for all in the summary.
_DEFAULT_INTERFACE = "eth0"
# A shorter time between two looks gives no rate worth the name.
_SHORTEST = 1.0
# Files with several names that are remembered, so that they count once.
_MOST_LINKED = 100_000
Plain = dict[str, Any]


class Rates:
    """Cores in use, from what had been used when it was asked for last. Nothing is measured in between."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[float, int, int | None]] = {}

    def take(self, at: float, used: Mapping[str, int | None]) -> Mapping[str, int]:
        """Nanocores by path of a control group, for those that were there before. Groups that are gone are forgotten."""
        fresh: dict[str, tuple[float, int, int | None]] = {}
        for path, cpu in used.items():
            if cpu is None:
                continue
            then, before, rate = self._last.get(path, (at, cpu, None))
            if path in self._last and at - then < _SHORTEST:
                fresh[path] = then, before, rate
                continue
            rate = round((cpu - before) / (at - then)) if at > then and cpu >= before else None
            fresh[path] = at, cpu, rate
        self._last = fresh
        return {path: rate for path, (_, _, rate) in fresh.items() if rate is not None}


@dataclass(frozen=True, slots=True)
class Disk:
    """A file system, and what something has in it, in bytes and inodes."""

    capacity: int
    available: int
    used: int
    inodes: int
    inodes_free: int
    inodes_used: int


def file_system(path: Path, used: tuple[int, int] | None = None) -> Disk:
    """The file system that holds the path; `used` is (bytes, inodes) of a part of it. Raises OSError."""
    stats = os.statvfs(path)
    size = stats.f_frsize
    whole = ((stats.f_blocks - stats.f_bfree) * size, stats.f_files - stats.f_ffree)
    mine = whole if used is None else used
    return Disk(stats.f_blocks * size, stats.f_bavail * size, mine[0], stats.f_files, stats.f_ffree, mine[1])


def measure(folder: Path) -> tuple[int, int]:
    """Bytes and inodes of everything below a folder, each file once; what goes meanwhile does not count.

    However much a pod has made there, little is kept of it at a time.
    """
    size = count = 0
    linked: set[int] = set()
    for found in _everything(folder):
        if found.st_nlink > 1 and not stat.S_ISDIR(found.st_mode):
            if found.st_ino in linked:
                continue
            if len(linked) < _MOST_LINKED:
                linked.add(found.st_ino)
        size += found.st_blocks * 512
        count += 1
    return size, count


def _everything(folder: Path) -> Iterator[os.stat_result]:
    """The folder and all below it, depth first: of each level only the place where we are is kept."""
    levels = []
    try:
        yield os.lstat(folder)
        levels.append(os.scandir(folder))
    except OSError:
        return
    try:
        while levels:
            try:
                entry = next(levels[-1], None)
                if entry is None:
                    levels.pop().close()
                    continue
                found = entry.stat(follow_symlinks=False)
                if stat.S_ISDIR(found.st_mode):
                    levels.append(os.scandir(entry.path))
            except OSError:
                continue
            yield found
    finally:
        for level in levels:
            level.close()


@dataclass(frozen=True, slots=True)
class Storage:
    """What there is on disk: the node's file system, that of images, and by pod its logs and volumes."""

    node: Disk
    images: Disk
    # By the pod's uid: the container's name, or the volume's.
    logs: Mapping[str, Mapping[str, tuple[int, int]]]
    volumes: Mapping[str, Mapping[str, Disk]]
    layers: Mapping[str, ContainerStats]


def storage(
    root: Path,
    pods: Iterable[PodUse],
    logs: Mapping[str, Path],
    volumes: Mapping[str, Mapping[str, Path]],
    images: tuple[Path, int, int],
    layers: Iterable[ContainerStats],
) -> Storage:
    """Measures what is below the given folders; `images` are where they are and their bytes and inodes. Takes its time."""
    place, *used = images
    return Storage(
        file_system(root),
        file_system(place if place.exists() else root, (used[0], used[1])),
        {
            use.pod.metadata.uid: {
                own.container.name: measure(logs[use.pod.metadata.uid] / own.container.name) for own in use.containers
            }
            for use in pods
        },
        {
            uid: {name: disk for name, folder in own.items() if (disk := _volume(folder)) is not None}
            for uid, own in volumes.items()
        },
        {stats.id: stats for stats in layers},
    )


def _volume(folder: Path) -> Disk | None:
    """What a volume has; None for one that is not there, or goes while it is measured."""
    try:
        return file_system(folder, measure(folder)) if folder.is_dir() else None
    except OSError:
        return None


def summary(node: str, since: float, seen: Observation, rates: Rates, disks: Storage | None = None) -> Plain:
    """stats.k8s.io's Summary as plain values; `since` is when the node started. Without `disks` it is processor and memory."""
    time = _time(seen.at)
    used = {"/": seen.node.cpu, **{path: usage.cpu for path, usage in seen.folders.items()}}
    for use in seen.pods:
        used[use.path] = use.usage.cpu
        used.update({own.path: own.usage.cpu for own in use.containers})
    cores = rates.take(seen.at, used)
    whole: Plain = {"nodeName": node, "startTime": _time(since), **_figures(seen.node, time, cores.get("/"))}
    pods_folder = next(iter(seen.folders.items()), None)
    if pods_folder is not None:
        path, usage = pods_folder
        figures = _figures(usage, time, cores.get(path))
        whole["systemContainers"] = [{"name": "pods", "startTime": _time(since), **figures}]
    if disks is not None:
        whole["network"] = _network(seen.network, time)
        whole["fs"] = _disk(disks.node, time)
        whole["runtime"] = {"imageFs": _disk(disks.images, time), "containerFs": _disk(disks.images, time)}
    return {"node": whole, "pods": [_pod(use, time, cores, disks) for use in seen.pods]}


def _pod(use: PodUse, time: str, cores: Mapping[str, int], disks: Storage | None) -> Plain:
    meta = use.pod.metadata
    out: Plain = {
        "podRef": {"name": meta.name, "namespace": meta.namespace, "uid": meta.uid},
        "startTime": _started(use.pod, use.sandbox.created_at),
        "containers": [_container(own, use, time, cores, disks) for own in use.containers],
        **_figures(use.usage, time, cores.get(use.path)),
    }
    if use.usage.processes is not None:
        out["process_stats"] = {"process_count": use.usage.processes}
    if disks is None:
        return out
    if use.network:
        out["network"] = _network(use.network, time)
    volumes = disks.volumes.get(meta.uid, {})
    out["volume"] = [{**_disk(disk, time), "name": name} for name, disk in volumes.items()]
    out["ephemeral-storage"] = _ephemeral(use, time, disks)
    return out


def _ephemeral(use: PodUse, time: str, disks: Storage) -> Plain:
    """What the pod itself has on the node's disk: its layers, its logs, and its empty directories that are not in memory."""
    used, inodes = 0, 0
    local = {v.name for v in use.pod.spec.volumes or () if v.emptyDir is not None and v.emptyDir.medium != "Memory"}
    parts = [*disks.logs.get(use.pod.metadata.uid, {}).values()]
    parts += [(d.used, d.inodes_used) for n, d in disks.volumes.get(use.pod.metadata.uid, {}).items() if n in local]
    for own in use.containers:
        layer = disks.layers.get(own.container.id)
        if layer is not None and layer.writable_layer is not None:
            parts.append((layer.writable_layer.used_bytes, layer.writable_layer.inodes_used))
    for size, count in parts:
        used, inodes = used + size, inodes + count
    return {**_disk(disks.node, time), "usedBytes": used, "inodesUsed": inodes}


def _container(own: ContainerUse, use: PodUse, time: str, cores: Mapping[str, int], disks: Storage | None) -> Plain:
    container = own.container
    out: Plain = {
        "name": container.name,
        "startTime": _time(container.created_at / 1e9),
        **_figures(own.usage, time, cores.get(own.path)),
    }
    if disks is None:
        return out
    layer = disks.layers.get(container.id)
    if layer is not None and layer.writable_layer is not None:
        found = layer.writable_layer
        out["rootfs"] = {**_disk(disks.images, time), "usedBytes": found.used_bytes, "inodesUsed": found.inodes_used}
    used, inodes = disks.logs.get(use.pod.metadata.uid, {}).get(container.name, (0, 0))
    out["logs"] = {**_disk(disks.node, time), "usedBytes": used, "inodesUsed": inodes}
    return out


def _figures(usage: Usage, time: str, cores: int | None) -> Plain:
    """Processor, memory and swap, as far as the kernel says."""
    limit, working = usage.memory_limit, usage.working_set
    cpu = {"usageNanoCores": cores, "usageCoreNanoSeconds": usage.cpu}
    memory = {
        "availableBytes": max(0, limit - working) if limit is not None and working is not None else None,
        "usageBytes": usage.memory,
        "workingSetBytes": working,
        "rssBytes": usage.rss,
        "pageFaults": usage.faults,
        "majorPageFaults": usage.major_faults,
    }
    out: Plain = {"cpu": _given(time, cpu), "memory": _given(time, memory)}
    if usage.swap is not None:
        out["swap"] = _given(time, {"swapUsageBytes": usage.swap})
    return out


def _given(time: str, values: Mapping[str, int | None]) -> Plain:
    return {"time": time, **{name: value for name, value in values.items() if value is not None}}


def _network(interfaces: Sequence[Interface], time: str) -> Plain:
    every = [
        {"name": i.name, "rxBytes": i.rx_bytes, "rxErrors": i.rx_errors, "txBytes": i.tx_bytes, "txErrors": i.tx_errors}
        for i in interfaces
    ]
    default: Plain = next((one for one in every if one["name"] == _DEFAULT_INTERFACE), {"name": ""})
    return {"time": time, **default, "interfaces": every}


def _disk(disk: Disk, time: str) -> Plain:
    return {
        "time": time,
        "availableBytes": disk.available,
        "capacityBytes": disk.capacity,
        "usedBytes": disk.used,
        "inodesFree": disk.inodes_free,
        "inodes": disk.inodes,
        "inodesUsed": disk.inodes_used,
    }


def _started(pod: Pod, created: int) -> str:
    return _time(parse_time(pod.status.startTime).timestamp()) if pod.status.startTime else _time(created / 1e9)


def _time(seconds: float) -> str:
    return format_time(datetime.fromtimestamp(seconds, UTC))
