"""Validation of volume sources that something outside the cluster serves: in pods, and in persistent volumes.

The two have the same rules but for secrets, whose namespace a persistent volume must name.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping
from typing import Any

from steersman.api import field, names
from steersman.api.field import Errors, Path
from steersman.kinds.core import reference_validation as references

_ISCSI_NAMES = {
    "iqn": re.compile(r"iqn\.\d{4}-\d{2}\.([A-Za-z0-9-.]+)(:[^,;*&$|\s]+)$", re.ASCII),
    "eui": re.compile(r"^eui.[A-Za-z0-9]{16}$"),
    "naa": re.compile(r"^naa.[A-Za-z0-9]{32}$"),
}
_ISCSI_TOO_LONG = "Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified."
_MAX_ISCSI_NAME = 64
_CACHING = ("None", "ReadOnly", "ReadWrite")
_DISK_KINDS = ("Dedicated", "Managed", "Shared")
_MANAGED_DISK = "/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}"
_BLOB_DISK = "https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd"
_MAX_TENANT = 64
_CSI_SECRETS = (
    "controllerPublishSecretRef",
    "controllerExpandSecretRef",
    "nodePublishSecretRef",
    "nodeExpandSecretRef",
)
_HOST_PORT = re.compile(r"(?:\[[^][]*\]|[^][:]*):[^][:]*")
_HOST_PORTS = "must be a host:port pair or multiple pairs separated by commas"


def check(name: str, source: Any, path: Path) -> Errors:
    """What is wrong with a source; `name` is its field, such as `nfs`. Sources without rules here are fine."""
    errors: Errors = [field.required(path.child(n)) for n in _REQUIRED.get(name, ()) if not getattr(source, n)]
    more = _CHECKS.get(name)
    return errors + more(source, path) if more is not None else errors


def check_iscsi_length(source: Any, volume: str, path: Path, value: str) -> Errors:
    """With an initiator name, the volume and its portal make up a name that must not become too long."""
    if not source.initiatorName or len(f"{volume}:{source.targetPortal}") <= _MAX_ISCSI_NAME:
        return []
    return [field.invalid(path, value, _ISCSI_TOO_LONG)]


def no_back_steps(text: str, path: Path) -> Errors:
    """A path without `..` steps."""
    return [field.invalid(path, text, "must not contain '..'")] if ".." in text.split("/") else []


def local_descending_path(text: str, path: Path) -> Errors:
    """A relative path that stays below where it starts."""
    absolute = [field.invalid(path, text, "must be a relative path")] if posixpath.isabs(text) else []
    return absolute + no_back_steps(text, path)


def _nfs(source: Any, path: Path) -> Errors:
    fine = posixpath.isabs(source.path)
    return [] if fine else [field.invalid(path.child("path"), source.path, "must be an absolute path")]


def _iscsi(source: Any, path: Path) -> Errors:
    errors = _iscsi_name(source.iqn, path.child("iqn")) if source.iqn else []
    errors += _range(source.lun, 0, path.child("lun"))
    if (source.chapAuthDiscovery or source.chapAuthSession) and source.secretRef is None:
        errors.append(field.required(path.child("secretRef")))
    if hasattr(source.secretRef, "namespace") and not source.secretRef.name:
        errors.append(field.required(path.child("secretRef", "name")))
    if source.initiatorName:
        errors += _iscsi_name(source.initiatorName, path.child("initiatorname"))
    return errors


def _iscsi_name(text: str, path: Path) -> Errors:
    pattern = _ISCSI_NAMES.get(text[:3])
    if pattern is None:
        return [field.invalid(path, text, "must be valid format starting with iqn, eui, or naa")]
    return [] if pattern.search(text) else [field.invalid(path, text, "must be valid format")]


def _range(number: int | None, low: int, path: Path) -> Errors:
    if number is None or 0 <= number <= 255:
        return []
    return [field.invalid(path, number, names.range_error(low, 255))]


def _partition(source: Any, path: Path) -> Errors:
    return _range(source.partition, 1, path.child("partition"))


def _fc(source: Any, path: Path) -> Errors:
    errors: Errors = []
    at = path.child("targetWWNs")
    if not source.targetWWNs and not source.wwids:
        errors.append(field.required(at, "must specify either targetWWNs or wwids, but not both"))
    if source.targetWWNs and source.wwids:
        detail = "targetWWNs and wwids can not be specified simultaneously"
        errors.append(field.invalid(at, source.targetWWNs, detail))
    if source.targetWWNs:
        if source.lun is None:
            errors.append(field.required(path.child("lun"), "lun is required if targetWWNs is specified"))
        errors += _range(source.lun, 0, path.child("lun"))
    return errors


def _flocker(source: Any, path: Path) -> Errors:
    errors: Errors = []
    if not source.datasetName and not source.datasetUUID:
        errors.append(field.required(path, "one of datasetName and datasetUUID is required"))
    if source.datasetName and source.datasetUUID:
        detail = "datasetName and datasetUUID can not be specified simultaneously"
        errors.append(field.invalid(path, "resource", detail))
    if "/" in source.datasetName:
        errors.append(field.invalid(path.child("datasetName"), source.datasetName, "must not contain '/'"))
    return errors


def _quobyte(source: Any, path: Path) -> Errors:
    at = path.child("registry")
    if not source.registry:
        errors = [field.required(at, _HOST_PORTS)]
    elif len(source.tenant) > _MAX_TENANT:
        detail = "must be a UUID and may not exceed a length of 64 characters"
        errors = [field.required(path.child("tenant"), detail)]
    else:
        pairs = source.registry.split(",")
        errors = [field.invalid(at, source.registry, _HOST_PORTS) for pair in pairs if not _HOST_PORT.fullmatch(pair)]
    return errors if source.volume else [*errors, field.required(path.child("volume"))]


def _flex(source: Any, path: Path) -> Errors:
    detail = "kubernetes.io and k8s.io namespaces are reserved"
    return [
        field.invalid(path.child("options").key(key), key, detail)
        for key in source.options or ()
        if f".{key.partition('/')[0].lower()}".endswith((".kubernetes.io", ".k8s.io"))
    ]


def _azure_disk(source: Any, path: Path) -> Errors:
    errors: Errors = []
    for name, choices in (("cachingMode", _CACHING), ("kind", _DISK_KINDS)):
        value = getattr(source, name)
        if value and value not in choices:
            errors.append(field.not_supported(path.child(name), value, choices))
    at, uri = path.child("diskURI"), source.diskURI
    if source.kind == "Managed" and not uri.startswith("/subscriptions/"):
        errors.append(field.not_supported(at, uri, (_MANAGED_DISK,)))
    if source.kind and source.kind != "Managed" and not uri.startswith("https://"):
        errors.append(field.not_supported(at, uri, (_BLOB_DISK,)))
    return errors


def _storage_os(source: Any, path: Path) -> Errors:
    errors: Errors = []
    for name in ("volumeName", "volumeNamespace"):
        value = getattr(source, name)
        errors += field.all_invalid(path.child(name), value, names.dns1123_label(value)) if value else []
    return errors + _secret(source, path)


def _secret(source: Any, path: Path) -> Errors:
    """The secret's name, and its namespace where there is a field for it."""
    secret = source.secretRef
    if secret is None:
        return []
    parts = [n for n in ("name", "namespace") if hasattr(secret, n)]
    return [field.required(path.child("secretRef", n)) for n in parts if not getattr(secret, n)]


def _local(source: Any, path: Path) -> Errors:
    return no_back_steps(source.path, path.child("path"))


def _glusterfs(source: Any, path: Path) -> Errors:
    namespace, at = getattr(source, "endpointsNamespace", ""), path.child("endpointsNamespace")
    return field.all_invalid(at, namespace, names.dns1123_label(namespace)) if namespace else []


def _git(source: Any, path: Path) -> Errors:
    return local_descending_path(source.directory, path.child("directory"))


def _csi(source: Any, path: Path) -> Errors:
    errors = references.check_driver_name(source.driver, path.child("driver"))
    if hasattr(source, "volumeHandle"):
        if not source.volumeHandle:
            errors.append(field.required(path.child("volumeHandle")))
        for name in _CSI_SECRETS:
            errors += references.check_secret(getattr(source, name), path.child(name))
        return errors
    secret = source.nodePublishSecretRef
    if secret is None:
        return errors
    if not secret.name:
        return [*errors, field.required(path.child("nodePublishSecretRef", "name"))]
    return errors + field.all_invalid(path.child("name"), secret.name, names.dns1123_subdomain(secret.name))


_REQUIRED: Mapping[str, tuple[str, ...]] = {
    "nfs": ("server", "path"),
    "iscsi": ("targetPortal", "iqn"),
    "rbd": ("monitors", "image"),
    "cephfs": ("monitors",),
    "glusterfs": ("endpoints", "path"),
    "gitRepo": ("repository",),
    "flexVolume": ("driver",),
    "azureFile": ("secretName", "shareName"),
    "azureDisk": ("diskName", "diskURI"),
    "awsElasticBlockStore": ("volumeID",),
    "gcePersistentDisk": ("pdName",),
    "cinder": ("volumeID",),
    "vsphereVolume": ("volumePath",),
    "photonPersistentDisk": ("pdID",),
    "portworxVolume": ("volumeID",),
    "scaleIO": ("gateway", "system", "volumeName"),
    "storageos": ("volumeName",),
    "local": ("path",),
}
_CHECKS: Mapping[str, Callable[[Any, Path], Errors]] = {
    "nfs": _nfs,
    "iscsi": _iscsi,
    "fc": _fc,
    "flocker": _flocker,
    "quobyte": _quobyte,
    "flexVolume": _flex,
    "azureDisk": _azure_disk,
    "awsElasticBlockStore": _partition,
    "gcePersistentDisk": _partition,
    "cinder": _secret,
    "storageos": _storage_os,
    "glusterfs": _glusterfs,
    "gitRepo": _git,
    "local": _local,
    "csi": _csi,
}
