"""Sub paths stay inside their volume."""

import os
from pathlib import Path

import pytest

from steersman.kubelet.env import ConfigError
from steersman.kubelet.volumes import mounting, subpath


def resolve(volume, sub):
    with subpath.opened(volume, sub) as handle:
        return Path(os.readlink(f"/proc/self/fd/{handle}"))


def test_existing(tmp_path):
    (tmp_path / "dir").mkdir()
    (tmp_path / "dir" / "file").write_text("x")
    assert resolve(tmp_path, "dir/file") == tmp_path / "dir" / "file"


def test_missing_folders_are_made_as_the_volume_is(tmp_path):
    tmp_path.chmod(0o2770)
    os.chown(tmp_path, 1000, 2000)
    made = resolve(tmp_path, "a/b")
    assert made == tmp_path / "a" / "b"
    for folder in (tmp_path / "a", made):
        found = folder.stat()
        assert (found.st_uid, found.st_gid, found.st_mode & 0o7777) == (1000, 2000, 0o2770)


def test_a_link_inside_is_followed(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    assert resolve(tmp_path, "link") == tmp_path / "real"


@pytest.mark.parametrize("target", ["/etc", "..", "../other"])
def test_a_link_that_leads_out_is_refused(tmp_path, target):
    volume = tmp_path / "volume"
    volume.mkdir()
    (tmp_path / "other").mkdir()
    (volume / "link").symlink_to(target)
    with pytest.raises(ConfigError, match="leads outside"):
        resolve(volume, "link")
    with pytest.raises(ConfigError, match="leads outside"):
        resolve(volume, "link/new")
    assert not (tmp_path / "other" / "new").exists()


@pytest.mark.parametrize("path", ["/etc", "../x", "a/../../x"])
def test_paths_that_lead_out(tmp_path, path):
    with pytest.raises(ConfigError):
        resolve(tmp_path, path)


def test_a_volume_that_is_a_file(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="is a file"):
        resolve(tmp_path / "file", "x")


@pytest.mark.parametrize("sub", ["a/b", "a/new"])
def test_whoever_puts_a_link_in_the_way_is_not_followed(tmp_path, monkeypatch, sub):
    """Between the look at where a path leads and its use."""
    volume, out = tmp_path / "volume", tmp_path / "out"
    (volume / "a" / "b").mkdir(parents=True)
    (out / "b").mkdir(parents=True)
    look_up = os.path.realpath

    def swapped(path, **how):
        found = look_up(path, **how)
        if str(path).endswith(sub):
            (volume / "a").rename(volume / "before")
            (volume / "a").symlink_to(out)
        return found

    monkeypatch.setattr(os.path, "realpath", swapped)
    with pytest.raises(ConfigError, match="changed into a link"):
        resolve(volume, sub)
    assert [p.name for p in out.iterdir()] == ["b"]


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="Not a directory"):
        resolve(tmp_path, "file/x")


@pytest.fixture
def place(tmp_path):
    yield tmp_path / "place" / "0"
    mounting.unmount_below(tmp_path)


def test_what_is_mounted_stays_what_it_was(tmp_path, place):
    volume = tmp_path / "volume"
    volume.mkdir()
    (volume / "file").write_text("own")
    subpath.bind(volume, "file", place)
    (volume / "file").unlink()
    (volume / "file").symlink_to("/etc/passwd")
    assert place.read_text() == "own"


def test_mounting_again(tmp_path, place):
    """As for each container that is made anew; what it is may have changed."""
    volume = tmp_path / "volume"
    (volume / "dir").mkdir(parents=True)
    (volume / "dir" / "in").touch()
    (volume / "file").write_text("f")
    for sub in ("dir", "dir", "file", "file", "dir"):
        subpath.bind(volume, sub, place)
        assert mounting.below(place) == [place]
        if sub == "dir":
            assert os.listdir(place) == ["in"]
        else:
            assert place.read_text() == "f"
