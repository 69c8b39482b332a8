"""Validation of compute resources: their names, amounts, and how requests relate to limits."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any

from steersman.api import field, names, quantity
from steersman.api.field import Errors, Path

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import ResourceClaim, ResourceRequirements

HUGE_PAGES = "hugepages-"
_CONTAINER = frozenset({"cpu", "memory", "ephemeral-storage"})
_POD_LEVEL = ("cpu", "memory")
_STANDARD = _CONTAINER | {
    "requests.cpu", "requests.memory", "requests.ephemeral-storage", "requests.storage",
    "limits.cpu", "limits.memory", "limits.ephemeral-storage",
    "pods", "resourcequotas", "services", "replicationcontrollers", "secrets", "configmaps",
    "persistentvolumeclaims", "storage", "services.nodeports", "services.loadbalancers",
}  # fmt: skip
_COUNTED = frozenset({
    "pods", "services", "replicationcontrollers", "resourcequotas", "secrets", "configmaps",
    "persistentvolumeclaims", "services.nodeports", "services.loadbalancers",
})  # fmt: skip

_LISTED = 8

NameCheck = Callable[[str, Path], Errors]


def is_native(name: str) -> bool:
    """Whether the resource is Kubernetes' own rather than a device's or vendor's."""
    return "/" not in name or "kubernetes.io/" in name


def is_huge_pages(name: str) -> bool:
    return name.startswith(HUGE_PAGES)


def is_extended(name: str) -> bool:
    return not is_native(name) and not name.startswith("requests.") and not names.qualified_name("requests." + name)


def may_overcommit(name: str) -> bool:
    return is_native(name) and not is_huge_pages(name)


def check_name(name: str, path: Path) -> Errors:
    """A resource's name: qualified, and one of the known ones if it has no domain."""
    errors = field.all_invalid(path, name, names.qualified_name(name))
    if not errors and "/" not in name and name not in _STANDARD and not _is_standard_prefixed(name):
        errors.append(field.invalid(path, name, "must be a standard resource type or fully qualified"))
    return errors


def check_container_name(name: str, path: Path) -> Errors:
    """A resource's name that a container may ask for."""
    errors = check_name(name, path)
    if "/" not in name:
        if name not in _CONTAINER and not is_huge_pages(name):
            errors.append(field.invalid(path, name, "must be a standard resource for containers"))
    elif not is_native(name) and not is_extended(name):
        errors.append(field.invalid(path, name, "doesn't follow extended resource name standard"))
    return errors


def check_pod_name(name: str, path: Path) -> Errors:
    """A resource's name that a whole pod may ask for."""
    errors = check_name(name, path)
    if not errors and name not in _POD_LEVEL and not is_huge_pages(name):
        errors.append(field.not_supported(path, name, _POD_LEVEL))
    return errors


def check_amount(name: str, amount: Any, path: Path) -> Errors:
    """An amount: not negative, and whole for things that are counted."""
    errors: Errors = []
    nanos = quantity.nano(amount)
    if nanos < 0:
        errors.append(field.invalid(path, amount, field.NOT_NEGATIVE))
    if (name in _COUNTED or is_extended(name)) and nanos % quantity.NANO:
        errors.append(field.invalid(path, amount, "must be an integer"))
    return errors


def check_amounts(amounts: Mapping[str, Any] | None, path: Path) -> Errors:
    """The amounts of a map such as a node's capacity."""
    return [e for name, amount in (amounts or {}).items() for e in check_amount(name, amount, path.child(name))]


def check_requirements(
    requirements: ResourceRequirements | None,
    claims: Collection[str],
    path: Path,
    check_one: NameCheck = check_container_name,
) -> Errors:
    """A container's (or pod's) requests and limits; `claims` are the names of the pod's resource claims."""
    if requirements is None:
        return []
    limits, requests = requirements.limits or {}, requirements.requests or {}
    errors: Errors = []
    for name, amount in limits.items():
        errors += _check_entry(name, amount, path.child("limits").key(name), check_one)
    for name, amount in requests.items():
        errors += _check_entry(name, amount, path.child("requests").key(name), check_one)
        errors += _check_against_limit(name, amount, limits.get(name), path)
    asked = {*limits, *requests}
    if any(map(is_huge_pages, asked)) and not asked & {"cpu", "memory"}:
        errors.append(field.forbidden(path, "HugePages require cpu or memory"))
    return errors + _check_claims(requirements.claims or [], claims, path.child("claims"))


def check_limits(limits: Mapping[str, Any] | None, path: Path) -> Errors:
    """Amounts that are taken whatever is asked for, such as a pod's overhead; they are judged as limits."""
    from steersman.kinds.types.core_v1 import ResourceRequirements

    return check_requirements(ResourceRequirements(limits=dict(limits or {})), (), path)


def _is_standard_prefixed(name: str) -> bool:
    return name.startswith((HUGE_PAGES, "requests." + HUGE_PAGES))


def _check_entry(name: str, amount: Any, path: Path, check_one: NameCheck) -> Errors:
    errors = check_one(name, path) + check_amount(name, amount, path)
    if is_huge_pages(name) and not _divisible(name, amount):
        errors.append(field.invalid(path, amount, f"{amount} is not positive integer multiple of {name}"))
    return errors


def _divisible(name: str, amount: Any) -> bool:
    try:
        page = quantity.nano(name.removeprefix(HUGE_PAGES))
    except quantity.QuantityError:
        return False
    return page > 0 and quantity.nano(amount) % page == 0


def _check_against_limit(name: str, request: Any, limit: Any, path: Path) -> Errors:
    if limit is None:
        if may_overcommit(name):
            return []
        return [field.required(path.child("limits"), "Limit must be set for non overcommitable resources")]
    order = quantity.compare(request, limit)
    at = path.child("requests")
    if order and not may_overcommit(name):
        return [field.invalid(at, request, f"must be equal to {name} limit of {limit}")]
    if order > 0:
        return [field.invalid(at, request, f"must be less than or equal to {name} limit of {limit}")]
    return []


def _check_claims(claims: list[ResourceClaim], known: Collection[str], path: Path) -> Errors:
    errors: Errors = []
    # Keys, and the names of those that have a request.
    seen: set[str] = set()
    divided: set[str] = set()
    missing = 0
    for i, claim in enumerate(claims):
        at = path.index(i)
        if not claim.name:
            errors.append(field.required(at))
            continue
        key = f"{claim.name}/{claim.request}" if claim.request else claim.name
        if claim.name in seen:
            errors.append(field.duplicate(at, claim.name))
        else:
            if claim.request:
                errors += field.all_invalid(at.child("request"), claim.request, names.dns1123_label(claim.request))
            if key in seen or (not claim.request and claim.name in divided):
                errors.append(field.duplicate(at, key))
            seen.add(key)
            if claim.request:
                divided.add(claim.name)
        if claim.name not in known:
            missing += 1
            errors.append(field.FieldError(field.ErrorType.NOT_FOUND, str(at), claim.name, _unknown(known, missing)))
    return errors


def _unknown(known: Collection[str], count: int) -> str:
    """Why the `count`th claim is unknown. Not every one of many errors names every one of many claims."""
    what = "must be one of the names in pod.spec.resourceClaims"
    if not known:
        return f"{what} which is empty"
    return f"{what}: {', '.join(sorted(known))}" if count <= _LISTED else what
