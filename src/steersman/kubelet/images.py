"""Images of a node without a registry: archives into containerd, what it holds, and out again.

`address` is the path of containerd's socket throughout. Reading an archive's index is pure; the import itself
is containerd's own client program, which is always installed beside it.
"""

from __future__ import annotations

import asyncio
import json
import os
import tarfile
import tempfile
import zlib
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from steersman.kubelet.archive import Entry, add_entry
from steersman.kubelet.references import normalize_reference
from steersman.kubelet.runtime.cri.client import CriRuntime
from steersman.kubelet.runtime.types import Image, RuntimeCallError

NAMESPACE = "k8s.io"
# The annotations that may hold an image's name in an OCI layout, best first. The last one is the standard's,
# which means it for a tag; several tools write a whole name there.
CONTAINERD_NAME = "io.containerd.image.name"
REF_NAME = "org.opencontainers.image.ref.name"
# A snapshotter's directory ends in this and its name. Images are unpacked where the CRI looks for them.
SNAPSHOTTERS = "/io.containerd.snapshotter.v1."
INDEX_MAX = 8 << 20
COMPRESSED = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0")  # gzip, bzip2, xz


class ImageError(Exception):
    """An archive that holds no image, or an image that is not there; the text is for the user."""


# Reading archives.


def _member(archive: tarfile.TarFile, name: str) -> bytes | None:
    for spelling in (name, f"./{name}"):
        try:
            info = archive.getmember(spelling)
        except KeyError:
            continue
        content = archive.extractfile(info)
        if content is None or info.size > INDEX_MAX:
            raise ImageError(f"{name} in the archive is no ordinary file")
        return content.read()
    return None


def _parsed(name: str, data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError as error:
        raise ImageError(f"{name} in the archive is not JSON: {error}") from error


def named_index(index: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """An OCI index whose named manifests carry full names, and those names. ImageError when none has a name.

    Manifests without a name (signatures, build records) stay as they are.
    """
    found = index.get("manifests") or []
    manifests, names = [], []
    for manifest in found:
        annotations = dict(manifest.get("annotations") or {})
        given = annotations.get(CONTAINERD_NAME) or annotations.get(REF_NAME)
        if given:
            annotations[CONTAINERD_NAME] = _full_name(given)
            names.append(annotations[CONTAINERD_NAME])
            manifest = {**manifest, "annotations": annotations}
        manifests.append(manifest)
    if not names:
        raise ImageError("the archive's images have no names; save them with one" if found else "it holds no image")
    return {**index, "manifests": manifests}, names


def docker_names(manifest: Sequence[Mapping[str, Any]]) -> list[str]:
    """The full names in a docker-save manifest. ImageError when an image has none."""
    names = [_full_name(tag) for image in manifest for tag in image.get("RepoTags") or []]
    if not names:
        raise ImageError("the archive's images have no names; save them by name, not by id")
    return names


def _full_name(given: str) -> str:
    try:
        return normalize_reference(given)
    except ValueError as error:
        raise ImageError(str(error)) from error


@contextmanager
def importable(path: Path) -> Iterator[tuple[Path, list[str]]]:
    """An archive that containerd imports under full names, and those names.

    It is the file itself, or a temporary copy when names in an OCI index are short or the file is compressed.
    """
    with ExitStack() as stack:
        try:
            archive = stack.enter_context(tarfile.open(path))
            given = _member(archive, "index.json"), _member(archive, "manifest.json")
        except (tarfile.TarError, EOFError, zlib.error) as error:
            # What each way to read it has to say is of no use to anybody.
            first, _, more = str(error).partition("\n")
            raise ImageError(f"{path} is not an image archive: {'it is no tar file' if more else first}") from error
        changed = None
        if given[0] is not None:
            before = _parsed("index.json", given[0])
            after, names = named_index(before)
            changed = after if after != before else None
        elif given[1] is not None:
            names = docker_names(_parsed("manifest.json", given[1]))
        else:
            raise ImageError(f"{path} is not an image archive: neither index.json nor manifest.json in it")
        if changed is not None or _compressed(path):
            copy = Path(stack.enter_context(tempfile.NamedTemporaryFile(suffix=".tar")).name)
            _copy(archive, changed, copy)
            path = copy
        yield path, names


def _compressed(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(6).startswith(COMPRESSED)


def _copy(archive: tarfile.TarFile, index: Mapping[str, Any] | None, output: Path) -> None:
    """Copy an archive plain, with another index when one is given."""
    # A docker manifest beside a changed index would be a second opinion about names.
    left_out = ("index.json", "manifest.json") if index is not None else ()
    with tarfile.open(output, "w", format=tarfile.PAX_FORMAT) as copy:
        for info in archive:
            if os.path.normpath(info.name) not in left_out:
                copy.addfile(info, archive.extractfile(info) if info.isfile() else None)
        if index is not None:
            add_entry(copy, Entry(path="index.json", data=json.dumps(index).encode()))


# Talking to containerd.


async def _ctr(address: str, *args: str) -> str:
    process = await asyncio.create_subprocess_exec(
        "ctr",
        "--address",
        address,
        "--namespace",
        NAMESPACE,
        *args,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate()
    if process.returncode:
        lines = errors.decode(errors="replace").strip().splitlines() or ["ctr failed"]
        raise ImageError(lines[-1].removeprefix("ctr: "))
    return output.decode(errors="replace")


async def load(address: str, path: str | Path) -> list[str]:
    """Import an OCI layout or docker-save tar; the full names of the images in it.

    ImageError when the file is no image archive or containerd refuses it; OSError when it cannot be read.
    """
    with importable(Path(path)) as (archive, names):
        runtime = CriRuntime(address)
        async with _answering(runtime):
            filesystems = await runtime.image_fs_info()
        snapshotter = filesystems[0].mountpoint.partition(SNAPSHOTTERS)[2] if filesystems else ""
        chosen = ("--snapshotter", snapshotter) if snapshotter else ()
        await _ctr(address, "images", "import", *chosen, str(archive))
    return names


@asynccontextmanager
async def _answering(runtime: CriRuntime) -> AsyncIterator[None]:
    """Close the connection afterwards, and say plainly when there was none."""
    try:
        yield
    except RuntimeCallError as error:
        raise ImageError(f"containerd does not answer: {error.message}") from error
    finally:
        await runtime.close()


async def list_images(address: str) -> Sequence[Image]:
    """The images containers can be made from."""
    runtime = CriRuntime(address)
    async with _answering(runtime):
        return await runtime.list_images()


async def remove(address: str, reference: str) -> str:
    """Take one name away, and the image with its last name; the full name. ImageError when it is not there."""
    name = _full_name(reference)
    if name not in {tag for image in await list_images(address) for tag in image.repo_tags}:
        raise ImageError(f'image "{name}" not found')
    await _ctr(address, "images", "rm", "--sync", name)
    return name
