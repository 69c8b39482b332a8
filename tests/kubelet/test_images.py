"""Archives into containerd: names, refusals, and the round trip."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from steersman.kubelet import images
from steersman.kubelet.archive import Entry, ImageContent, add_entry, write_docker, write_oci

NAME = images.CONTAINERD_NAME
REF = images.REF_NAME


def index(*annotations: dict[str, str]) -> dict[str, Any]:
    return {"schemaVersion": 2, "manifests": [{"digest": "sha256:1", "annotations": a} for a in annotations]}


@pytest.mark.parametrize(
    ("annotations", "name"),
    [
        ({NAME: "docker.io/library/web:v1"}, "docker.io/library/web:v1"),
        ({NAME: "web:v1", REF: "v1"}, "docker.io/library/web:v1"),
        ({REF: "web:v1"}, "docker.io/library/web:v1"),
        ({REF: "localhost/web:v1"}, "localhost/web:v1"),
    ],
)
def test_index_names(annotations: dict[str, str], name: str) -> None:
    after, names = images.named_index(index(annotations))
    assert names == [name]
    assert after["manifests"][0]["annotations"][NAME] == name
    assert images.named_index(after) == (after, names)


def test_manifests_without_a_name_stay() -> None:
    given = index({NAME: "docker.io/library/web:v1"}, {"vnd.docker.reference.type": "attestation-manifest"})
    assert images.named_index(given) == (given, ["docker.io/library/web:v1"])


@pytest.mark.parametrize(
    ("given", "error"),
    [
        (index({}), "no names"),
        (index({NAME: "Web"}), "not a valid image reference"),
        ({"manifests": []}, "no image"),
        ({}, "no image"),
    ],
)
def test_bad_index(given: dict[str, Any], error: str) -> None:
    with pytest.raises(images.ImageError, match=error):
        images.named_index(given)


def test_docker_names() -> None:
    assert images.docker_names([{"RepoTags": ["web:v1", "b"]}, {"RepoTags": None}]) == [
        "docker.io/library/web:v1",
        "docker.io/library/b:latest",
    ]
    with pytest.raises(images.ImageError, match="no names"):
        images.docker_names([{"RepoTags": None}])


def archive(tmp_path: Path, **files: bytes) -> Path:
    path = tmp_path / "archive.tar"
    with tarfile.open(path, "w") as output:
        for name, data in files.items():
            add_entry(output, Entry(path=name.replace("_", "."), data=data))
    return path


@pytest.mark.parametrize(
    ("files", "error"),
    [
        ({}, "not an image archive"),
        ({"hello_txt": b"hi"}, "neither index.json nor manifest.json"),
        ({"index_json": b"{"}, "not JSON"),
        ({"manifest_json": b"[]"}, "no names"),
    ],
)
def test_no_image_archive(tmp_path: Path, files: dict[str, bytes], error: str) -> None:
    with pytest.raises(images.ImageError, match=error), images.importable(archive(tmp_path, **files)):
        pytest.fail("it was taken for an image")


@pytest.mark.parametrize("content", [b"", b"hello" * 1000, gzip.compress(b"x" * 20000)[:30]])
def test_no_tar(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(images.ImageError, match="not an image archive"), images.importable(path):
        pytest.fail("it was taken for an image")


def test_short_names_go_into_a_copy(tmp_path: Path) -> None:
    path = archive(tmp_path, index_json=json.dumps(index({REF: "web:v1"})).encode(), other=b"kept", manifest_json=b"[]")
    with images.importable(path) as (copy, names):
        assert copy != path
        assert names == ["docker.io/library/web:v1"]
        with tarfile.open(copy) as found:
            assert sorted(found.getnames()) == ["index.json", "other"]
            changed = json.load(found.extractfile("index.json"))  # type: ignore[arg-type]
    assert changed["manifests"][0]["annotations"][NAME] == "docker.io/library/web:v1"
    assert not copy.exists()


CONTENT = [Entry(path="/hello", data=b"hello")]


def saved(tmp_path: Path, name: str, kind: str) -> Path:
    output = io.BytesIO()
    write = write_docker if kind.startswith("docker") else write_oci
    write([ImageContent(name=name, layers=[CONTENT])], output)
    data = output.getvalue()
    path = tmp_path / f"{kind}.tar"
    path.write_bytes(gzip.compress(data) if kind.endswith("gz") else data)
    return path


@pytest.mark.node
@pytest.mark.parametrize("kind", ["docker", "oci", "docker-gz", "oci-gz"])
async def test_load_list_and_remove(containerd_node: Any, tmp_path: Path, kind: str) -> None:
    address = containerd_node.socket
    assert await images.load(address, saved(tmp_path, f"load-{kind}:v1", kind)) == [f"docker.io/library/load-{kind}:v1"]
    name = f"docker.io/library/load-{kind}:v1"
    assert name in {tag for image in await images.list_images(address) for tag in image.repo_tags}
    assert await images.remove(address, f"load-{kind}:v1") == name
    with pytest.raises(images.ImageError, match=f'image "{name}" not found'):
        await images.remove(address, f"load-{kind}:v1")


@pytest.mark.node
async def test_short_oci_names_load_in_full(containerd_node: Any, tmp_path: Path) -> None:
    path = saved(tmp_path, "short:v1", "oci")
    short = tmp_path / "short.tar"
    with tarfile.open(path) as source, tarfile.open(short, "w") as output:
        for info in source:
            data = source.extractfile(info).read()  # type: ignore[union-attr]
            if info.name == "index.json":
                data = data.replace(b'"io.containerd.image.name":"docker.io/library/short:v1",', b"")
                data = data.replace(b'ref.name":"v1"', b'ref.name":"short:v1"')
            add_entry(output, Entry(path=info.name, data=data))
    assert await images.load(containerd_node.socket, short) == ["docker.io/library/short:v1"]
    listed = await images.list_images(containerd_node.socket)
    assert ("docker.io/library/short:v1",) in {image.repo_tags for image in listed}
    await images.remove(containerd_node.socket, "short:v1")


@pytest.mark.node
async def test_broken_content_is_refused(containerd_node: Any, tmp_path: Path) -> None:
    path = archive(tmp_path, index_json=json.dumps(index({NAME: "docker.io/library/x:1"})).encode())
    with pytest.raises(images.ImageError):
        await images.load(containerd_node.socket, path)


async def test_containerd_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(images.ImageError, match="does not answer"):
        await images.list_images(str(tmp_path / "none.sock"))
