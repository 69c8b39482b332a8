"""The stats summary, and what is measured for it."""

import os

from tests.kubelet.builders import SECOND, UID
from tests.kubelet.test_resource_metrics import AT, seen

from steersman.kubelet import stats
from steersman.kubelet.runtime import types as rt
from steersman.kubelet.stats import Disk, Rates, Storage, file_system, measure, storage, summary

DISK = Disk(capacity=100, available=40, used=50, inodes=10, inodes_free=3, inodes_used=7)
TIME = "2023-11-14T22:13:20Z"


def test_rates():
    rates = Rates()
    assert rates.take(100, {"/a": 0, "/b": None}) == {}
    # Sooner than a rate could be told, the last one counts.
    assert rates.take(100.5, {"/a": SECOND}) == {}
    assert rates.take(104, {"/a": 2 * SECOND, "/c": 5}) == {"/a": SECOND // 2}
    assert rates.take(104.5, {"/a": 3 * SECOND, "/c": 6}) == {"/a": SECOND // 2}
    # Counted anew: it is another of that name.
    assert rates.take(110, {"/a": 5}) == {}
    assert rates.take(120, {}) == {}


def test_measure(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "x").write_bytes(os.urandom(10_000))
    os.link(tmp_path / "a" / "x", tmp_path / "a" / "b" / "y")
    (tmp_path / "a" / "out").symlink_to("/")
    size, inodes = measure(tmp_path / "a")
    assert 10_000 <= size < 40_000
    assert inodes == 4
    assert measure(tmp_path / "nothing") == (0, 0)


def test_measure_of_what_is_very_deep(tmp_path):
    """Deeper than a path may be long: what cannot be named is not counted, and nothing breaks."""
    home = os.getcwd()
    os.chdir(tmp_path)
    try:
        for _ in range(30):
            os.mkdir("d" * 200)
            os.chdir("d" * 200)
    finally:
        os.chdir(home)
    _, inodes = measure(tmp_path)
    assert 10 < inodes < 31
    before = len(os.listdir("/proc/self/fd"))
    measure(tmp_path)
    assert len(os.listdir("/proc/self/fd")) == before


def test_file_systems(tmp_path):
    found = file_system(tmp_path)
    assert found.capacity >= found.used + found.available > 0
    part = file_system(tmp_path, (5, 6))
    assert (part.used, part.inodes_used, part.capacity) == (5, 6, found.capacity)


def test_a_volume_that_goes_while_it_is_measured(tmp_path, monkeypatch):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    real = stats.measure

    def measured(folder):
        found = real(folder)
        if folder.name == "a":
            folder.rmdir()
        return found

    monkeypatch.setattr(stats, "measure", measured)
    volumes = {UID: {name: tmp_path / name for name in ("a", "b", "c")}}
    found = storage(tmp_path, [], {}, volumes, (tmp_path, 0, 0), [])
    assert list(found.volumes[UID]) == ["b"]


def test_processor_and_memory():
    found = summary("n", 0, seen(), Rates())
    node, (one,) = found["node"], found["pods"]
    assert (node["nodeName"], node["startTime"]) == ("n", "1970-01-01T00:00:00Z")
    assert node["cpu"] == {"time": TIME, "usageCoreNanoSeconds": 9 * SECOND}
    assert [c["name"] for c in node["systemContainers"]] == ["pods"]
    assert not {"fs", "network", "runtime"} & node.keys()
    assert one["podRef"] == {"name": "p", "namespace": "default", "uid": UID}
    assert one["process_stats"] == {"process_count": 4}
    (inside,) = one["containers"]
    assert inside["memory"] == {
        "time": TIME, "availableBytes": 4200, "usageBytes": 1000, "workingSetBytes": 800, "rssBytes": 400, "pageFaults": 7,
    }  # fmt: skip
    assert inside["swap"] == {"time": TIME, "swapUsageBytes": 0}
    assert not {"rootfs", "logs"} & inside.keys()


def test_cores_once_it_was_asked_before():
    rates = Rates()
    rates.take(AT - 4, {"/": SECOND, "/kubepods/pod/c1": SECOND})
    found = summary("n", 0, seen(), rates)
    assert found["node"]["cpu"]["usageNanoCores"] == 2 * SECOND
    assert found["pods"][0]["containers"][0]["cpu"]["usageNanoCores"] == SECOND // 4
    assert "usageNanoCores" not in found["pods"][0]["cpu"]


def test_everything():
    layer = rt.ContainerStats(
        id="c1", name="c", writable_layer=rt.FilesystemUsage(timestamp=1, mountpoint="/", used_bytes=5, inodes_used=2)
    )
    disks = Storage(DISK, DISK, {UID: {'c"\\': (10, 1)}}, {UID: {"v": DISK}}, {"c1": layer})
    found = summary("n", 0, seen(), Rates(), disks)
    node, (one,) = found["node"], found["pods"]
    assert node["network"]["rxBytes"] == 1
    assert node["fs"]["usedBytes"] == node["runtime"]["imageFs"]["usedBytes"] == 50
    assert one["network"]["interfaces"] == [{"name": "eth0", "rxBytes": 1, "rxErrors": 3, "txBytes": 5, "txErrors": 7}]
    assert one["volume"] == [
        {
            "time": TIME, "availableBytes": 40, "capacityBytes": 100, "usedBytes": 50, "inodesFree": 3, "inodes": 10,
            "inodesUsed": 7, "name": "v",
        }
    ]  # fmt: skip
    # The volume is no empty directory of the pod's spec: it is not the pod's own storage.
    assert (one["ephemeral-storage"]["usedBytes"], one["ephemeral-storage"]["inodesUsed"]) == (15, 3)
    (inside,) = one["containers"]
    assert (inside["rootfs"]["usedBytes"], inside["logs"]["usedBytes"]) == (5, 10)
