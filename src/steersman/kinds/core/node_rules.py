"""What the API server sets on nodes and checks of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import structs

from steersman.api import field, names
from steersman.api.field import Errors, Path
from steersman.kinds.address_warnings import cidr_warnings
from steersman.kinds.core.resource_validation import check_amounts
from steersman.kinds.core.scheduling_validation import check_taint_effect

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import Node, Taint

_CIDRS = Path("spec", "podCIDRs")
_PROVIDER = Path("spec", "providerID")
_TAINTS = Path("metadata", "taints")
_FEATURES = Path("status", "declaredFeatures")
_FEATURE = re.compile(r"[A-Z][a-zA-Z0-9]*(/[a-zA-Z][a-zA-Z0-9]*)*", re.ASCII)
_FEATURE_FORM = (
    "must start with an UpperCamelCase segment, with subsequent segments separated by '/' "
    "(e.g., MyFeature or MyFeature/mySubFeature), and contain only alphanumeric characters and slashes"
)


def default(node: Node) -> None:
    """What is allocatable is everything, until the node says otherwise; podCIDR is the first of podCIDRs."""
    if node.status.allocatable is None and node.status.capacity is not None:
        node.status.allocatable = dict(node.status.capacity)
    spec = node.spec
    if spec.podCIDR and (not spec.podCIDRs or spec.podCIDRs[0] != spec.podCIDR):
        # Older clients know only the one.
        spec.podCIDRs = [spec.podCIDR]
    elif spec.podCIDRs:
        spec.podCIDR = spec.podCIDRs[0]


def on_create(node: Node) -> None:
    """Configuration by objects is gone; what is off by default is left out."""
    node.spec.configSource, node.spec.podPreemptionPolicy = None, None
    if node.status.config is not None:
        node.status = structs.replace(node.status, config=None)


def on_update(node: Node, old: Node) -> None:
    for name in ("configSource", "podPreemptionPolicy"):
        if getattr(old.spec, name) is None:
            setattr(node.spec, name, None)


def on_status_update(node: Node, old: Node) -> None:
    if old.status.config is None:
        node.status.config = None


def check(node: Node) -> Errors:
    errors = _check_taints(node.spec.taints or [], _TAINTS)
    errors += _check_amounts(node)
    swap = node.status.nodeInfo.swap if node.status.nodeInfo is not None else None
    if swap is not None and swap.capacity is not None and swap.capacity <= 0:
        at = Path("metadata", "nodeSwapStatus", "capacity")
        errors.append(field.invalid(at, swap.capacity, "must be greater than zero"))
    errors += _check_features(node.status.declaredFeatures or [])
    cidrs = node.spec.podCIDRs or []
    for i, cidr in enumerate(cidrs):
        errors += field.all_invalid(_CIDRS.index(i), cidr, names.cidr(cidr))
    families = [names.ip_family(c.partition("/")[0]) for c in cidrs]
    if len(families) != len(set(families)):
        errors.append(field.invalid(_CIDRS, cidrs, "may specify no more than one CIDR for each IP family"))
    return errors


def check_update(node: Node, old: Node) -> Errors:
    errors = _check_addresses(node)
    new, before = node.spec.podCIDRs or [], old.spec.podCIDRs or []
    if before:
        detail = 'node updates may not change podCIDR except from "" to valid'
        changed = [n != o for n, o in zip(new, before, strict=True)] if len(new) == len(before) else [True]
        errors += [field.forbidden(_CIDRS, detail) for differs in changed if differs]
    if old.spec.providerID and node.spec.providerID != old.spec.providerID:
        what = "modified" if node.spec.providerID else "cleared"
        errors.append(field.invalid(_PROVIDER, None, f"field cannot be {what} once set"))
    if node.spec.externalID != old.spec.externalID:
        errors.append(field.forbidden(Path("spec", "externalID"), "may not be updated"))
    return errors


def check_status_update(node: Node, old: Node) -> Errors:
    return _check_amounts(node) + _check_features(node.status.declaredFeatures or []) + _check_addresses(node)


def warnings(node: Node) -> list[str]:
    found: list[str] = []
    if node.spec.configSource is not None:
        found.append("spec.configSource: the feature is removed")
    if node.spec.externalID:
        found.append("spec.externalID: this field is deprecated, and is unused by Kubernetes")
    return found + [w for i, cidr in enumerate(node.spec.podCIDRs or ()) for w in cidr_warnings(_CIDRS.index(i), cidr)]


def _check_features(features: list[str]) -> Errors:
    errors: Errors = []
    for i, feature in enumerate(features):
        name = f"invalid feature name {field.quote(feature)}"
        if len(feature) > names.SUBDOMAIN_MAX:
            detail = f"{name}: must be no more than {names.SUBDOMAIN_MAX} characters"
            errors.append(field.invalid(_FEATURES.index(i), feature, detail))
        elif not _FEATURE.fullmatch(feature):
            errors.append(field.invalid(_FEATURES.index(i), feature, f"{name}: {_FEATURE_FORM}"))
        following = features[i + 1] if i + 1 < len(features) else None
        if following == feature:
            errors.append(field.duplicate(_FEATURES.index(i + 1), following))
        elif following is not None and following < feature:
            errors.append(field.invalid(_FEATURES.index(i + 1), following, "list must be sorted alphabetically"))
    return errors


def _check_amounts(node: Node) -> Errors:
    status = Path("status")
    return check_amounts(node.status.capacity, status.child("capacity")) + check_amounts(
        node.status.allocatable, status.child("allocatable")
    )


def _check_addresses(node: Node) -> Errors:
    at = Path("status", "addresses")
    errors: Errors = []
    seen: set[tuple[str, str]] = set()
    for i, address in enumerate(node.status.addresses or ()):
        known = (address.type, address.address)
        if known in seen:
            errors.append(field.duplicate(at.index(i), field.Internal(Type=address.type, Address=address.address)))
        seen.add(known)
    return errors


def _check_taints(taints: list[Taint], path: Path) -> Errors:
    errors: Errors = []
    seen: set[tuple[str, str]] = set()
    for i, taint in enumerate(taints):
        at = path.index(i)
        errors += field.all_invalid(at.child("key"), taint.key, names.qualified_name(taint.key))
        wrong = names.label_value(taint.value)
        if wrong:
            errors.append(field.invalid(at.child("value"), taint.value, ";".join(wrong)))
        if not taint.effect:
            errors.append(field.required(at.child("effect")))
        else:
            errors += check_taint_effect(taint.effect, at.child("effect"))
        if (taint.key, taint.effect) in seen:
            detail = "taints must be unique by key and effect pair"
            shown = field.Internal(
                Key=taint.key, Value=taint.value, Effect=taint.effect, TimeAdded=taint.timeAdded or None
            )
            errors.append(field.FieldError(field.ErrorType.DUPLICATE, str(at), shown, detail))
        seen.add((taint.key, taint.effect))
    return errors
