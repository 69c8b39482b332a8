"""Who has which address ranges of the machine."""

import os
from pathlib import Path

import pytest

from steersman.cmd import processes, slots
from steersman.cmd.errors import CommandError
from steersman.cmd.place import Place


@pytest.fixture(autouse=True)
def no_routes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("steersman.network.links.used_networks", list)


def cluster(base: Path, name: str) -> Place:
    place = Place(name, base)
    place.directory.mkdir(parents=True)
    (place.directory / "lock").touch()
    return place


def test_clusters_get_different_slots_and_keep_them(tmp_path: Path) -> None:
    first, second = cluster(tmp_path / "x", "a"), cluster(tmp_path / "y", "a")
    where = tmp_path / "slots"
    assert slots.reserve(first, None, where) == 0
    assert slots.reserve(second, None, where) == 1
    assert slots.reserve(first, 0, where) == 0
    assert slots.may_clean(first, 0, where)
    assert not slots.may_clean(second, 0, where)


def test_only_its_owner_may_write_where_slots_are(tmp_path: Path) -> None:
    where = tmp_path / "base" / "slots"
    before = os.umask(0)
    try:
        slots.reserve(cluster(tmp_path / "x", "a"), None, where)
    finally:
        os.umask(before)
    assert [folder.stat().st_mode & 0o777 for folder in (where.parent, where)] == [0o755, 0o755]


def test_a_slot_of_another_cluster_is_refused(tmp_path: Path) -> None:
    first, second = cluster(tmp_path, "a"), cluster(tmp_path, "b")
    where = tmp_path / "slots"
    slots.reserve(first, 3, where)
    with pytest.raises(CommandError, match=f"belong to the cluster in {first.directory}"):
        slots.reserve(second, 3, where)


def test_what_has_the_same_names_is_nobody_elses_while_it_runs(tmp_path: Path) -> None:
    first, second, other = cluster(tmp_path / "x", "a"), cluster(tmp_path / "y", "a"), cluster(tmp_path / "x", "b")
    where = tmp_path / "slots"
    for number, each in enumerate((first, second, other)):
        assert slots.reserve(each, None, where) == number
    pidfile = Path(first.supervision.part_pidfile("node-1"))
    pidfile.parent.mkdir()
    processes.write_pidfile(str(pidfile), os.getpid(), True)
    assert slots.namesake(second, where) == first
    assert slots.namesake(first, where) is None
    assert slots.namesake(other, where) is None
    assert [slots.may_clean(each, number, where) for number, each in enumerate((first, second, other))] == [
        True,
        False,
        True,
    ]
    # Stopped, it has nothing there.
    pidfile.unlink()
    assert slots.namesake(second, where) is None
    assert slots.may_clean(second, 1, where)


def test_a_gone_clusters_slot_is_free(tmp_path: Path) -> None:
    first, second = cluster(tmp_path, "a"), cluster(tmp_path, "b")
    where = tmp_path / "slots"
    slots.reserve(first, None, where)
    (first.directory / "lock").unlink()
    assert slots.owner(0, where) is None
    assert slots.reserve(second, None, where) == 0


def test_release_leaves_nothing(tmp_path: Path) -> None:
    place = cluster(tmp_path / "c", "a")
    where = tmp_path / "base" / "slots"
    slots.reserve(place, None, where)
    slots.release(place, where)
    assert not (tmp_path / "base").exists()
    slots.release(place, where)
