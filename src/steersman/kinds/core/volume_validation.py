"""Validation of the volumes of a pod spec."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from steersman.api import field, names, quantity
from steersman.api.field import Errors, Path
from steersman.kinds.core import key_files, projected_volumes, provided_volumes, volume_defaults

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import (
        EmptyDirVolumeSource,
        EphemeralVolumeSource,
        HostPathVolumeSource,
        ImageVolumeSource,
        PersistentVolumeClaimVolumeSource,
        Volume,
    )

_HOST_PATH_TYPES = (
    "", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket",
)  # fmt: skip
_PULL_POLICIES = ("Always", "IfNotPresent", "Never")
_ONE_TYPE = "may not specify more than 1 volume type"
# Where Kubernetes' messages do not name the field as it is spelled, in what is wrong with it and as one too many.
_SHOWN = {"gcePersistentDisk": "persistentDisk"}
_SHOWN_EXTRA = {"cephfs": "cephFS", "downwardAPI": "downwarAPI"}
_ORDER = (
    "emptyDir", "hostPath", "gitRepo", "gcePersistentDisk", "awsElasticBlockStore", "secret", "nfs", "iscsi",
    "glusterfs", "flocker", "persistentVolumeClaim", "rbd", "cinder", "cephfs", "quobyte", "downwardAPI", "fc",
    "flexVolume", "configMap", "azureFile", "vsphereVolume", "photonPersistentDisk", "portworxVolume", "azureDisk",
    "storageos", "projected", "scaleIO", "csi", "ephemeral", "image",
)  # fmt: skip
"""In which the sources are looked at: of several the first is the one that is meant."""


def check(volumes: list[Volume], path: Path, *, pod_name: str = "") -> tuple[dict[str, Volume], Errors]:
    """The good ones of a pod's volumes by name, and what is wrong with the others.

    `pod_name` is that of a real pod, for the claims made after it.
    """
    errors: Errors = []
    good: dict[str, Volume] = {}
    made = {f"{pod_name}-{v.name}" for v in volumes if v.ephemeral is not None} if pod_name else set()
    for i, volume in enumerate(volumes):
        at = path.index(i)
        wrong = _check_source(volume, at, pod_name)
        if not volume.name:
            wrong.append(field.required(at.child("name")))
        else:
            wrong += field.all_invalid(at.child("name"), volume.name, names.dns1123_label(volume.name))
        if volume.name in good:
            wrong.append(field.duplicate(at.child("name"), volume.name))
        if not wrong:
            good[volume.name] = volume
        claim = volume.persistentVolumeClaim
        if claim is not None and claim.claimName in made:
            detail = "must not reference a PVC that gets created for an ephemeral volume"
            wrong.append(field.invalid(at.child("persistentVolumeClaim", "claimName"), claim.claimName, detail))
        errors += wrong
    return good, errors


def _check_source(volume: Volume, path: Path, pod_name: str) -> Errors:
    """Exactly one source, and nothing wrong with it."""
    given = volume_defaults.sources(volume)
    if not given:
        return [field.required(path, "must specify a volume type")]
    found = given if len(given) == 1 else sorted(given, key=_ORDER.index)
    name = found[0]
    source, at = getattr(volume, name), path.child(_SHOWN.get(name, name))
    if name == "ephemeral":
        errors = _check_ephemeral(source, at, path, pod_name, volume.name)
    elif name in _CHECKS:
        errors = _CHECKS[name](source, at)
    else:
        errors = provided_volumes.check(name, source, at)
    for extra in found:
        if extra != name:
            errors.append(field.forbidden(path.child(_SHOWN_EXTRA.get(extra, extra)), _ONE_TYPE))
        if extra == "iscsi":
            errors += provided_volumes.check_iscsi_length(volume.iscsi, volume.name, path.child("name"), volume.name)
    return errors


def check_host_path(source: HostPathVolumeSource, path: Path) -> Errors:
    """A path on the node, and what must be there."""
    if not source.path:
        return [field.required(path.child("path"))]
    errors = provided_volumes.no_back_steps(source.path, path.child("path"))
    if source.type is not None and source.type not in _HOST_PATH_TYPES:
        errors.append(field.not_supported(path.child("type"), source.type, _HOST_PATH_TYPES))
    return errors


def _check_empty_dir(source: EmptyDirVolumeSource, path: Path) -> Errors:
    if source.sizeLimit is not None and quantity.nano(source.sizeLimit) < 0:
        detail = "SizeLimit field must be a valid resource quantity"
        return [field.forbidden(path.child("sizeLimit"), detail)]
    return []


def _check_secret(source: Any, path: Path) -> Errors:
    errors: Errors = [] if source.secretName else [field.required(path.child("secretName"))]
    errors += key_files.check_mode(source.defaultMode, path.child("defaultMode"))
    return errors + key_files.check_items(source, path)


def _check_config_map(source: Any, path: Path) -> Errors:
    errors: Errors = [] if source.name else [field.required(path.child("name"))]
    errors += key_files.check_mode(source.defaultMode, path.child("defaultMode"))
    return errors + key_files.check_items(source, path)


def _check_downward(source: Any, path: Path) -> Errors:
    errors = key_files.check_mode(source.defaultMode, path.child("defaultMode"))
    return errors + key_files.check_downward_files(source, path)


def _check_claim(source: PersistentVolumeClaimVolumeSource, path: Path) -> Errors:
    return [] if source.claimName else [field.required(path.child("claimName"))]


def _check_image(source: ImageVolumeSource, path: Path) -> Errors:
    errors: Errors = [] if source.reference else [field.required(path.child("reference"))]
    return errors + field.check_choice(source.pullPolicy, _PULL_POLICIES, path.child("pullPolicy"))


def _check_ephemeral(
    source: EphemeralVolumeSource, path: Path, volume: Path, pod_name: str, volume_name: str
) -> Errors:
    from steersman.kinds.core.claim_validation import check_spec
    from steersman.kinds.metadata import validate_template

    template = source.volumeClaimTemplate
    if template is None:
        return [field.required(path.child("volumeClaimTemplate"))]
    at = path.child("volumeClaimTemplate")
    errors = validate_template(template.metadata, at.child("metadata"))
    errors += check_spec(template.spec, at.child("spec"))
    if pod_name and volume_name:
        claim = f"{pod_name}-{volume_name}"
        errors += [
            field.invalid(volume.child("name"), volume_name, f'PVC name "{claim}": {message}')
            for message in names.dns1123_subdomain(claim)
        ]
    return errors


_CHECKS: dict[str, Callable[[Any, Path], Errors]] = {
    "hostPath": check_host_path,
    "emptyDir": _check_empty_dir,
    "secret": _check_secret,
    "configMap": _check_config_map,
    "downwardAPI": _check_downward,
    "projected": projected_volumes.check,
    "persistentVolumeClaim": _check_claim,
    "image": _check_image,
}
