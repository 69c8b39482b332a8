"""Image archives: layout, determinism and file trees."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from steersman.kubelet.archive import Entry, ImageContent, layer, tree, write_docker, write_oci


def files(data: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return {m.name: archive.extractfile(m).read() for m in archive if m.isfile()}  # type: ignore[union-attr]


def oci(*images: ImageContent) -> dict[str, bytes]:
    output = io.BytesIO()
    write_oci(images, output)
    return files(output.getvalue())


WEB = ImageContent(
    name="web:v1",
    layers=[[Entry(path="/srv/index.html", data=b"hello")], [Entry(path="bin/run", data=b"#!", mode=0o755)]],
    cmd=["/bin/run"],
    env={"A": "1"},
    working_dir="/srv",
    user="1000",
    labels={"k": "v"},
    architecture="arm64",
)


def blob(found: dict[str, bytes], descriptor: dict[str, Any]) -> bytes:
    data = found[f"blobs/sha256/{descriptor['digest'].removeprefix('sha256:')}"]
    assert len(data) == descriptor["size"]
    assert descriptor["digest"] == f"sha256:{hashlib.sha256(data).hexdigest()}"
    return data


def test_oci_layout() -> None:
    found = oci(WEB)
    assert json.loads(found["oci-layout"]) == {"imageLayoutVersion": "1.0.0"}
    (top,) = json.loads(found["index.json"])["manifests"]
    assert top["annotations"] == {
        "io.containerd.image.name": "docker.io/library/web:v1",
        "org.opencontainers.image.ref.name": "v1",
    }
    assert top["platform"] == {"os": "linux", "architecture": "arm64"}
    manifest = json.loads(blob(found, top))
    config = json.loads(blob(found, manifest["config"]))
    layers = [blob(found, descriptor) for descriptor in manifest["layers"]]
    assert config["rootfs"]["diff_ids"] == [descriptor["digest"] for descriptor in manifest["layers"]]
    assert config["config"] == {
        "Cmd": ["/bin/run"],
        "Env": ["A=1"],
        "WorkingDir": "/srv",
        "User": "1000",
        "Labels": {"k": "v"},
    }
    assert [files(data) for data in layers] == [{"srv/index.html": b"hello"}, {"bin/run": b"#!"}]


def test_docker_archive() -> None:
    output = io.BytesIO()
    write_docker([WEB], output)
    found = files(output.getvalue())
    (image,) = json.loads(found["manifest.json"])
    assert image["RepoTags"] == ["docker.io/library/web:v1"]
    assert json.loads(found[image["Config"]])["architecture"] == "arm64"
    assert [files(found[name]) for name in image["Layers"]] == [{"srv/index.html": b"hello"}, {"bin/run": b"#!"}]


def test_same_input_same_bytes() -> None:
    shuffled = ImageContent(name="x", layers=[[Entry(path="b"), Entry(path="a")]])
    ordered = ImageContent(name="x", layers=[[Entry(path="a"), Entry(path="b")]])
    assert oci(shuffled) == oci(ordered)


def test_layer_has_parents_modes_and_links() -> None:
    entries = [
        Entry(path="/a/b/tool", data=b"x", mode=0o4755, uid=5, gid=6),
        Entry(path="/a/b/alias", link="tool"),
        Entry(path="/tmp", directory=True, mode=0o1777),
    ]
    with tarfile.open(fileobj=io.BytesIO(layer(entries))) as archive:
        members = {m.name: m for m in archive}
    assert list(members) == ["a", "a/b", "a/b/alias", "a/b/tool", "tmp"]
    assert members["a"].isdir()
    assert members["a"].mode == 0o755
    assert (members["a/b/tool"].mode, members["a/b/tool"].uid, members["a/b/tool"].gid) == (0o4755, 5, 6)
    assert members["a/b/alias"].linkname == "tool"
    assert members["tmp"].mode == 0o1777
    assert {m.mtime for m in members.values()} == {0}


def test_tree(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "page").write_bytes(b"page")
    (tmp_path / "link").symlink_to("sub/page")
    (tmp_path / "to-directory").symlink_to("sub")
    found = {entry.path: entry for entry in tree(tmp_path, "/srv")}
    assert sorted(found) == ["/srv/link", "/srv/sub", "/srv/sub/page", "/srv/to-directory"]
    assert found["/srv/link"].link == "sub/page"
    assert found["/srv/to-directory"].link == "sub"
    assert found["/srv/sub"].directory
    assert files(layer(found.values())) == {"srv/sub/page": b"page"}


def test_bad_name() -> None:
    with pytest.raises(ValueError, match="not a valid image reference"):
        oci(ImageContent(name="Bad/Name"))
