"""Where clusters are looked for, and what is said when one is not there."""

import os
from pathlib import Path

import pytest

from steersman.cmd import place
from steersman.cmd.errors import CommandError


def make(base: Path, name: str) -> None:
    (base / name).mkdir(parents=True)
    (base / name / "cluster.json").write_text("{}")


@pytest.fixture
def nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of somebody who is not root, on a machine where root's clusters are in `root`."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(place, "ROOT_BASE", tmp_path / "root")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path / "home" / ".local" / "share" / "steersman"


def refusal(data_dir: str | None = None) -> str:
    with pytest.raises(CommandError) as refused:
        place.existing("default", data_dir)
    return str(refused.value)


def test_no_cluster(nobody: Path) -> None:
    assert refusal() == f"there is no cluster 'default' in {nobody}; make it with `steer up`"


def test_a_cluster_of_another_name(nobody: Path, tmp_path: Path) -> None:
    make(tmp_path / "root", "default")
    make(nobody, "other")
    assert refusal().endswith("; there is other (choose with --name)")


def test_a_cluster_of_root(nobody: Path, tmp_path: Path) -> None:
    make(tmp_path / "root", "default")
    assert refusal().endswith(f"; root's is in {tmp_path / 'root'}: use sudo")
    assert refusal(str(tmp_path / "elsewhere")).endswith("make it with `steer up`")


def test_found(nobody: Path) -> None:
    make(nobody, "default")
    assert place.existing("default", None).directory == nobody / "default"
