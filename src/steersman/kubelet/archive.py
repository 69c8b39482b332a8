"""Image archives from files: OCI layouts and docker-save tars, built with the standard library alone.

The same input gives the same bytes: entries are sorted, and times, owners and names come from the input only.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import platform
import stat
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from msgspec import Struct, field

from steersman.kubelet.references import normalize_reference

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"
EPOCH = "1970-01-01T00:00:00Z"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "ppc64le": "ppc64le", "s390x": "s390x"}


class Entry(Struct, frozen=True, kw_only=True):
    """One file of an image. A directory has `directory`; a symbolic link has `link`; anything else is a
    regular file with `data`, or with the content of `source` on this machine."""

    path: str
    data: bytes = b""
    source: Path | None = None
    link: str = ""
    directory: bool = False
    mode: int = 0o644
    uid: int = 0
    gid: int = 0


class ImageContent(Struct, frozen=True, kw_only=True):
    """An image to be: its name and what `docker build` would set. `layers` go from bottom to top."""

    name: str
    layers: Sequence[Sequence[Entry]] = ()
    entrypoint: Sequence[str] = ()
    cmd: Sequence[str] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    working_dir: str = ""
    user: str = ""
    stop_signal: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    architecture: str = ""


def architecture() -> str:
    """This machine's architecture as images name it."""
    return ARCHITECTURES.get(platform.machine(), platform.machine())


def tree(root: Path, prefix: str = "/") -> list[Entry]:
    """The files, directories and symbolic links below `root`, owned by root in the image."""
    entries = []
    for directory, names, files in os.walk(root):
        for name in sorted(names + files):
            path = Path(directory, name)
            entries.append(_entry(path, os.path.join(prefix, path.relative_to(root))))
    return entries


def _entry(path: Path, inside: str) -> Entry:
    status = path.lstat()
    mode = stat.S_IMODE(status.st_mode)
    if stat.S_ISLNK(status.st_mode):
        return Entry(path=inside, link=os.readlink(path), mode=mode)
    if stat.S_ISDIR(status.st_mode):
        return Entry(path=inside, directory=True, mode=mode)
    if stat.S_ISREG(status.st_mode):
        return Entry(path=inside, source=path, mode=mode)
    raise ValueError(f"{path} is neither a file nor a directory nor a symbolic link")


def _with_parents(entries: Iterable[Entry]) -> list[Entry]:
    """Sorted, one per path (the last wins), with a directory for each parent not given."""
    found = {os.path.normpath(entry.path).strip("/"): entry for entry in entries}
    for path in list(found):
        while path := os.path.dirname(path):
            found.setdefault(path, Entry(path=path, directory=True, mode=0o755))
    return [found[path] for path in sorted(found)]


def add_entry(archive: tarfile.TarFile, entry: Entry) -> None:
    """Append one entry to a tar, with no time and only the owner given."""
    info = tarfile.TarInfo(os.path.normpath(entry.path).strip("/"))
    info.mode, info.uid, info.gid = entry.mode, entry.uid, entry.gid
    if entry.link:
        info.type, info.linkname = tarfile.SYMTYPE, entry.link
        archive.addfile(info)
    elif entry.directory:
        info.type = tarfile.DIRTYPE
        archive.addfile(info)
    else:
        data = entry.data if entry.source is None else entry.source.read_bytes()
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))


def layer(entries: Iterable[Entry]) -> bytes:
    """One layer, an uncompressed tar."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for entry in _with_parents(entries):
            add_entry(archive, entry)
    return buffer.getvalue()


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _config(image: ImageContent, layers: Sequence[bytes]) -> bytes:
    settings: dict[str, Any] = {
        "Entrypoint": list(image.entrypoint),
        "Cmd": list(image.cmd),
        "Env": [f"{name}={value}" for name, value in image.env.items()],
        "WorkingDir": image.working_dir,
        "User": image.user,
        "StopSignal": image.stop_signal,
        "Labels": dict(image.labels),
    }
    return _json(
        {
            "created": EPOCH,
            "architecture": image.architecture or architecture(),
            "os": "linux",
            "config": {name: value for name, value in settings.items() if value},
            "rootfs": {"type": "layers", "diff_ids": [_digest(data) for data in layers]},
        }
    )


def _descriptor(media_type: str, data: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": _digest(data), "size": len(data)}


def write_oci(images: Sequence[ImageContent], output: IO[bytes]) -> None:
    """Write one OCI layout tar that holds all these images. ValueError for a name that is no reference."""
    blobs: dict[str, bytes] = {}
    manifests = []
    for image in images:
        name = normalize_reference(image.name)
        layers = [layer(entries) for entries in image.layers]
        config = _config(image, layers)
        manifest = _json(
            {
                "schemaVersion": 2,
                "mediaType": OCI_MANIFEST,
                "config": _descriptor(OCI_CONFIG, config),
                "layers": [_descriptor(OCI_LAYER, data) for data in layers],
            }
        )
        blobs.update((_digest(data), data) for data in (*layers, config, manifest))
        annotations = {"io.containerd.image.name": name, "org.opencontainers.image.ref.name": _tag(name)}
        platform_ = {"os": "linux", "architecture": image.architecture or architecture()}
        manifests.append({**_descriptor(OCI_MANIFEST, manifest), "annotations": annotations, "platform": platform_})
    files = {
        "oci-layout": _json({"imageLayoutVersion": "1.0.0"}),
        "index.json": _json({"schemaVersion": 2, "manifests": manifests}),
    }
    files.update((f"blobs/{digest.replace(':', '/')}", data) for digest, data in blobs.items())
    _write(files, output)


def _tag(name: str) -> str:
    return name.rpartition("/")[2].partition("@")[0].partition(":")[2] or "latest"


def write_docker(images: Sequence[ImageContent], output: IO[bytes]) -> None:
    """Write one tar as `docker save` does. ValueError for a name that is no reference."""
    files: dict[str, bytes] = {}
    manifests = []
    for image in images:
        layers = [layer(entries) for entries in image.layers]
        config = _config(image, layers)
        config_name = f"{_digest(config).partition(':')[2]}.json"
        names = [f"{_digest(data).partition(':')[2]}/layer.tar" for data in layers]
        files[config_name] = config
        files.update(zip(names, layers, strict=True))
        tags = [normalize_reference(image.name)]
        manifests.append({"Config": config_name, "RepoTags": tags, "Layers": names})
    _write({**files, "manifest.json": _json(manifests)}, output)


def _write(files: Mapping[str, bytes], output: IO[bytes]) -> None:
    with tarfile.open(fileobj=output, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path in sorted(files):
            add_entry(archive, Entry(path=path, data=files[path]))
