"""The addresses of a Service and their families: what a client left out, what fits together, and what this cluster has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from steersman.api import field, names
from steersman.api.field import Errors, Path

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import ServiceSpec

NONE: Final = "None"
FAMILIES: Final = ("IPv4", "IPv6")
EXTERNAL_NAME: Final = "ExternalName"
SINGLE, PREFER, REQUIRE = "SingleStack", "PreferDualStack", "RequireDualStack"
_POLICIES = (PREFER, REQUIRE, SINGLE)
_MAX_ADDRESSES = 2
_SPEC = Path("spec")
_IPS, _FAMILIES, _POLICY = _SPEC.child("clusterIPs"), _SPEC.child("ipFamilies"), _SPEC.child("ipFamilyPolicy")
_FIXED = "may not change once set"


def is_headless(spec: ServiceSpec) -> bool:
    return spec.clusterIP == NONE or bool(spec.clusterIPs and spec.clusterIPs[0] == NONE)


def lists_none(spec: ServiceSpec) -> bool:
    """Whether the addresses say that the Service has none: what counts where the two fields may differ."""
    return spec.clusterIPs == [NONE]


def complete_new(spec: ServiceSpec) -> None:
    """The one address that an old client names is the first of the list."""
    if spec.clusterIP and not spec.clusterIPs:
        spec.clusterIPs = [spec.clusterIP]


def complete_changed(spec: ServiceSpec, before: ServiceSpec) -> None:
    """What was left out stays as it was; of the two fields for addresses, the one that changed is meant."""
    if EXTERNAL_NAME not in (spec.type, before.type):
        spec.clusterIP = spec.clusterIP or before.clusterIP
        spec.clusterIPs = spec.clusterIPs or before.clusterIPs
    if not spec.clusterIPs and spec.clusterIP == before.clusterIP:
        spec.clusterIPs = before.clusterIPs
    elif spec.clusterIP != before.clusterIP and _same(spec.clusterIPs, before.clusterIPs):
        spec.clusterIPs = [spec.clusterIP] if spec.clusterIP else None


def settle(spec: ServiceSpec, before: ServiceSpec | None, family: str) -> Errors:
    """Fills in the families and their policy, on a cluster of one family. `before` is the stored spec of a change."""
    if spec.type == EXTERNAL_NAME or (before is not None and _prefers_as_before(spec, before)):
        return []
    # Both may have either family where nothing is allocated and nobody selects pods: whoever writes the endpoints knows.
    free = spec.clusterIP == NONE and not spec.selector
    if not spec.ipFamilyPolicy:
        spec.ipFamilyPolicy = (before.ipFamilyPolicy if before is not None else "") or (REQUIRE if free else SINGLE)
    if errors := check_related(spec, before):
        return errors
    errors = _release(spec, before) if before is not None else []
    errors += _check_single(spec) + _infer(spec, family)
    if errors:
        return errors
    if free:
        spec.ipFamilies = spec.ipFamilies or [family]
        if len(spec.ipFamilies) == 1 and spec.ipFamilyPolicy != SINGLE:
            spec.ipFamilies = [*spec.ipFamilies, *(f for f in FAMILIES if f not in spec.ipFamilies)]
        return []
    return _settle_here(spec, family)


def _settle_here(spec: ServiceSpec, family: str) -> Errors:
    """What is left once it is known that the cluster's own family is all there is."""
    errors: Errors = []
    if spec.ipFamilyPolicy == REQUIRE:
        detail = "this cluster is not configured for dual-stack services"
        errors.append(field.invalid(_POLICY, spec.ipFamilyPolicy, detail))
    for i, wanted in enumerate(spec.ipFamilies or ()):
        if wanted != family:
            errors.append(field.invalid(_FAMILIES.index(i), wanted, "not configured on this cluster"))
    if not errors:
        spec.ipFamilies = spec.ipFamilies or [family]
    return errors


def _prefers_as_before(spec: ServiceSpec, before: ServiceSpec) -> bool:
    """A Service that takes what there is does not follow a cluster that has got another family since."""
    return (
        spec.type == before.type
        and spec.ipFamilyPolicy == before.ipFamilyPolicy == PREFER
        and _same(spec.clusterIPs, before.clusterIPs)
        and _same(spec.ipFamilies, before.ipFamilies)
    )


def _release(spec: ServiceSpec, before: ServiceSpec) -> Errors:
    """Who asks for one family gives up the second; who gives it up has to say so."""
    if spec.ipFamilyPolicy == SINGLE:
        if spec.clusterIPs and _same(spec.clusterIPs, before.clusterIPs):
            spec.clusterIPs = spec.clusterIPs[:1]
        if spec.ipFamilies and _same(spec.ipFamilies, before.ipFamilies):
            spec.ipFamilies = spec.ipFamilies[:1]
        return []
    return [
        field.invalid(_POLICY, spec.ipFamilyPolicy, f"must be 'SingleStack' to release the secondary {what}")
        for new, old, what in (
            (spec.clusterIPs, before.clusterIPs, "cluster IP"),
            (spec.ipFamilies, before.ipFamilies, "IP family"),
        )
        if new and len(new) < len(old or ())
    ]


def _check_single(spec: ServiceSpec) -> Errors:
    if spec.ipFamilyPolicy != SINGLE:
        return []
    detail = "must be 'RequireDualStack' or 'PreferDualStack' when multiple {} are specified"
    return [
        field.invalid(_POLICY, spec.ipFamilyPolicy, detail.format(what))
        for values, what in ((spec.clusterIPs, "cluster IPs"), (spec.ipFamilies, "IP families"))
        if len(values or ()) == _MAX_ADDRESSES
    ]


def _infer(spec: ServiceSpec, family: str) -> Errors:
    """An address says of which family it is."""
    errors: Errors = []
    found = list(spec.ipFamilies or ())
    for i, ip in enumerate(spec.clusterIPs or ()):
        if ip == NONE:
            break
        if i < len(found):
            continue
        own = names.ip_family(ip)
        if own == family:
            found.append(own)
        else:
            errors.append(field.invalid(_IPS.index(i), spec.clusterIPs, f"{own} is not configured on this cluster"))
    spec.ipFamilies = found or None
    return errors


def check_related(spec: ServiceSpec, before: ServiceSpec | None) -> Errors:
    """Whether addresses, families and policy fit together. An address that was good once stays so."""
    if spec.type == EXTERNAL_NAME:
        return []
    ips = spec.clusterIPs or []
    errors: Errors = []
    if spec.clusterIP and not ips:
        errors.append(field.required(_IPS))
    elif spec.clusterIP and ips[0] != spec.clusterIP:
        errors.append(field.invalid(_IPS, ips, "first value must match `clusterIP`"))
    elif not spec.clusterIP and ips:
        errors.append(field.invalid(_IPS, ips, "must be empty when `clusterIP` is not specified"))
    errors += _check_families(spec.ipFamilies or [])
    if spec.ipFamilyPolicy and spec.ipFamilyPolicy not in _POLICIES:
        errors.append(field.not_supported(_POLICY, spec.ipFamilyPolicy, _POLICIES))
    wrong = _check_ips(ips, (before.clusterIPs if before is not None else None) or ())
    errors += wrong
    if len(ips) > _MAX_ADDRESSES:
        errors.append(field.invalid(_IPS, ips, "may only hold up to 2 values"))
    # Of what is no address nothing more can be said.
    return errors if wrong else errors + _check_match(ips, spec.ipFamilies or [])


def _check_families(families: list[str]) -> Errors:
    errors: Errors = []
    seen: set[str] = set()
    for i, family in enumerate(families):
        if family not in FAMILIES:
            errors.append(field.not_supported(_FAMILIES.index(i), family, FAMILIES))
        if family in seen:
            errors.append(field.duplicate(_FAMILIES.index(i), family))
        seen.add(family)
    return errors


def _check_ips(ips: list[str], known: Sequence[str]) -> Errors:
    errors: Errors = []
    for i, ip in enumerate(ips):
        if i == 0 and ip == NONE:
            if len(ips) > 1:
                errors.append(field.invalid(_IPS, ips, "'None' must be the first and only value"))
        elif ip not in known:
            errors += field.all_invalid(_IPS.index(i), ip, names.ip(ip))
    return errors


def _check_match(ips: list[str], families: list[str]) -> Errors:
    if ips == [NONE]:
        return []
    errors: Errors = []
    found = [names.ip_family(ip) for ip in ips]
    if len(ips) > 1 and sorted(found) != list(FAMILIES):
        errors.append(field.invalid(_IPS, ips, "may specify no more than one IP for each IP family"))
    for i, (ip, family, wanted) in enumerate(zip(ips, found, families, strict=False)):
        if wanted in FAMILIES and family != wanted:
            detail = f"expected an {wanted} value as indicated by `ipFamilies[{i}]`"
            errors.append(field.invalid(_IPS.index(i), ip, detail))
    return errors


def check_kept(spec: ServiceSpec, before: ServiceSpec) -> Errors:
    """The first address and family stay, but for a change from or to ExternalName."""
    if EXTERNAL_NAME in (spec.type, before.type):
        return []
    headless, was_headless = lists_none(spec), lists_none(before)
    errors: Errors = [] if headless and was_headless else _check_kept_ips(spec, before)
    return errors if headless or was_headless else errors + _check_kept_families(spec, before)


def _check_kept_ips(spec: ServiceSpec, before: ServiceSpec) -> Errors:
    new, old = spec.clusterIPs or [], before.clusterIPs or []
    if len(new) == len(old):
        return [
            field.invalid(_IPS.index(i), new, _FIXED) for i, (n, o) in enumerate(zip(new, old, strict=True)) if n != o
        ]
    errors: Errors = []
    if not new:
        errors.append(field.invalid(_IPS.index(0), new, "primary clusterIP can not be unset"))
    if new and old and new[0] != old[0]:
        errors.append(field.invalid(_IPS.index(0), new, _FIXED))
    return errors + _check_given_up(new, old, spec.ipFamilyPolicy, "clusterIP")


def _check_kept_families(spec: ServiceSpec, before: ServiceSpec) -> Errors:
    new, old = spec.ipFamilies or [], before.ipFamilies or []
    at = _FAMILIES.index(0)
    if len(new) == len(old):
        return [field.invalid(at, new, _FIXED) for n, o in zip(new, old, strict=True) if n != o]
    errors: Errors = []
    if len(new) < len(old) and not spec.clusterIPs:
        errors.append(field.invalid(at, new, "primary ipFamily can not be unset"))
    if new and old and new[0] != old[0]:
        # Clients are shown the addresses here, since ever.
        errors.append(field.invalid(at, spec.clusterIPs, _FIXED))
    return errors + _check_given_up(new, old, spec.ipFamilyPolicy, "ipFamily")


def _check_given_up(new: list[str], old: list[str], policy: str, what: str) -> Errors:
    """Who gives up a second address or family says that one is enough."""
    if not len(new) == 1 < len(old) or policy == SINGLE:
        return []
    detail = f"must be set to 'SingleStack' when releasing the secondary {what}"
    return [field.invalid(_POLICY, policy, detail)]


def _same(a: Sequence[str] | None, b: Sequence[str] | None) -> bool:
    return list(a or ()) == list(b or ())
