"""Sub paths stay inside their volume."""

import os

import pytest

from steersman.kubelet.env import ConfigError
from steersman.kubelet.volumes.subpath import resolve


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
