"""Validation of PersistentVolumes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api import field, names, quantity
from steersman.api.field import Errors, Path
from steersman.kinds.core.claim_validation import VOLUME_MODES, check_access_modes
from steersman.kinds.core.scheduling_validation import check_node_selector
from steersman.kinds.core.volume_validation import no_back_steps

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import PersistentVolume, PersistentVolumeSpec

_RECLAIM = ("Delete", "Recycle", "Retain")
_NOT_SOURCES = frozenset({
    "accessModes", "capacity", "claimRef", "mountOptions", "nodeAffinity", "persistentVolumeReclaimPolicy",
    "storageClassName", "volumeAttributesClassName", "volumeMode",
})  # fmt: skip
_SPEC = Path("spec")


def check(volume: PersistentVolume) -> Errors:
    spec = volume.spec
    errors = check_access_modes(spec.accessModes or [], _SPEC.child("accessModes"), claim=False)
    errors += _check_capacity(spec)
    errors += _check_source(spec)
    at = _SPEC.child("persistentVolumeReclaimPolicy")
    errors += field.check_choice(spec.persistentVolumeReclaimPolicy, _RECLAIM, at)
    if spec.storageClassName:
        at = _SPEC.child("storageClassName")
        errors += field.all_invalid(at, spec.storageClassName, names.dns1123_subdomain(spec.storageClassName))
    if spec.volumeMode and spec.volumeMode not in VOLUME_MODES:
        errors.append(field.not_supported(_SPEC.child("volumeMode"), spec.volumeMode, VOLUME_MODES))
    return errors + _check_affinity(spec)


def _check_capacity(spec: PersistentVolumeSpec) -> Errors:
    at, capacity = _SPEC.child("capacity"), spec.capacity or {}
    if not capacity:
        return [field.required(at)]
    errors: Errors = []
    if "storage" not in capacity or len(capacity) > 1:
        errors.append(field.not_supported(at, capacity, ("storage",)))
    errors += [
        field.invalid(at.key(name), amount, "must be greater than zero")
        for name, amount in capacity.items()
        if quantity.nano(amount) <= 0
    ]
    return errors


def _check_source(spec: PersistentVolumeSpec) -> Errors:
    found = [n for n in type(spec).__struct_fields__ if n not in _NOT_SOURCES and getattr(spec, n) is not None]
    if not found:
        return [field.required(_SPEC, "must specify a volume type")]
    errors: Errors = [field.forbidden(_SPEC.child(n), "may not specify more than 1 volume type") for n in found[1:]]
    if spec.hostPath is not None:
        at = _SPEC.child("hostPath", "path")
        errors += no_back_steps(spec.hostPath.path, at) if spec.hostPath.path else [field.required(at)]
        if spec.hostPath.path == "/" and spec.persistentVolumeReclaimPolicy == "Recycle":
            at = _SPEC.child("persistentVolumeReclaimPolicy")
            errors.append(field.forbidden(at, "may not be 'recycle' for a hostPath mount of '/'"))
    if spec.local is not None and spec.nodeAffinity is None:
        errors.append(field.required(_SPEC.child("nodeAffinity"), "Local volume requires node affinity"))
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
    spec, before = volume.spec, old.spec
    sources = [n for n in type(spec).__struct_fields__ if n not in _NOT_SOURCES]
    errors: Errors = []
    if not all(field.same(getattr(spec, n), getattr(before, n)) for n in sources):
        detail = "spec.persistentvolumesource is immutable after creation"
        errors.append(field.forbidden(_SPEC.child("persistentvolumesource"), detail))
    errors += field.immutable(Path("volumeMode"), spec.volumeMode, before.volumeMode)
    if before.nodeAffinity is not None:
        errors += field.immutable(Path("nodeAffinity"), spec.nodeAffinity, before.nodeAffinity)
    return errors
