"""Validation of persistent volume claims and of the claims that pods and workloads carry as templates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from steersman.api import field, names, quantity
from steersman.api.field import Errors, Path
from steersman.kinds import label_selector
from steersman.kinds.core import claim_class
from steersman.kinds.core.resource_validation import check_amount, is_native

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import PersistentVolumeClaim, PersistentVolumeClaimSpec

ACCESS_MODES = ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod")
VOLUME_MODES = ("Block", "Filesystem")
_RESIZE_STATES = (
    "ControllerResizeInProgress", "ControllerResizeInfeasible", "NodeResizeInProgress", "NodeResizeInfeasible",
    "NodeResizePending",
)  # fmt: skip


def check_claim(claim: PersistentVolumeClaim) -> Errors:
    return check_spec(claim.spec, Path("spec"))


def check_spec(spec: PersistentVolumeClaimSpec, path: Path) -> Errors:
    """What is wrong with a claim's spec."""
    modes = spec.accessModes or []
    errors: Errors = []
    if not modes:
        errors.append(field.required(path.child("accessModes"), "at least 1 access mode is required"))
    errors += label_selector.check(spec.selector, path.child("selector"))
    errors += check_access_modes(modes, path.child("accessModes"))
    errors += _check_size(spec, path.child("resources").key("storage"))
    errors += _check_class(spec.storageClassName, path.child("storageClassName"))
    if spec.volumeMode and spec.volumeMode not in VOLUME_MODES:
        errors.append(field.not_supported(path.child("volumeMode"), spec.volumeMode, VOLUME_MODES))
    errors += _check_data_source(spec, path)
    return errors + _check_class(spec.volumeAttributesClassName, path.child("volumeAttributesClassName"))


def _check_class(name: str | None, path: Path) -> Errors:
    return field.all_invalid(path, name, names.dns1123_subdomain(name)) if name else []


def check_access_modes(modes: list[str], path: Path) -> Errors:
    errors: Errors = [field.not_supported(path, m, ACCESS_MODES) for m in modes if m not in ACCESS_MODES]
    if "ReadWriteOncePod" in modes and any(m in ACCESS_MODES[:3] for m in modes):
        errors.append(field.forbidden(path, "may not use ReadWriteOncePod with other access modes"))
    return errors


def check_claim_update(claim: PersistentVolumeClaim, old: PersistentVolumeClaim) -> Errors:
    """A claim is fixed but for its volume (once), its size (upwards) and its attributes class."""
    errors = _check_class_annotation(claim, old)
    if not _same_but_for_growth(claim, old):
        detail = (
            "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims"
        )
        errors.append(field.forbidden(Path("spec"), detail))
    new_size, old_size = _size(claim), _size(old)
    capacity = (old.status.capacity or {}).get("storage", "0")
    if quantity.compare(new_size, old_size) < 0 and quantity.compare(new_size, capacity) <= 0:
        detail = "field can not be less than status.capacity"
        errors.append(field.forbidden(Path("spec", "resources", "requests", "storage"), detail))
    errors += field.immutable(Path("volumeMode"), claim.spec.volumeMode, old.spec.volumeMode)
    return errors + _check_class_given_up(claim, old)


def _check_class_given_up(claim: PersistentVolumeClaim, old: PersistentVolumeClaim) -> Errors:
    """Attributes that a volume has got once are not taken back; another class may give it others."""
    name = claim.spec.volumeAttributesClassName
    if name or old.status.currentVolumeAttributesClassName is None or name == old.spec.volumeAttributesClassName:
        return []
    to = "nil" if name is None else "empty string"
    detail = f"update to {to} is forbidden when status.currentVolumeAttributesClassName is not nil"
    return [field.forbidden(Path("spec", "volumeAttributesClassName"), detail)]


def _check_class_annotation(claim: PersistentVolumeClaim, old: PersistentVolumeClaim) -> Errors:
    """The class that an annotation names stays, but for moving it to where it belongs."""
    if _moves_class(claim, old):
        return []
    new, before = ((c.metadata.annotations or {}).get(claim_class.ANNOTATION, "") for c in (claim, old))
    return field.immutable(Path("metadata", "annotations", claim_class.ANNOTATION), new, before)


def _moves_class(claim: PersistentVolumeClaim, old: PersistentVolumeClaim) -> bool:
    before = (old.metadata.annotations or {}).get(claim_class.ANNOTATION)
    if before is None or old.spec.storageClassName is not None or claim.spec.storageClassName != before:
        return False
    return (claim.metadata.annotations or {}).get(claim_class.ANNOTATION, before) == before


def _may_name_class(claim: PersistentVolumeClaim, old: PersistentVolumeClaim) -> bool:
    """Whoever had no class may name one later: any, or the one that an annotation has named before."""
    name = claim.spec.storageClassName
    annotated = (old.metadata.annotations or {}).get(claim_class.ANNOTATION)
    return old.spec.storageClassName is None and name is not None and annotated in (None, name)


def check_claim_status_update(claim: PersistentVolumeClaim, old: PersistentVolumeClaim) -> Errors:
    """What a report of a claim's volume must not say."""
    errors = _check_basic(claim.status.capacity or {}, Path("status", "capacity"))
    at = Path("status", "allocatedResourceStatuses")
    for name, state in (claim.status.allocatedResourceStatuses or {}).items():
        errors += _check_resource(name, at)
        if state not in _RESIZE_STATES:
            errors.append(field.not_supported(at, name, _RESIZE_STATES))
    at = Path("status", "allocatedResources")
    for name, amount in (claim.status.allocatedResources or {}).items():
        wrong = _check_resource(name, at) or _check_basic({name: amount}, at)
        errors += wrong or check_amount("storage", amount, at.key(name))
    return errors


def _check_basic(amounts: dict[str, Any], path: Path) -> Errors:
    return [
        field.invalid(path.key(name), quantity.value(amount), "must be a valid resource quantity")
        for name, amount in amounts.items()
        if quantity.nano(amount) < 0
    ]


def _check_resource(name: str, path: Path) -> Errors:
    """Storage, or something that a vendor counts."""
    errors = field.all_invalid(path, name, names.qualified_name(name))
    if not errors and is_native(name) and name != "storage":
        errors.append(field.not_supported(path, name, ("storage",)))
    return errors


def _same_but_for_growth(claim: PersistentVolumeClaim, old: PersistentVolumeClaim) -> bool:
    new_spec, old_spec = claim.spec, old.spec
    free = {"resources"}
    if not old_spec.volumeName:
        free.add("volumeName")
    if _may_name_class(claim, old):
        free.add("storageClassName")
    bound = claim.status.phase == "Bound"
    if bound:
        free.add("volumeAttributesClassName")
    fixed = (n for n in type(new_spec).__struct_fields__ if n not in free)
    if not all(field.same(getattr(new_spec, n), getattr(old_spec, n)) for n in fixed):
        return False
    requests, before = _requests(claim), _requests(old)
    if bound:
        requests["storage"] = before.get("storage")
    return requests == before and _limits(claim) == _limits(old)


def _requests(claim: PersistentVolumeClaim) -> dict[str, Any]:
    return dict((claim.spec.resources.requests if claim.spec.resources else None) or {})


def _limits(claim: PersistentVolumeClaim) -> dict[str, Any]:
    return dict((claim.spec.resources.limits if claim.spec.resources else None) or {})


def _size(claim: PersistentVolumeClaim) -> Any:
    return _requests(claim).get("storage", "0")


def _check_size(spec: PersistentVolumeClaimSpec, path: Path) -> Errors:
    requests = (spec.resources.requests if spec.resources else None) or {}
    if "storage" not in requests:
        return [field.required(path)]
    size = requests["storage"]
    if quantity.nano(size) <= 0:
        return [field.invalid(path, size, "must be greater than zero")]
    return check_amount("storage", size, path)


def _check_data_source(spec: PersistentVolumeClaimSpec, path: Path) -> Errors:
    errors: Errors = []
    for name in ("dataSource", "dataSourceRef"):
        source = getattr(spec, name)
        if source is None:
            continue
        at = path.child(name)
        errors += [field.required(at.child(part)) for part in ("name", "kind") if not getattr(source, part)]
        if not source.apiGroup and source.kind != "PersistentVolumeClaim":
            errors.append(
                field.invalid(at, source.kind, "must be 'PersistentVolumeClaim' when referencing the default apiGroup")
            )
        if source.apiGroup:
            errors += field.all_invalid(at.child("apiGroup"), source.apiGroup, names.dns1123_subdomain(source.apiGroup))
    source, ref = spec.dataSource, spec.dataSourceRef
    if ref is not None and ref.namespace:
        at = path.child("dataSourceRef", "namespace")
        errors += field.all_invalid(at, ref.namespace, names.dns1123_label(ref.namespace))
    if source is not None and ref is not None:
        # Clients are shown an empty object here, since ever.
        shown = field.Internal()
        if ref.namespace:
            errors.append(field.invalid(path, shown, "may not be specified when dataSourceRef.namespace is specified"))
        elif (source.apiGroup, source.kind, source.name) != (ref.apiGroup, ref.kind, ref.name):
            errors.append(field.invalid(path, shown, "must match dataSourceRef"))
    return errors
