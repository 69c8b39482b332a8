"""What the API server sets on nodes and checks of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api import field, names
from steersman.api.field import Errors, Path
from steersman.kinds.core.resource_validation import check_amounts
from steersman.kinds.core.scheduling_validation import check_taint_effect

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import Node, Taint

_CIDRS = Path("spec", "podCIDRs")


def default(node: Node) -> None:
    """What is allocatable is everything, until the node says otherwise; podCIDR is the first of podCIDRs."""
    if node.status.allocatable is None and node.status.capacity is not None:
        node.status.allocatable = dict(node.status.capacity)
    if node.spec.podCIDR and not node.spec.podCIDRs:
        node.spec.podCIDRs = [node.spec.podCIDR]
    elif node.spec.podCIDRs and not node.spec.podCIDR:
        node.spec.podCIDR = node.spec.podCIDRs[0]


def check(node: Node) -> Errors:
    errors = _check_taints(node.spec.taints or [], Path("metadata", "taints"))
    errors += _check_amounts(node)
    cidrs = node.spec.podCIDRs or []
    for i, cidr in enumerate(cidrs):
        errors += field.all_invalid(_CIDRS.index(i), cidr, names.cidr(cidr))
        if cidr in cidrs[:i]:
            errors.append(field.duplicate(_CIDRS.index(i), cidr))
    families = [names.ip_family(c.partition("/")[0]) for c in cidrs]
    if len(families) != len(set(families)):
        errors.append(field.invalid(_CIDRS, cidrs, "may specify no more than one CIDR for each IP family"))
    return errors


def check_update(node: Node, old: Node) -> Errors:
    errors = _check_addresses(node)
    if old.spec.podCIDRs and node.spec.podCIDRs != old.spec.podCIDRs:
        detail = 'node updates may not change podCIDR except from "" to valid'
        errors.append(field.forbidden(_CIDRS, detail))
    if old.spec.providerID and node.spec.providerID != old.spec.providerID:
        detail = 'node updates may not change providerID except from "" to valid'
        errors.append(field.forbidden(Path("spec", "providerID"), detail))
    if node.spec.externalID != old.spec.externalID:
        errors.append(field.forbidden(Path("spec", "externalID"), "may not be updated"))
    return errors


def check_status_update(node: Node, old: Node) -> Errors:
    return _check_amounts(node) + _check_addresses(node)


def _check_amounts(node: Node) -> Errors:
    status = Path("status")
    return check_amounts(node.status.capacity, status.child("capacity")) + check_amounts(
        node.status.allocatable, status.child("allocatable")
    )


def _check_addresses(node: Node) -> Errors:
    addresses = node.status.addresses or []
    at = Path("status", "addresses")
    return [field.duplicate(at.index(i), a) for i, a in enumerate(addresses) if a in addresses[:i]]


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
            errors.append(field.FieldError(field.ErrorType.DUPLICATE, str(at), taint, detail))
        seen.add((taint.key, taint.effect))
    return errors
