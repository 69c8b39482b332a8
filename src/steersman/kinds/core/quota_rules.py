"""Validation of ResourceQuotas and LimitRanges."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from steersman.api import field, names, quantity
from steersman.api.field import Errors, Path
from steersman.kinds.core import resource_validation as resources

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import (
        LimitRange,
        LimitRangeItem,
        ResourceQuota,
        ResourceQuotaSpec,
        ScopeSelector,
    )

SCOPES = (
    "BestEffort", "CrossNamespacePodAffinity", "NotBestEffort", "NotTerminating", "PriorityClass", "Terminating",
    "VolumeAttributesClass",
)  # fmt: skip
LIMIT_TYPES = ("Container", "PersistentVolumeClaim", "Pod")
_QUOTA = frozenset({
    "cpu", "memory", "ephemeral-storage", "requests.cpu", "requests.memory", "requests.storage",
    "requests.ephemeral-storage", "limits.cpu", "limits.memory", "limits.ephemeral-storage", "pods", "resourcequotas",
    "services", "replicationcontrollers", "secrets", "persistentvolumeclaims", "configmaps", "services.nodeports",
    "services.loadbalancers",
})  # fmt: skip
_POD_COMPUTE = frozenset({"pods", "cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory"})
_CONFLICTS = ({"BestEffort", "NotBestEffort"}, {"Terminating", "NotTerminating"})
_WITHOUT_VALUES = ("BestEffort", "NotBestEffort", "Terminating", "NotTerminating", "CrossNamespacePodAffinity")
_ONLY_EXISTS = (
    "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, "
    "ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or "
    "ResourceQuotaScopeCrossNamespacePodAffinity"
)
_SPEC = Path("spec")


def check_quota(quota: ResourceQuota) -> Errors:
    errors = _check_hard(quota.spec.hard, _SPEC.child("hard"))
    return errors + _check_scopes(quota.spec) + _check_selector(quota.spec)


def check_quota_update(quota: ResourceQuota, old: ResourceQuota) -> Errors:
    at = _SPEC.child("scopes")
    if set(quota.spec.scopes or ()) == set(old.spec.scopes or ()):
        return []
    return [field.invalid(at, quota.spec.scopes, field.IMMUTABLE)]


def check_quota_status_update(quota: ResourceQuota, old: ResourceQuota) -> Errors:
    status = Path("status")
    return _check_hard(quota.status.hard, status.child("hard")) + _check_hard(quota.status.used, status.child("used"))


def quota_warnings(quota: ResourceQuota) -> list[str]:
    """More to be requested than there are limits for: the one bound is never reached."""
    hard = quota.spec.hard or {}
    warnings: list[str] = []
    for name in ("cpu", "memory", "storage", "ephemeral-storage"):
        requested, limited = f"requests.{name}", f"limits.{name}"
        if requested not in hard and name in ("cpu", "memory"):
            requested = name
        request, limit = hard.get(requested), hard.get(limited)
        if request is not None and limit is not None and quantity.compare(request, limit) > 0:
            warnings.append(f"ResourceQuota {requested} ({request}) should be less than {limited} ({limit})")
    return warnings


def _check_hard(amounts: Mapping[str, Any] | None, path: Path) -> Errors:
    errors: Errors = []
    for name, amount in (amounts or {}).items():
        at = path.key(name)
        wrong = resources.check_name(name, at)
        if "/" not in name and not _is_standard(name):
            wrong.append(field.invalid(at, name, "must be a standard resource for quota"))
        errors += wrong + resources.check_amount(name, amount, at)
    return errors


def _is_standard(name: str) -> bool:
    return name in _QUOTA or name.startswith(("requests.hugepages-", "hugepages-"))


def _check_scopes(spec: ResourceQuotaSpec) -> Errors:
    errors: Errors = []
    scopes, at = spec.scopes or [], _SPEC.child("scopes")
    # Neither list has a bound, and what is wrong with a scope is not said again when the scope is given again.
    for scope in dict.fromkeys(scopes):
        if scope not in SCOPES:
            errors.append(field.invalid(at, scopes, "unsupported scope"))
        errors += [field.invalid(at, scopes, "unsupported scope applied to resource")] * _misfits(spec, scope)
    return errors + [field.invalid(at, scopes, "conflicting scopes") for pair in _CONFLICTS if pair <= set(scopes)]


def _misfits(spec: ResourceQuotaSpec, scope: str) -> int:
    """The number of resources that are counted for objects of which the scope says nothing."""
    if scope not in SCOPES:
        return 0
    return sum(_is_standard(name) and not _fits(scope, name) for name in spec.hard or ())


def _fits(scope: str, name: str) -> bool:
    """Whether a scope can choose among the objects that the resource is counted for."""
    if scope == "BestEffort":
        return name == "pods"
    if scope == "VolumeAttributesClass":
        return name in ("persistentvolumeclaims", "requests.storage")
    return name in _POD_COMPUTE


def _check_selector(spec: ResourceQuotaSpec) -> Errors:
    errors: Errors = []
    at = _SPEC.child("scopeSelector", "matchExpressions")
    seen: set[str] = set()
    for requirement in (spec.scopeSelector.matchExpressions if spec.scopeSelector else None) or ():
        scope, values = requirement.scopeName, requirement.values or []
        if scope not in SCOPES:
            errors.append(field.invalid(at.child("scopeName"), scope, "unsupported scope"))
        elif scope not in seen:
            shown = _shown(spec.scopeSelector)
            errors += [field.invalid(at, shown, "unsupported scope applied to resource")] * _misfits(spec, scope)
        seen.add(scope)
        if scope in _WITHOUT_VALUES and requirement.operator != "Exists":
            errors.append(field.invalid(at.child("operator"), requirement.operator, _ONLY_EXISTS))
        if requirement.operator in ("In", "NotIn"):
            if not values:
                detail = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector"
                errors.append(field.required(at.child("values"), detail))
        elif requirement.operator in ("Exists", "DoesNotExist"):
            if values:
                detail = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector"
                errors.append(field.invalid(at.child("values"), values, detail))
        else:
            errors.append(field.invalid(at.child("operator"), requirement.operator, "not a valid selector operator"))
    return errors + [field.invalid(at, spec.scopes, "conflicting scopes") for pair in _CONFLICTS if pair <= seen]


def _shown(selector: ScopeSelector | None) -> object:
    """As Kubernetes shows it, whose internal type this is."""
    requirements = (selector.matchExpressions if selector is not None else None) or []
    return field.Internal(
        MatchExpressions=[
            field.Internal(ScopeName=r.scopeName, Operator=r.operator, Values=r.values) for r in requirements
        ]
    )


def check_limit_range(limit_range: LimitRange) -> Errors:
    errors: Errors = []
    seen: set[str] = set()
    for i, item in enumerate(limit_range.spec.limits):
        at = _SPEC.child("limits").index(i)
        errors += _check_type(item.type, at.child("type"))
        if item.type in seen:
            errors.append(field.duplicate(at.child("type"), item.type))
        seen.add(item.type)
        errors += _check_item(item, at)
    return errors


def _check_type(kind: str, path: Path) -> Errors:
    errors = field.all_invalid(path, kind, names.qualified_name(kind))
    if not errors and "/" not in kind and kind not in LIMIT_TYPES:
        errors.append(field.invalid(path, kind, "must be a standard limit type or fully qualified"))
    return errors


def _check_item(item: LimitRangeItem, path: Path) -> Errors:
    errors: Errors = []
    check_name = resources.check_container_name if item.type in ("Pod", "Container") else resources.check_name
    for bag in ("max", "min", "default", "defaultRequest", "maxLimitRequestRatio"):
        given: Mapping[str, Any] = getattr(item, bag) or {}
        if given and item.type == "Pod" and bag.startswith("default"):
            errors.append(field.forbidden(path.child(bag), "may not be specified when `type` is 'Pod'"))
            continue
        for name in given:
            errors += check_name(name, path.child(bag).key(name))
    if item.type == "PersistentVolumeClaim" and "storage" not in {*(item.min or ()), *(item.max or ())}:
        detail = "either minimum or maximum storage value is required, but neither was provided"
        errors.append(field.required(path.child("limits"), detail))
    bags = (item.min, item.max, item.default, item.defaultRequest, item.maxLimitRequestRatio)
    for name in sorted({n for bag in bags for n in bag or ()}):
        errors += _check_order(item, name, path)
    return errors


def _check_order(item: LimitRangeItem, name: str, path: Path) -> Errors:
    """min ≤ default request ≤ default ≤ max, and a ratio of at least one."""
    words = {
        "min": "min value",
        "max": "max value",
        "default": "default value",
        "defaultRequest": "default request value",
    }
    errors: Errors = []
    for low, high, blamed, shown in (
        ("min", "max", "min", "min"),
        ("min", "defaultRequest", "defaultRequest", "defaultRequest"),
        ("defaultRequest", "max", "defaultRequest", "defaultRequest"),
        ("defaultRequest", "default", "defaultRequest", "defaultRequest"),
        ("min", "default", "default", "min"),
        ("default", "max", "default", "max"),
    ):
        a, b = (getattr(item, low) or {}).get(name), (getattr(item, high) or {}).get(name)
        if a is None or b is None or quantity.compare(a, b) <= 0:
            continue
        high_words = "default limit value" if (low, high) == ("defaultRequest", "default") else words[high]
        detail = f"{words[low]} {a} is greater than {high_words} {b}"
        errors.append(field.invalid(path.child(blamed).key(name), (getattr(item, shown) or {}).get(name), detail))
    return errors + _check_ratio(item, name, path) + _check_overcommit(item, name, path)


def _check_ratio(item: LimitRangeItem, name: str, path: Path) -> Errors:
    """A limit is never less than its request, and never more than the bounds allow."""
    ratio = (item.maxLimitRequestRatio or {}).get(name)
    if ratio is None:
        return []
    errors: Errors = []
    at = path.child("maxLimitRequestRatio").key(name)
    if quantity.compare(ratio, "1") < 0:
        errors.append(field.invalid(at, ratio, f"ratio {ratio} is less than 1"))
    least, most = (item.min or {}).get(name), (item.max or {}).get(name)
    if least is None or most is None or not (low := quantity.parse(least)):
        return errors
    bound = Fraction(quantity.parse(most)) / low
    if quantity.parse(ratio) > bound:
        errors.append(field.invalid(at, ratio, f"ratio {ratio} is greater than max/min = {float(bound):f}"))
    return errors


def _check_overcommit(item: LimitRangeItem, name: str, path: Path) -> Errors:
    """What cannot be overcommitted is requested as it is limited."""
    limit, request = (item.default or {}).get(name), (item.defaultRequest or {}).get(name)
    if limit is None or request is None or resources.may_overcommit(name) or quantity.compare(limit, request) == 0:
        return []
    detail = f"default value {limit} must equal to defaultRequest value {request} in {name}"
    return [field.invalid(path.child("defaultRequest").key(name), request, detail)]
