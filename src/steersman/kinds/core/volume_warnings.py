"""Warnings of a pod's volumes: kinds of storage that are gone, and files that get into each other's way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from steersman.api import field
from steersman.api.field import Path
from steersman.kinds.core import claim_warnings

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import Volume, VolumeProjection

_BEFORE = (
    ("photonPersistentDisk", "photonPersistentDisk", "deprecated in v1.11, non-functional in v1.16+"),
    ("gitRepo", "gitRepo", "deprecated in v1.11, and disabled by default in v1.33+"),
    ("scaleIO", "scaleIO", "deprecated in v1.16, non-functional in v1.22+"),
    ("flocker", "flocker", "deprecated in v1.22, non-functional in v1.25+"),
    ("storageos", "storageOS", "deprecated in v1.22, non-functional in v1.25+"),
    ("quobyte", "quobyte", "deprecated in v1.22, non-functional in v1.25+"),
    ("glusterfs", "glusterfs", "deprecated in v1.25, non-functional in v1.26+"),
)
_AFTER = (
    ("cephfs", "cephfs", "deprecated in v1.28, non-functional in v1.31+"),
    ("rbd", "rbd", "deprecated in v1.28, non-functional in v1.31+"),
)
"""Sources: the field, how it is written in the warning, and what is said. Claims of a pod's own come in between."""
_CERTIFICATE = (
    ("certificateChainPath", "PodCertificate chain"),
    ("keyPath", "PodCertificate key"),
    ("credentialBundlePath", "PodCertificate credential bundle"),
)
_PAIRS = 256
"""Of so many pairs of files in each other's way it is told; the header has no room for more."""

_File = tuple[str, str]
"""A path, and what makes a file there where that is not the volume itself."""


def deprecated(volumes: Iterable[Volume], path: Path) -> Iterator[str]:
    """Sources that work no more, and what is to be said of claims that pods bring along."""
    for i, volume in enumerate(volumes):
        at = path.index(i)
        yield from _gone(volume, at, _BEFORE)
        template = volume.ephemeral.volumeClaimTemplate if volume.ephemeral is not None else None
        if template is not None:
            yield from claim_warnings.of_spec(template.spec, at.child("ephemeral", "volumeClaimTemplate", "spec"))
        yield from _gone(volume, at, _AFTER)


def overlaps(volumes: Iterable[Volume]) -> Iterator[str]:
    """Files of one volume that have the same path, or lie below each other."""
    for volume in volumes:
        if volume.configMap is not None:
            what = f"ConfigMap {field.quote(volume.configMap.name)}"
            yield from _told(volume.name, what, _of_items(volume.configMap, ""))
        if volume.secret is not None:
            what = f"Secret {field.quote(volume.secret.secretName)}"
            yield from _told(volume.name, what, _of_items(volume.secret, ""))
        if volume.downwardAPI is not None:
            yield from _told(volume.name, "DownwardAPI", _of_items(volume.downwardAPI, ""))
        if volume.projected is not None:
            sources = volume.projected.sources or []
            nothing = f"volume {field.quote(volume.name)} (Projected) has no sources provided"
            yield from (nothing for source in sources if source == type(source)())
            yield from _told(volume.name, "Projected", [file for source in sources for file in _projected(source)])


def _gone(volume: Volume, path: Path, sources: Iterable[tuple[str, str, str]]) -> Iterator[str]:
    for name, shown, what in sources:
        if getattr(volume, name) is not None:
            yield f"{path.child(shown)}: {what}"


def _of_items(source: Any, maker: str) -> list[_File]:
    return [(item.path, maker) for item in source.items or ()]


def _projected(source: VolumeProjection) -> list[_File]:
    """The files of one source; of several in one, those of the first that says what it makes."""
    if source.configMap is not None and source.configMap.items is not None:
        return _of_items(source.configMap, f"ConfigMap {field.quote(source.configMap.name)}")
    if source.secret is not None and source.secret.items is not None:
        return _of_items(source.secret, f"Secret {field.quote(source.secret.name)}")
    if source.downwardAPI is not None and source.downwardAPI.items is not None:
        return _of_items(source.downwardAPI, "DownwardAPI")
    if source.serviceAccountToken is not None:
        return [(source.serviceAccountToken.path, "ServiceAccountToken")]
    bundle, certificate = source.clusterTrustBundle, source.podCertificate
    if bundle is not None:
        name = bundle.signerName if bundle.name is None else bundle.name
        return [(bundle.path, f"ClusterTrustBundle {field.quote(name or '')}")]
    if certificate is not None:
        return [(path, maker) for name, maker in _CERTIFICATE if (path := getattr(certificate, name))]
    return []


def _told(volume: str, what: str, files: list[_File]) -> Iterator[str]:
    cut = [(path.rstrip("/"), maker) for path, maker in files]
    for one, other in _colliding([path for path, _ in cut]):
        yield (
            f"volume {field.quote(volume)} ({what}): overlapping paths: {_shown(cut[other])} with {_shown(cut[one])}"
        )


def _shown(file: _File) -> str:
    path, maker = file
    return f"{field.quote(path)} ({maker})" if maker else field.quote(path)


def _colliding(paths: list[str]) -> list[tuple[int, int]]:
    """The pairs of paths of which one is the other or lies below it, each as (earlier, later), by the later.

    In their sorted order whatever lies below a path follows it, so that few of many must be compared.
    """
    if len(paths) < 2:
        return []
    found: list[tuple[int, int]] = []
    above: list[tuple[str, int]] = []
    for path, i in sorted((f"{path}/", i) for i, path in enumerate(paths) if path):
        while above and not path.startswith(above[-1][0]):
            above.pop()
        found.extend((min(i, j), max(i, j)) for _, j in above)
        if len(found) >= _PAIRS:
            break
        above.append((path, i))
    return sorted(found[:_PAIRS], key=lambda pair: (pair[1], pair[0]))
