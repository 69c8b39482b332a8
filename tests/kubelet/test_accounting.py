"""Control groups of both versions, as the kernel writes them."""

import pytest

from steersman.kubelet.accounting import Accounts, Interface, Usage, interfaces

FIRST = {
    "cpuacct/p/cpuacct.usage": "5000000000\n",
    "cpuacct/p/cpuacct.usage_user": "3000000000\n",
    "cpuacct/p/cpuacct.usage_sys": "2000000000\n",
    "cpu/p/cpu.stat": "nr_periods 10\nnr_throttled 4\nthrottled_time 7000\n",
    "cpu/p/cpu.shares": "102\n",
    "cpu/p/cpu.cfs_quota_us": "10000\n",
    "cpu/p/cpu.cfs_period_us": "100000\n",
    "memory/p/memory.usage_in_bytes": "1000\n",
    "memory/p/memory.limit_in_bytes": "5000\n",
    "memory/p/memory.max_usage_in_bytes": "2000\n",
    "memory/p/memory.failcnt": "3\n",
    "memory/p/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n",
    "memory/p/memory.stat": "cache 1\ntotal_cache 300\ntotal_rss 400\ntotal_mapped_file 50\ntotal_swap 60\n"
    "total_pgfault 70\ntotal_pgmajfault 8\ntotal_inactive_file 200\n",
    "pids/p/pids.current": "9\n",
    "blkio/p/blkio.throttle.io_serviced_recursive": "8:0 Read 5\n8:0 Write 6\n8:0 Total 11\nTotal 11\n",
    "blkio/p/blkio.throttle.io_service_bytes_recursive": "8:0 Read 50\n8:0 Write 60\nTotal 110\n",
    "memory/p/cgroup.procs": "0\n12\n",
}
SECOND = {
    "cgroup.controllers": "cpu memory\n",
    "p/cpu.stat": "usage_usec 5000000\nuser_usec 3000000\nsystem_usec 2000000\nnr_periods 10\nnr_throttled 4\nthrottled_usec 7\n",
    "p/cpu.weight": "4\n",
    "p/cpu.max": "10000 100000\n",
    "p/memory.current": "1000\n",
    "p/memory.max": "5000\n",
    "p/memory.peak": "2000\n",
    "p/memory.swap.current": "60\n",
    "p/memory.events": "low 0\nmax 3\noom 1\noom_kill 2\n",
    "p/memory.stat": "anon 400\nfile 300\nfile_mapped 50\ninactive_file 200\npgfault 70\npgmajfault 8\n",
    "p/pids.current": "9\n",
    "p/io.stat": "8:0 rbytes=50 wbytes=60 rios=5 wios=6 dbytes=0 dios=0\n",
    "p/cgroup.procs": "0\n12\n",
}
BRIEF = Usage(
    cpu=5_000_000_000, memory=1000, working_set=800, rss=400, memory_limit=5000, faults=70, major_faults=8, swap=60
)


def write(root, files):
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return Accounts(root)


@pytest.mark.parametrize(("files", "shares"), [(FIRST, 102), (SECOND, 80)])
def test_both_versions_say_the_same(tmp_path, files, shares):
    accounts = write(tmp_path, files)
    assert accounts.read("/p", brief=True) == BRIEF
    found = accounts.read("/p")
    assert (found.cpu_user, found.cpu_system) == (3_000_000_000, 2_000_000_000)
    assert (found.periods, found.throttled_periods, found.throttled) == (10, 4, 7000)
    assert (found.quota, found.period, found.shares) == (10_000, 100_000, shares)
    assert (found.cache, found.mapped, found.most_memory, found.limit_hits, found.ooms) == (300, 50, 2000, 3, 2)
    assert (found.processes, found.reads, found.writes) == (9, {"8:0": (5, 50)}, {"8:0": (6, 60)})
    assert accounts.processes("/p") == [0, 12]


def test_no_limits(tmp_path):
    accounts = write(
        tmp_path,
        {**FIRST, "memory/p/memory.limit_in_bytes": "9223372036854771712\n", "cpu/p/cpu.cfs_quota_us": "-1\n"},
    )
    found = accounts.read("/p")
    assert (found.memory_limit, found.quota, found.period) == (None, None, None)


@pytest.mark.parametrize("limit", ["max", ""])
def test_no_limits_of_the_second(tmp_path, limit):
    accounts = write(tmp_path, {**SECOND, "p/memory.max": limit, "p/cpu.max": f"{limit} 100000"})
    found = accounts.read("/p")
    assert (found.memory_limit, found.quota) == (None, None)


@pytest.mark.parametrize("controllers", [None, "cpu\n"])
def test_what_is_not_there(tmp_path, controllers):
    if controllers:
        (tmp_path / "cgroup.controllers").write_text(controllers)
    accounts = Accounts(tmp_path)
    assert accounts.read("/gone") is None
    assert accounts.processes("/gone") == []
    accounts.folder("memory", "/bare").mkdir(parents=True)
    assert accounts.read("/bare") == Usage()


def test_interfaces(tmp_path):
    (tmp_path / "7" / "net").mkdir(parents=True)
    (tmp_path / "7" / "net" / "dev").write_text(
        "Inter-|   Receive                                                |  Transmit\n"
        " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n"
        "    lo:       1       1    0    0    0     0          0         0        1       1    0    0    0     0       0          0\n"
        "  eth0:     446       5    1    2    0     0          0         0      516       6    3    4    0     0       0          0\n"
    )
    (found,) = interfaces(7, tmp_path)
    assert found == Interface(
        name="eth0", rx_bytes=446, rx_packets=5, rx_errors=1, rx_dropped=2, tx_bytes=516, tx_packets=6, tx_errors=3, tx_dropped=4
    )  # fmt: skip
    assert interfaces(8, tmp_path) == []
    # Whoever may name an interface may name it so.
    (tmp_path / "7" / "net" / "dev").write_bytes(b"a\nb\n \xff: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n")
    assert [one.name for one in interfaces(7, tmp_path)] == ["\ufffd"]
