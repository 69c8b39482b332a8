"""Validation of ServiceCIDRs: a range, or one of each family."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api import field, names
from steersman.api.field import Errors, Path

if TYPE_CHECKING:
    from steersman.kinds.types.networking_v1 import ServiceCIDR

_CIDRS = Path("spec", "cidrs")
_MOST = 2


def check_new(obj: ServiceCIDR) -> Errors:
    cidrs = obj.spec.cidrs or []
    if not cidrs:
        return [field.required(_CIDRS, "at least one CIDR required")]
    if len(cidrs) > _MOST:
        return [field.invalid(_CIDRS, obj.spec, "may only hold up to 2 values")]
    errors = [e for i, c in enumerate(cidrs) for e in field.all_invalid(_CIDRS.index(i), c, names.canonical_cidr(c))]
    families = [names.ip_family(c.partition("/")[0]) for c in cidrs]
    if len(cidrs) == _MOST and families[0] and families[0] == families[1]:
        detail = "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64"
        errors.append(field.invalid(_CIDRS, cidrs, detail))
    return errors


def check_update(obj: ServiceCIDR, old: ServiceCIDR) -> Errors:
    """Ranges stay, but a second one may come for the other family."""
    cidrs, before = obj.spec.cidrs or [], old.spec.cidrs or []
    grows = len(before) == 1 and len(cidrs) == _MOST
    if len(cidrs) != len(before) and not grows:
        return [field.invalid(_CIDRS, cidrs, field.IMMUTABLE)]
    errors: Errors = [
        field.invalid(_CIDRS.index(i), new, field.IMMUTABLE)
        for i, (new, known) in enumerate(zip(cidrs, before, strict=False))
        if new != known
    ]
    return errors + check_new(obj) if grows else errors
