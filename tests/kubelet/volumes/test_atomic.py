"""Writing a volume's files all at once."""

import os
import stat

import pytest

from steersman.kubelet.volumes.atomic import File, PayloadError, check_path, write


def files(**contents):
    return {name.replace("__", "/"): File(text.encode(), 0o644) for name, text in contents.items()}


def shown(folder):
    """What a reader sees: path → content."""
    out = {}
    for name in os.listdir(folder):
        if name.startswith(".."):
            continue
        path = folder / name
        for found in [path] if path.is_file() else path.rglob("*"):
            if found.is_file():
                out[str(found.relative_to(folder))] = found.read_text()
    return out


def test_layout(tmp_path):
    assert write(tmp_path, files(a="1", sub__b="2"))
    assert shown(tmp_path) == {"a": "1", "sub/b": "2"}
    assert os.readlink(tmp_path / "a") == "..data/a"
    assert os.readlink(tmp_path / "sub") == "..data/sub"
    assert (tmp_path / "..data").is_symlink()
    assert len([n for n in os.listdir(tmp_path) if n.startswith("..")]) == 2


def test_nothing_to_do(tmp_path):
    write(tmp_path, files(a="1"))
    before = os.readlink(tmp_path / "..data")
    assert not write(tmp_path, files(a="1"))
    assert os.readlink(tmp_path / "..data") == before


@pytest.mark.parametrize("after", [{"a": "2"}, {"b": "1"}, {"a": "1", "b": "1"}, {"sub__a": "1"}, {}])
def test_changes(tmp_path, after):
    write(tmp_path, files(a="1"))
    old = os.readlink(tmp_path / "..data")
    assert write(tmp_path, files(**after))
    assert shown(tmp_path) == {k.replace("__", "/"): v for k, v in after.items()}
    assert not (tmp_path / old).exists()


def test_an_open_file_goes_on_showing_the_old_content(tmp_path):
    write(tmp_path, files(a="old"))
    with (tmp_path / "a").open() as reader:
        write(tmp_path, files(a="new"))
        assert reader.read() == "old"
    assert (tmp_path / "a").read_text() == "new"


def test_leftovers_of_a_write_that_was_cut_off_are_cleared(tmp_path):
    (tmp_path / "..cut").mkdir()
    (tmp_path / "..cut" / "a").write_text("half")
    (tmp_path / "..data_tmp").symlink_to("..cut")
    write(tmp_path, files(a="whole"))
    assert shown(tmp_path) == {"a": "whole"}
    assert not (tmp_path / "..cut").exists()


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_modes(tmp_path):
    write(tmp_path, {"a": File(b"", 0o400), "b": File(b"", 0o755)})
    assert (mode(tmp_path / "a"), mode(tmp_path / "b")) == (0o400, 0o755)
    assert write(tmp_path, {"a": File(b"", 0o600), "b": File(b"", 0o755)})
    assert mode(tmp_path / "a") == 0o600


def test_group_and_owner(tmp_path):
    write(tmp_path, {"a": File(b"", 0o400), "sub/b": File(b"", 0o600, user=1001)}, group=2000)
    a, b = (tmp_path / "a").stat(), (tmp_path / "sub" / "b").stat()
    assert (a.st_gid, stat.S_IMODE(a.st_mode)) == (2000, 0o440)
    assert (b.st_uid, b.st_gid) == (1001, 2000)
    assert (tmp_path / "sub").stat().st_mode & stat.S_ISGID


@pytest.mark.parametrize("path", ["/a", "../a", "a/../../b", "..data", "..x/y", ""])
def test_paths_that_lead_out(tmp_path, path):
    with pytest.raises(PayloadError):
        check_path(path)
    with pytest.raises(PayloadError):
        write(tmp_path, {path: File(b"", 0o644)})


@pytest.mark.parametrize("path", ["a", "a/b", ".hidden", "a..b", "...a/b"[3:]])
def test_paths_that_do_not(path):
    check_path(path)


def test_nobody_else_looks_at_what_is_being_written(tmp_path, monkeypatch):
    """A file has its mode only after it has its content."""
    modes = []
    write_bytes = type(tmp_path).write_bytes

    def noted(self, data):
        (fresh,) = (p for p in tmp_path.iterdir() if p.is_dir())
        modes.append(stat.S_IMODE(fresh.stat().st_mode))
        return write_bytes(self, data)

    monkeypatch.setattr(type(tmp_path), "write_bytes", noted)
    write(tmp_path, {"a": File(b"x", 0o600), "b/c": File(b"y", 0o600)})
    assert modes == [0o700, 0o700]
    assert stat.S_IMODE((tmp_path / "..data").resolve().stat().st_mode) == 0o755
