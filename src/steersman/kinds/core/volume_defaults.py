"""Defaults of volumes in pods and of the references to fields that volumes and environment variables make."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import (
        DownwardAPIVolumeFile,
        ObjectFieldSelector,
        PersistentVolumeClaimSpec,
        PersistentVolumeSpec,
        ProjectedVolumeSource,
        ResourceFieldSelector,
        Volume,
    )

FILE_MODE = 0o644
TOKEN_SECONDS = 3600
CERTIFICATE_SECONDS = 86400


def default_volume(volume: Volume) -> None:
    """The defaults of a volume; one without a source is an emptyDir."""
    from steersman.kinds.core.pod_defaults import pull_policy
    from steersman.kinds.types.core_v1 import EmptyDirVolumeSource

    if not sources(volume):
        volume.emptyDir = EmptyDirVolumeSource()
    if volume.hostPath is not None and volume.hostPath.type is None:
        volume.hostPath.type = ""
    for source in (volume.secret, volume.configMap, volume.downwardAPI, volume.projected):
        if source is not None and source.defaultMode is None:
            source.defaultMode = FILE_MODE
    if volume.downwardAPI is not None:
        _default_files(volume.downwardAPI.items)
    if volume.projected is not None:
        _default_projection(volume.projected)
    if volume.ephemeral is not None and volume.ephemeral.volumeClaimTemplate is not None:
        default_claim(volume.ephemeral.volumeClaimTemplate.spec)
    if volume.image is not None:
        volume.image.pullPolicy = volume.image.pullPolicy or pull_policy(volume.image.reference)
    default_network_storage(volume)


def sources(volume: Volume) -> list[str]:
    """The names of the sources that a volume has; a valid one has exactly one."""
    return [n for n in type(volume).__struct_fields__ if n != "name" and getattr(volume, n) is not None]


def default_claim(spec: PersistentVolumeClaimSpec) -> None:
    spec.volumeMode = spec.volumeMode or "Filesystem"


def default_references(field_ref: ObjectFieldSelector | None, resource_ref: ResourceFieldSelector | None) -> None:
    """The defaults of a downward API reference."""
    if field_ref is not None:
        field_ref.apiVersion = field_ref.apiVersion or "v1"
    if resource_ref is not None and resource_ref.divisor is None:
        resource_ref.divisor = "0"


def _default_files(files: list[DownwardAPIVolumeFile] | None) -> None:
    for file in files or ():
        default_references(file.fieldRef, file.resourceFieldRef)


def _default_projection(projected: ProjectedVolumeSource) -> None:
    for source in projected.sources or ():
        if source.downwardAPI is not None:
            _default_files(source.downwardAPI.items)
        if source.serviceAccountToken is not None and source.serviceAccountToken.expirationSeconds is None:
            source.serviceAccountToken.expirationSeconds = TOKEN_SECONDS
        if source.podCertificate is not None and source.podCertificate.maxExpirationSeconds is None:
            source.podCertificate.maxExpirationSeconds = CERTIFICATE_SECONDS


_NETWORK_STORAGE: dict[str, dict[str, Any]] = {
    "iscsi": {"iscsiInterface": "default"},
    "rbd": {"pool": "rbd", "user": "admin", "keyring": "/etc/ceph/keyring"},
    "azureDisk": {"cachingMode": "ReadWrite", "fsType": "ext4", "kind": "Shared"},
    "scaleIO": {"storageMode": "ThinProvisioned", "fsType": "xfs"},
}


def default_network_storage(volume: Volume | PersistentVolumeSpec) -> None:
    """The defaults of sources that are far away, which a persistent volume has as well."""
    for name, defaults in _NETWORK_STORAGE.items():
        source = getattr(volume, name)
        if source is not None:
            for attribute, value in defaults.items():
                setattr(source, attribute, getattr(source, attribute) or value)
    if volume.azureDisk is not None and volume.azureDisk.readOnly is None:
        volume.azureDisk.readOnly = False
