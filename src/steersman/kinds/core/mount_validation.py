"""Validation of what a container mounts: volumes as directories and as devices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from steersman.api import field
from steersman.api.field import Errors, Path
from steersman.kinds.core.provided_volumes import local_descending_path

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import Container, EphemeralContainer, Volume, VolumeMount

_PROPAGATION = ("Bidirectional", "HostToContainer", "None")
_RECURSIVE = ("Disabled", "Enabled", "IfPossible")


def check(container: Container | EphemeralContainer, volumes: Mapping[str, Volume], path: Path) -> Errors:
    """What is wrong with a container's `volumeMounts` and `volumeDevices`."""
    return _check_mounts(container, volumes, path.child("volumeMounts")) + _check_devices(
        container, volumes, path.child("volumeDevices")
    )


def _check_mounts(container: Container | EphemeralContainer, volumes: Mapping[str, Volume], path: Path) -> Errors:
    errors: Errors = []
    devices = {d.name: d.devicePath for d in container.volumeDevices or ()}
    seen: set[str] = set()
    for i, mount in enumerate(container.volumeMounts or ()):
        at = path.index(i)
        if not mount.name:
            errors.append(field.required(at.child("name")))
        if mount.name not in volumes:
            errors.append(field.not_found(at.child("name"), mount.name))
        if not mount.mountPath:
            errors.append(field.required(at.child("mountPath")))
        if mount.mountPath in seen:
            errors.append(field.invalid(at.child("mountPath"), mount.mountPath, "must be unique"))
        seen.add(mount.mountPath)
        if mount.name in devices:
            errors.append(field.invalid(at.child("name"), mount.name, "must not already exist in volumeDevices"))
        if mount.mountPath in devices.values():
            detail = "must not already exist as a path in volumeDevices"
            errors.append(field.invalid(at.child("mountPath"), mount.mountPath, detail))
        errors += _check_sub_paths(mount, at, path)
        errors += _check_propagation(mount, container, path)
        errors += _check_recursive(mount, path.child("recursiveReadOnly"))
    return errors


def _check_sub_paths(mount: VolumeMount, at: Path, path: Path) -> Errors:
    errors: Errors = []
    if mount.subPath:
        errors += local_descending_path(mount.subPath, path.child("subPath"))
    if mount.subPathExpr:
        if mount.subPath:
            detail = "subPathExpr and subPath are mutually exclusive"
            errors.append(field.invalid(at.child("subPathExpr"), mount.subPathExpr, detail))
        errors += local_descending_path(mount.subPathExpr, path.child("subPathExpr"))
    return errors


def _check_propagation(mount: VolumeMount, container: Container | EphemeralContainer, path: Path) -> Errors:
    at = path.child("mountPropagation")
    if not mount.mountPropagation:
        return []
    if mount.mountPropagation not in _PROPAGATION:
        return [field.not_supported(at, mount.mountPropagation, _PROPAGATION)]
    privileged = container.securityContext is not None and container.securityContext.privileged
    if mount.mountPropagation == "Bidirectional" and not privileged:
        return [field.forbidden(at, "Bidirectional mount propagation is available only to privileged containers")]
    return []


def _check_recursive(mount: VolumeMount, path: Path) -> Errors:
    mode = mount.recursiveReadOnly
    if not mode or mode == "Disabled":
        return []
    if mode not in _RECURSIVE:
        return [field.not_supported(path, mode, _RECURSIVE)]
    errors: Errors = []
    if not mount.readOnly:
        errors.append(field.forbidden(path, "may only be specified when readOnly is true"))
    if mount.mountPropagation not in ("", "None"):
        errors.append(field.forbidden(path, "may only be specified when mountPropagation is None or not specified"))
    return errors


def _check_devices(container: Container | EphemeralContainer, volumes: Mapping[str, Volume], path: Path) -> Errors:
    errors: Errors = []
    mounts = {m.name: m.mountPath for m in container.volumeMounts or ()}
    names: set[str] = set()
    paths: set[str] = set()
    for i, device in enumerate(container.volumeDevices or ()):
        at = path.index(i)
        volume = volumes.get(device.name)
        if not device.name:
            errors.append(field.required(at.child("name")))
        if device.name in names:
            errors.append(field.invalid(at.child("name"), device.name, "must be unique"))
        if device.name:
            names.add(device.name)
        if volume is None:
            errors.append(field.not_found(at.child("name"), device.name))
        elif volume.persistentVolumeClaim is None and volume.ephemeral is None:
            detail = "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode"
            errors.append(field.invalid(at.child("name"), device.name, detail))
        if not device.devicePath:
            errors.append(field.required(at.child("devicePath")))
        if device.devicePath in paths:
            errors.append(field.invalid(at.child("devicePath"), device.devicePath, "must be unique"))
        if ".." in device.devicePath.split("/"):
            errors.append(field.invalid(at.child("devicePath"), device.devicePath, "can not contain backsteps ('..')"))
        else:
            paths.add(device.devicePath)
        if device.name in mounts:
            errors.append(field.invalid(at.child("name"), device.name, "must not already exist in volumeMounts"))
        if device.devicePath in mounts.values():
            detail = "must not already exist as a path in volumeMounts"
            errors.append(field.invalid(at.child("devicePath"), device.devicePath, detail))
    return errors
