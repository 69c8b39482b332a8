"""What control groups have used, as the kernel counts it: read when somebody asks, and kept nowhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from steersman.kubelet.cgroups import MOUNT

MICROSECOND = 1000
# A limit of 1 EiB or more is version 1's way to say that there is none.
_UNLIMITED = 1 << 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Interface:
    """One network interface, since it exists."""

    name: str
    rx_bytes: int
    rx_packets: int
    rx_errors: int
    rx_dropped: int
    tx_bytes: int
    tx_packets: int
    tx_errors: int
    tx_dropped: int


@dataclass(slots=True, kw_only=True)
class Usage:
    """One control group with all below it. None is what the kernel does not say; times in nanoseconds, memory in bytes.

    `reads` and `writes` are (operations, bytes) by device, "major:minor".
    """

    cpu: int | None = None
    cpu_user: int | None = None
    cpu_system: int | None = None
    periods: int | None = None
    throttled_periods: int | None = None
    throttled: int | None = None
    period: int | None = None
    quota: int | None = None
    shares: int | None = None
    memory: int | None = None
    working_set: int | None = None
    rss: int | None = None
    cache: int | None = None
    mapped: int | None = None
    swap: int | None = None
    most_memory: int | None = None
    memory_limit: int | None = None
    limit_hits: int | None = None
    faults: int | None = None
    major_faults: int | None = None
    ooms: int | None = None
    processes: int | None = None
    reads: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    writes: Mapping[str, tuple[int, int]] = field(default_factory=dict)


class Accounts:
    """Reads the machine's control groups, of either version, by their path below the hierarchy's root.

    Contract: `read` gives None for a group that is not there. It reads files, so call it where that may take time.
    """

    def __init__(self, mount: Path = MOUNT) -> None:
        self._mount = mount
        self.v2 = (mount / "cgroup.controllers").exists()

    def folder(self, controller: str, path: str) -> Path:
        relative = path.strip("/")
        return (self._mount if self.v2 else self._mount / controller) / relative

    def read(self, path: str, *, brief: bool = False) -> Usage | None:
        """What the group has used; `brief` is processor and memory only."""
        if not self.folder("memory", path).is_dir():
            return None
        return self._second(path, brief) if self.v2 else self._first(path, brief)

    def processes(self, path: str) -> list[int]:
        """The processes of the group itself, as this process numbers them; those that it cannot see are 0."""
        return [int(word) for word in _text(self.folder("memory", path) / "cgroup.procs").split()]

    def _first(self, path: str, brief: bool) -> Usage:
        cpu, memory = self.folder("cpuacct", path), self.folder("memory", path)
        stat = _pairs(memory / "memory.stat")
        used = _number(memory / "memory.usage_in_bytes")
        usage = Usage(
            cpu=_number(cpu / "cpuacct.usage"),
            memory=used,
            working_set=_less(used, stat.get("total_inactive_file")),
            rss=stat.get("total_rss"),
            memory_limit=_limit(_number(memory / "memory.limit_in_bytes")),
            faults=stat.get("total_pgfault"),
            major_faults=stat.get("total_pgmajfault"),
            swap=stat.get("total_swap"),
        )
        if brief:
            return usage
        usage.cpu_user, usage.cpu_system = (_number(cpu / f"cpuacct.usage_{name}") for name in ("user", "sys"))
        usage.cache, usage.mapped = stat.get("total_cache"), stat.get("total_mapped_file")
        usage.most_memory = _number(memory / "memory.max_usage_in_bytes")
        usage.limit_hits = _number(memory / "memory.failcnt")
        usage.ooms = _pairs(memory / "memory.oom_control").get("oom_kill")
        usage.processes = _number(self.folder("pids", path) / "pids.current")
        shares = self.folder("cpu", path)
        stat = _pairs(shares / "cpu.stat")
        usage.periods, usage.throttled_periods = stat.get("nr_periods"), stat.get("nr_throttled")
        usage.throttled = stat.get("throttled_time")
        usage.shares = _number(shares / "cpu.shares")
        quota = _number(shares / "cpu.cfs_quota_us")
        if quota is not None and quota > 0:
            usage.quota, usage.period = quota, _number(shares / "cpu.cfs_period_us")
        blocks = self.folder("blkio", path)
        counts, sizes = (
            _first_io(blocks / f"blkio.throttle.{n}_recursive") for n in ("io_serviced", "io_service_bytes")
        )
        usage.reads, usage.writes = (_both(counts, sizes, what) for what in ("Read", "Write"))
        return usage

    def _second(self, path: str, brief: bool) -> Usage:
        folder = self.folder("", path)
        stat, cpu = _pairs(folder / "memory.stat"), _pairs(folder / "cpu.stat")
        used = _number(folder / "memory.current")
        usage = Usage(
            cpu=_nanoseconds(cpu.get("usage_usec")),
            memory=used,
            working_set=_less(used, stat.get("inactive_file")),
            rss=stat.get("anon"),
            memory_limit=_number(folder / "memory.max"),
            faults=stat.get("pgfault"),
            major_faults=stat.get("pgmajfault"),
            swap=_number(folder / "memory.swap.current"),
        )
        if brief:
            return usage
        usage.cpu_user, usage.cpu_system = (_nanoseconds(cpu.get(f"{name}_usec")) for name in ("user", "system"))
        usage.periods, usage.throttled_periods = cpu.get("nr_periods"), cpu.get("nr_throttled")
        usage.throttled = _nanoseconds(cpu.get("throttled_usec"))
        usage.cache, usage.mapped = stat.get("file"), stat.get("file_mapped")
        usage.most_memory = _number(folder / "memory.peak")
        events = _pairs(folder / "memory.events")
        usage.limit_hits, usage.ooms = events.get("max"), events.get("oom_kill")
        usage.processes = _number(folder / "pids.current")
        weight = _number(folder / "cpu.weight")
        if weight is not None:
            # The way back from weights (1..10000) to version 1's shares (2..262144), in which everybody else speaks.
            usage.shares = 2 + ((weight - 1) * 262142) // 9999
        words = _text(folder / "cpu.max").split()
        if len(words) == 2 and words[0] != "max":
            usage.quota, usage.period = int(words[0]), int(words[1])
        usage.reads, usage.writes = _second_io(folder / "io.stat")
        return usage


def interfaces(pid: int | str, root: Path = Path("/proc")) -> list[Interface]:
    """The network interfaces that a process has, but for its own loopback. Empty when it is gone."""
    found = []
    for line in _text(root / str(pid) / "net" / "dev").splitlines()[2:]:
        name, _, rest = line.partition(":")
        words = [int(word) for word in rest.split()]
        if name.strip() != "lo":
            found.append(
                Interface(
                    name=name.strip(),
                    **dict(zip(("rx_bytes", "rx_packets", "rx_errors", "rx_dropped"), words[:4], strict=True)),
                    **dict(zip(("tx_bytes", "tx_packets", "tx_errors", "tx_dropped"), words[8:12], strict=True)),
                )
            )
    return found


def _text(file: Path) -> str:
    """The file; nothing for one that is not there, or whose group or process has just gone."""
    try:
        # A pod may give its interfaces names that are no text.
        return file.read_text(errors="replace")
    except OSError:
        return ""


def _number(file: Path) -> int | None:
    text = _text(file).strip()
    return int(text) if text.lstrip("-").isdigit() else None


def _pairs(file: Path) -> dict[str, int]:
    words = (line.split() for line in _text(file).splitlines())
    return {pair[0]: int(pair[1]) for pair in words if len(pair) == 2 and pair[1].isdigit()}


def _less(used: int | None, inactive: int | None) -> int | None:
    """The working set: what is used, less the files that could be dropped at once."""
    return None if used is None else max(0, used - (inactive or 0))


def _limit(value: int | None) -> int | None:
    return None if value is None or value >= _UNLIMITED else value


def _nanoseconds(microseconds: int | None) -> int | None:
    return None if microseconds is None else microseconds * MICROSECOND


def _first_io(file: Path) -> dict[tuple[str, str], int]:
    """Version 1: lines of "8:0 Read 123", by device and operation."""
    words = (line.split() for line in _text(file).splitlines())
    return {(found[0], found[1]): int(found[2]) for found in words if len(found) == 3}


def _both(
    counts: Mapping[tuple[str, str], int], sizes: Mapping[tuple[str, str], int], what: str
) -> dict[str, tuple[int, int]]:
    return {device: (count, sizes.get((device, what), 0)) for (device, named), count in counts.items() if named == what}


def _second_io(file: Path) -> Iterable[dict[str, tuple[int, int]]]:
    """Version 2: lines of "8:0 rbytes=1 wbytes=2 rios=3 wios=4 …"; reads, and writes."""
    reads, writes = {}, {}
    for line in _text(file).splitlines():
        device, *words = line.split()
        values = {name: int(value) for name, _, value in (word.partition("=") for word in words) if value.isdigit()}
        reads[device] = values.get("rios", 0), values.get("rbytes", 0)
        writes[device] = values.get("wios", 0), values.get("wbytes", 0)
    return reads, writes
