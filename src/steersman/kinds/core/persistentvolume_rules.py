"""Validation of PersistentVolumes, and of volumes that are described in the same words where they are attached."""

from __future__ import annotations

import posixpath
from dataclasses import replace
from typing import TYPE_CHECKING

from msgspec import structs

from steersman.api import codec, field, names, quantity
from steersman.api.field import Errors, Path
from steersman.kinds.core import provided_volumes
from steersman.kinds.core.claim_validation import VOLUME_MODES, check_access_modes
from steersman.kinds.core.node_labels import FORMER
from steersman.kinds.core.scheduling_validation import check_node_selector
from steersman.kinds.core.volume_validation import check_host_path

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import (
        NodeSelectorRequirement,
        NodeSelectorTerm,
        PersistentVolume,
        PersistentVolumeSpec,
        VolumeNodeAffinity,
    )

_RECLAIM = ("Delete", "Recycle", "Retain")
# In the order in which they are looked for: the first is judged, and the others are too many.
_SOURCES = (
    "hostPath", "gcePersistentDisk", "awsElasticBlockStore", "glusterfs", "flocker", "nfs", "rbd", "quobyte", "cephfs",
    "iscsi", "cinder", "fc", "flexVolume", "azureFile", "vsphereVolume", "photonPersistentDisk", "portworxVolume",
    "azureDisk", "scaleIO", "local", "storageos", "csi",
)  # fmt: skip
_SHOWN = {"gcePersistentDisk": "persistentDisk"}
_TOO_MANY_SHOWN = {"cephfs": "cephFS"}
_MOUNT_OPTIONS = "volume.beta.kubernetes.io/mount-options"
_WITH_MOUNT_OPTIONS = (
    "gcePersistentDisk", "awsElasticBlockStore", "glusterfs", "nfs", "rbd", "quobyte", "iscsi", "cinder", "cephfs",
    "azureFile", "vsphereVolume", "azureDisk", "photonPersistentDisk",
)  # fmt: skip
_NOT_INLINE = "may not be specified in the context of inline volumes"
_FORMAT = "must be valid format"
_SPEC = Path("spec")


def check(volume: PersistentVolume) -> Errors:
    spec = volume.spec
    errors = _check_access_modes(spec, _SPEC)
    errors += _check_capacity(spec)
    if spec.persistentVolumeReclaimPolicy and spec.persistentVolumeReclaimPolicy not in _RECLAIM:
        at = _SPEC.child("persistentVolumeReclaimPolicy")
        errors.append(field.not_supported(at, spec.persistentVolumeReclaimPolicy, _RECLAIM))
    errors += _check_affinity(spec)
    errors += _check_source(spec, volume.metadata.name, _SPEC)
    if spec.storageClassName:
        at = _SPEC.child("storageClassName")
        errors += field.all_invalid(at, spec.storageClassName, names.dns1123_subdomain(spec.storageClassName))
    if spec.volumeMode and spec.volumeMode not in VOLUME_MODES:
        errors.append(field.not_supported(_SPEC.child("volumeMode"), spec.volumeMode, VOLUME_MODES))
    errors += _check_attributes_class(spec, _SPEC)
    return errors + _check_mount_options(volume)


def check_inline(spec: PersistentVolumeSpec, path: Path) -> Errors:
    """A volume that an attachment describes itself: only what its driver needs."""
    errors: Errors = [field.forbidden(path.child(n), _NOT_INLINE) for n in ("claimRef", "capacity") if getattr(spec, n)]
    if spec.csi is None:
        errors.append(field.required(path.child("csi"), "has to be specified in the context of inline volumes"))
    errors += _check_access_modes(spec, path)
    if spec.persistentVolumeReclaimPolicy not in ("", "Retain"):
        at = path.child("persistentVolumeReclaimPolicy")
        errors.append(field.forbidden(at, "may only be Retain in the context of inline volumes"))
    if spec.nodeAffinity is not None:
        errors.append(field.forbidden(path.child("nodeAffinity"), _NOT_INLINE))
    errors += _check_source(spec, "", path)
    if spec.storageClassName:
        errors.append(field.forbidden(path.child("storageClassName"), _NOT_INLINE))
    if spec.volumeMode not in ("", None, "Filesystem"):
        detail = "may not specify volumeMode other than Filesystem in the context of inline volumes"
        errors.append(field.forbidden(path.child("volumeMode"), detail))
    return errors + _check_attributes_class(spec, path)


def _check_access_modes(spec: PersistentVolumeSpec, path: Path) -> Errors:
    at = path.child("accessModes")
    return check_access_modes(spec.accessModes, at) if spec.accessModes else [field.required(at)]


def _check_mount_options(volume: PersistentVolume) -> Errors:
    """The annotation from before there was a field is for kinds of volumes that were mounted with options then."""
    if _MOUNT_OPTIONS not in (volume.metadata.annotations or ()):
        return []
    if any(getattr(volume.spec, name) is not None for name in _WITH_MOUNT_OPTIONS):
        return []
    at = Path("metadata", "annotations", _MOUNT_OPTIONS)
    return [field.forbidden(at, "may not specify mount options for this volume type")]


def _check_capacity(spec: PersistentVolumeSpec) -> Errors:
    at, capacity = _SPEC.child("capacity"), spec.capacity or {}
    errors: Errors = [] if capacity else [field.required(at)]
    if "storage" not in capacity or len(capacity) > 1:
        errors.append(field.not_supported(at, capacity, ("storage",)))
    for name, amount in capacity.items():
        nanos = quantity.nano(amount)
        if nanos < 0:
            detail = "must be a valid resource quantity"
            errors.append(field.invalid(at.key(name), quantity.value(amount), detail))
        if nanos <= 0:
            errors.append(field.invalid(at.key(name), amount, "must be greater than zero"))
    return errors


def _check_source(spec: PersistentVolumeSpec, name: str, path: Path) -> Errors:
    found = [n for n in _SOURCES if getattr(spec, n) is not None]
    errors: Errors = []
    for i, kind in enumerate(found):
        # One sort has never been counted as one too many.
        if i and kind != "flexVolume":
            shown = path.child(_TOO_MANY_SHOWN.get(kind, kind))
            errors.append(field.forbidden(shown, "may not specify more than 1 volume type"))
        else:
            errors += _check_one_source(spec, kind, name, path)
    if not found:
        errors.append(field.required(path, "must specify a volume type"))
    if spec.hostPath is not None and spec.persistentVolumeReclaimPolicy == "Recycle" and _is_root(spec.hostPath.path):
        at = path.child("persistentVolumeReclaimPolicy")
        errors.append(field.forbidden(at, "may not be 'recycle' for a hostPath mount of '/'"))
    return errors


def _check_one_source(spec: PersistentVolumeSpec, kind: str, name: str, path: Path) -> Errors:
    source, at = getattr(spec, kind), path.child(_SHOWN.get(kind, kind))
    errors = check_host_path(source, at) if kind == "hostPath" else provided_volumes.check(kind, source, at)
    if kind == "iscsi":
        # Here nobody is told which formats there are.
        errors = [replace(e, detail=_FORMAT) if e.detail.startswith(_FORMAT) else e for e in errors]
        where = at.child("targetportal")
        errors += provided_volumes.check_iscsi_length(source, name, where, source.targetPortal)
    if kind == "local" and spec.nodeAffinity is None:
        errors.append(field.required(path.child("nodeAffinity"), "Local volume requires node affinity"))
    return errors


def _is_root(path: str) -> bool:
    return bool(path) and posixpath.normpath(path).lstrip("/") == ""


def _check_attributes_class(spec: PersistentVolumeSpec, path: Path) -> Errors:
    name, at = spec.volumeAttributesClassName, path.child("volumeAttributesClassName")
    if name is None:
        return []
    if name:
        errors = field.all_invalid(at, name, names.dns1123_subdomain(name))
    else:
        errors = [field.required(at, "an empty string is disallowed")]
    if spec.csi is None:
        errors.append(field.required(path.child("csi"), "has to be specified when using volumeAttributesClassName"))
    return errors


def _check_affinity(spec: PersistentVolumeSpec) -> Errors:
    if spec.nodeAffinity is None:
        return []
    at = _SPEC.child("nodeAffinity", "required")
    if spec.nodeAffinity.required is None:
        return [field.required(at, "must specify required node constraints")]
    return check_node_selector(spec.nodeAffinity.required, at)


def check_update(volume: PersistentVolume, old: PersistentVolume) -> Errors:
    """Where the data is does not change once it is there."""
    spec, before = _without_new_secret(volume.spec, old.spec), old.spec
    errors: Errors = []
    if not all(field.same(getattr(spec, n), getattr(before, n)) for n in _SOURCES):
        detail = "spec.persistentvolumesource is immutable after creation"
        errors.append(field.forbidden(_SPEC.child("persistentvolumesource"), detail))
    errors += field.immutable(Path("volumeMode"), spec.volumeMode, before.volumeMode)
    if before.nodeAffinity is not None and not _same_place(spec.nodeAffinity, before.nodeAffinity):
        detail = f"{field.IMMUTABLE}, except for updating from beta label to GA"
        errors.append(field.invalid(Path("nodeAffinity"), _shown_affinity(spec.nodeAffinity), detail))
    if before.volumeAttributesClassName is not None and spec.volumeAttributesClassName is None:
        at = _SPEC.child("volumeAttributesClassName")
        errors.append(field.forbidden(at, "update from non-nil value to nil is forbidden"))
    return errors


def _shown_affinity(affinity: VolumeNodeAffinity | None) -> object:
    """As Kubernetes shows it, whose internal type this is."""
    if affinity is None:
        return None
    terms = [
        field.Internal(MatchExpressions=_shown(term.matchExpressions), MatchFields=_shown(term.matchFields))
        for term in _terms(affinity)
    ]
    return field.Internal(Required=field.Internal(NodeSelectorTerms=terms) if affinity.required is not None else None)


def _shown(requirements: list[NodeSelectorRequirement] | None) -> object:
    if requirements is None:
        return None
    return [field.Internal(Key=r.key, Operator=r.operator, Values=r.values) for r in requirements]


def _same_place(new: VolumeNodeAffinity | None, old: VolumeNodeAffinity) -> bool:
    """Whether the nodes are the same, but for labels that have other names today."""
    if field.same(new, old):
        return True
    if new is None:
        return False
    renamed = codec.clone(old)
    for term, now in zip(_terms(renamed), _terms(new), strict=False):
        for requirement, wanted in zip(term.matchExpressions or (), now.matchExpressions or (), strict=False):
            if FORMER.get(requirement.key) == wanted.key:
                requirement.key = wanted.key
    return field.same(new, renamed)


def _terms(affinity: VolumeNodeAffinity) -> list[NodeSelectorTerm]:
    return affinity.required.nodeSelectorTerms if affinity.required is not None else []


def _without_new_secret(spec: PersistentVolumeSpec, before: PersistentVolumeSpec) -> PersistentVolumeSpec:
    """The secret for growing a volume may be named later, once."""
    if spec.csi is None or before.csi is None or before.csi.controllerExpandSecretRef is not None:
        return spec
    return structs.replace(spec, csi=structs.replace(spec.csi, controllerExpandSecretRef=None))
