"""Validation of the volumes of a pod spec."""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from steersman.api import field, names, quantity
from steersman.api.field import Errors, Path
from steersman.kinds.core import volume_defaults
from steersman.kinds.core.downward_validation import check_field_ref, check_resource_ref

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import (
        CSIVolumeSource,
        DownwardAPIVolumeFile,
        EmptyDirVolumeSource,
        EphemeralVolumeSource,
        HostPathVolumeSource,
        KeyToPath,
        PersistentVolumeClaimVolumeSource,
        ProjectedVolumeSource,
        ServiceAccountTokenProjection,
        Volume,
        VolumeProjection,
    )

_HOST_PATH_TYPES = (
    "", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket",
)  # fmt: skip
_MODE = "must be a number between 0 and 0777 (octal), both inclusive"
_ONE_TYPE = "may not specify more than 1 volume type"
_FIELDS = frozenset({"metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid"})
_MIN_TOKEN_SECONDS, _MAX_TOKEN_SECONDS = 600, 2**32


def check(volumes: list[Volume], path: Path, *, pod_name: str = "") -> Errors:
    """What is wrong with a pod's volumes. `pod_name` is that of a real pod, for the claims made after it."""
    errors: Errors = []
    seen: set[str] = set()
    for i, volume in enumerate(volumes):
        at = path.index(i)
        wrong = _check_source(volume, at, pod_name)
        if not volume.name:
            wrong.append(field.required(at.child("name")))
        else:
            wrong += field.all_invalid(at.child("name"), volume.name, names.dns1123_label(volume.name))
            if volume.name in seen:
                wrong.append(field.duplicate(at.child("name"), volume.name))
        seen.add(volume.name)
        errors += wrong
    return errors


def _check_source(volume: Volume, path: Path, pod_name: str) -> Errors:
    """Exactly one source, and nothing wrong with it."""
    found = volume_defaults.sources(volume)
    if not found:
        return [field.required(path, "must specify a volume type")]
    errors: Errors = [field.forbidden(path.child(extra), _ONE_TYPE) for extra in found[1:]]
    name = found[0]
    source, at = getattr(volume, name), path.child(name)
    if name == "ephemeral":
        return errors + _check_ephemeral(source, at, pod_name, volume.name)
    check_one = _CHECKS.get(name)
    if check_one is not None:
        errors += check_one(source, at)
    for attribute, required in _REQUIRED.get(name, {}).items():
        if not getattr(source, attribute):
            errors.append(field.required(at.child(attribute), required))
    return errors


def _check_host_path(source: HostPathVolumeSource, path: Path) -> Errors:
    if not source.path:
        return [field.required(path.child("path"))]
    errors = no_back_steps(source.path, path.child("path"))
    if source.type is not None and source.type not in _HOST_PATH_TYPES:
        errors.append(field.not_supported(path.child("type"), source.type, _HOST_PATH_TYPES))
    return errors


def _check_empty_dir(source: EmptyDirVolumeSource, path: Path) -> Errors:
    if source.sizeLimit is not None and quantity.nano(source.sizeLimit) < 0:
        detail = "SizeLimit field must be a valid resource quantity"
        return [field.forbidden(path.child("sizeLimit"), detail)]
    if source.medium and source.medium != "Memory" and not source.medium.startswith("HugePages"):
        detail = 'must be "", Memory, HugePages or HugePages-<size>'
        return [field.invalid(path.child("medium"), source.medium, detail)]
    return []


def _check_secret(source: Any, path: Path) -> Errors:
    errors: Errors = [] if source.secretName else [field.required(path.child("secretName"))]
    return errors + _check_keyed(source, path)


def _check_config_map(source: Any, path: Path) -> Errors:
    errors: Errors = [] if source.name else [field.required(path.child("name"))]
    return errors + _check_keyed(source, path)


def _check_keyed(source: Any, path: Path) -> Errors:
    errors = _check_mode(getattr(source, "defaultMode", None), path.child("defaultMode"))
    # The paths name "items", without an index, as clients of the API know them.
    return errors + [e for item in source.items or () for e in _check_item(item, path.child("items"))]


def _check_item(item: KeyToPath, path: Path) -> Errors:
    errors: Errors = []
    if not item.key:
        errors.append(field.required(path.child("key")))
    if not item.path:
        errors.append(field.required(path.child("path")))
    errors += local_path(item.path, path.child("path"))
    return errors + _check_mode(item.mode, path.child("mode"))


def _check_downward(source: Any, path: Path) -> Errors:
    errors = _check_mode(getattr(source, "defaultMode", None), path.child("defaultMode"))
    return errors + [e for file in source.items or () for e in _check_file(file, path)]


def _check_file(file: DownwardAPIVolumeFile, path: Path) -> Errors:
    errors: Errors = []
    if not file.path:
        errors.append(field.required(path.child("path")))
    errors += local_path(file.path, path.child("path"))
    if file.fieldRef is not None:
        errors += check_field_ref(file.fieldRef, _FIELDS, path.child("fieldRef"))
        if file.resourceFieldRef is not None:
            errors.append(
                field.invalid(path, "resource", "fieldRef and resourceFieldRef can not be specified simultaneously")
            )
    elif file.resourceFieldRef is not None:
        errors += check_resource_ref(file.resourceFieldRef, path.child("resourceFieldRef"), volume=True)
    else:
        errors.append(field.required(path, "one of fieldRef and resourceFieldRef is required"))
    return errors + _check_mode(file.mode, path.child("mode"))


def _check_projected(source: ProjectedVolumeSource, path: Path) -> Errors:
    errors = _check_mode(source.defaultMode, path.child("defaultMode"))
    seen: set[str] = set()
    for i, projection in enumerate(source.sources or ()):
        errors += _check_projection(projection, path.child("sources").index(i), seen)
    return errors


def _check_projection(projection: VolumeProjection, path: Path, seen: set[str]) -> Errors:
    found = [n for n in type(projection).__struct_fields__ if getattr(projection, n) is not None]
    if not found:
        return [field.required(path, "must specify one of: secret, configMap, downwardAPI, serviceAccountToken")]
    errors: Errors = [field.forbidden(path.child(extra), _ONE_TYPE) for extra in found[1:]]
    source, at = getattr(projection, found[0]), path.child(found[0])
    if found[0] in ("secret", "configMap"):
        errors += [] if source.name else [field.required(at.child("name"))]
        errors += _check_keyed(source, at)
    elif found[0] == "downwardAPI":
        errors += _check_downward(source, at)
    elif found[0] == "serviceAccountToken":
        errors += _check_token(source, at)
    for file in _files(source):
        if file and file in seen:
            errors.append(field.invalid(path, file, "conflicting duplicate paths"))
        seen.add(file)
    return errors


def _files(source: Any) -> list[str]:
    """The files that a projection makes, as far as the spec says."""
    items = getattr(source, "items", None)
    if items is not None and not callable(items):
        return [item.path for item in items]
    return [source.path] if getattr(source, "path", "") else []


def _check_token(source: ServiceAccountTokenProjection, path: Path) -> Errors:
    errors: Errors = []
    seconds = source.expirationSeconds
    if seconds is not None and seconds < _MIN_TOKEN_SECONDS:
        errors.append(
            field.invalid(path.child("expirationSeconds"), seconds, "may not specify a duration less than 10 minutes")
        )
    if seconds is not None and seconds > _MAX_TOKEN_SECONDS:
        errors.append(
            field.invalid(
                path.child("expirationSeconds"), seconds, "may not specify a duration larger than 2^32 seconds"
            )
        )
    if not source.path:
        errors.append(field.required(path.child("path")))
    return errors + local_path(source.path, path.child("path"))


def _check_claim(source: PersistentVolumeClaimVolumeSource, path: Path) -> Errors:
    return [] if source.claimName else [field.required(path.child("claimName"))]


def _check_csi(source: CSIVolumeSource, path: Path) -> Errors:
    if not source.driver:
        return [field.required(path.child("driver"))]
    errors = field.all_invalid(path.child("driver"), source.driver, names.dns1123_subdomain(source.driver.lower()))
    if source.nodePublishSecretRef is not None and not source.nodePublishSecretRef.name:
        errors.append(field.required(path.child("nodePublishSecretRef", "name")))
    return errors


def _check_ephemeral(source: EphemeralVolumeSource, path: Path, pod_name: str, volume_name: str) -> Errors:
    from steersman.kinds.core.claim_validation import check_spec
    from steersman.kinds.metadata import validate_annotations, validate_labels

    template = source.volumeClaimTemplate
    if template is None:
        return [field.required(path.child("volumeClaimTemplate"))]
    at = path.child("volumeClaimTemplate")
    errors = validate_labels(template.metadata.labels, at.child("metadata", "labels"))
    errors += validate_annotations(template.metadata.annotations, at.child("metadata", "annotations"))
    errors += check_spec(template.spec, at.child("spec"))
    if pod_name and volume_name:
        claim = f"{pod_name}-{volume_name}"
        errors += [
            field.invalid(path.child("name"), volume_name, f'PVC name "{claim}": {message}')
            for message in names.dns1123_subdomain(claim)
        ]
    return errors


_CHECKS: dict[str, Callable[[Any, Path], Errors]] = {
    "hostPath": _check_host_path,
    "emptyDir": _check_empty_dir,
    "secret": _check_secret,
    "configMap": _check_config_map,
    "downwardAPI": _check_downward,
    "projected": _check_projected,
    "persistentVolumeClaim": _check_claim,
    "csi": _check_csi,
}
# Of the sources that a driver outside serves, only what must be there is checked.
_REQUIRED: dict[str, dict[str, str]] = {
    "nfs": {"server": "", "path": ""},
    "iscsi": {"targetPortal": "", "iqn": ""},
    "rbd": {"monitors": "", "image": ""},
    "cephfs": {"monitors": ""},
    "glusterfs": {"endpoints": "", "path": ""},
    "gitRepo": {"repository": ""},
    "flexVolume": {"driver": ""},
    "azureFile": {"secretName": "", "shareName": ""},
    "azureDisk": {"diskName": "", "diskURI": ""},
    "awsElasticBlockStore": {"volumeID": ""},
    "gcePersistentDisk": {"pdName": ""},
    "cinder": {"volumeID": ""},
    "vsphereVolume": {"volumePath": ""},
    "image": {"reference": ""},
}


def _check_mode(mode: int | None, path: Path) -> Errors:
    return [field.invalid(path, mode, _MODE)] if mode is not None and not 0 <= mode <= 0o777 else []


def no_back_steps(text: str, path: Path) -> Errors:
    """A path without `..` steps."""
    return [field.invalid(path, text, "must not contain '..'")] if ".." in text.split("/") else []


def local_descending_path(text: str, path: Path) -> Errors:
    """A relative path that stays below where it starts."""
    if posixpath.isabs(text):
        return [field.invalid(path, text, "must be a relative path")]
    return no_back_steps(text, path)


def local_path(text: str, path: Path) -> Errors:
    """A relative path whose names do not collide with those that the node keeps for itself."""
    errors = local_descending_path(text, path)
    # A whole step of `..` has been reported already.
    if text.startswith("..") and not text.startswith("../") and text != "..":
        errors.append(field.invalid(path, text, "must not start with '..'"))
    return errors
