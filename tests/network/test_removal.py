"""Folders that somebody has filled who does not want them to be removed."""

import os
import resource
from pathlib import Path

import pytest

from steersman.network import removal
from steersman.network.removal import remove


def deep(folder: Path, levels: int) -> None:
    """Folders below each other, deeper than any path may be long."""
    descriptor = os.open(folder, os.O_RDONLY)
    for _ in range(levels):
        os.mkdir("d", dir_fd=descriptor)
        inner = os.open("d", os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = inner
    os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=descriptor))
    os.close(descriptor)


def test_everything_and_nothing_else(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("x")
    folder = tmp_path / "folder"
    for path in ("a/b/c", "a/b/d", "empty", "x/y"):
        (folder / path).mkdir(parents=True)
    for path in ("f", "a/f", "a/b/f", "a/b/c/f"):
        (folder / path).write_text("x")
    (folder / "a" / "link").symlink_to(outside)
    (folder / "link").symlink_to(outside)
    (folder / "dangling").symlink_to("nothing")
    os.link(outside / "kept", folder / "a" / "hard")
    os.mkfifo(folder / "pipe")
    os.makedirs(os.fsencode(folder) + b"/\xff/\xfe/\n")
    remove(folder)
    assert not folder.exists()
    assert (outside / "kept").read_text() == "x"


def test_any_depth(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    deep(folder, 5000)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(limits[0], len(os.listdir("/proc/self/fd")) + 200), limits[1]))
    try:
        remove(folder)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert not folder.exists()


def test_more_names_than_are_read_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(removal, "_BATCH", 3)
    folder = tmp_path / "folder"
    for i in range(10):
        for j in range(10):
            (folder / str(i) / str(j) / "x").mkdir(parents=True)
            (folder / str(i) / f"f{j}").touch()
    remove(folder)
    assert not folder.exists()


def test_what_is_no_folder(tmp_path: Path) -> None:
    file, link = tmp_path / "file", tmp_path / "link"
    file.touch()
    (tmp_path / "there").mkdir()
    link.symlink_to(tmp_path / "there")
    for path in (file, link, tmp_path / "nothing"):
        with pytest.raises(OSError, match=path.name):
            remove(path)
    assert file.exists()
    assert link.exists()
