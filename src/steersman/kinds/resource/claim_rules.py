"""Validation of what claims ask for: requests, constraints between them, and configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from steersman.api import field
from steersman.api.field import Errors, Path
from steersman.kinds.metadata import validate_template
from steersman.kinds.resource.bounded import check_list, check_set
from steersman.kinds.resource.names_rules import check_class_name, check_fully_qualified, check_label
from steersman.kinds.resource.selector_rules import check_configuration, check_expression, check_selectors
from steersman.kinds.resource.taint_rules import check_toleration

if TYPE_CHECKING:
    from steersman.kinds.types.resource_v1 import (
        DeviceClaim,
        DeviceClaimConfiguration,
        DeviceConstraint,
        DeviceDerivedAttribute,
        DeviceRequest,
        DeviceSubRequest,
        ExactDeviceRequest,
        ResourceClaim,
        ResourceClaimSpec,
        ResourceClaimTemplate,
    )

MAX_REQUESTS, MAX_CONFIGS = 32, 32
_MAX_CONSTRAINTS, _MAX_ALTERNATIVES, _MAX_TOLERATIONS = 32, 8, 16
_MODES = ("All", "ExactCount")
_UNKNOWN_REQUEST = (
    "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'"
)
_SPEC = Path("spec")

RequestNames = Mapping[str, frozenset[str]]
"""The requests of a claim, and the alternatives of each."""
_Attributes = Mapping[str, frozenset[str]]
"""The attributes that constraints name, by the request they are for; "" is all of them."""


def check_claim(claim: ResourceClaim) -> Errors:
    return check_spec(claim.spec, _SPEC)


def check_claim_update(claim: ResourceClaim, old: ResourceClaim) -> Errors:
    return field.immutable(_SPEC, claim.spec, old.spec)


def check_template(template: ResourceClaimTemplate) -> Errors:
    errors = validate_template(template.spec.metadata, _SPEC.child("metadata"))
    return errors + check_spec(template.spec.spec, _SPEC.child("spec"))


def check_template_update(template: ResourceClaimTemplate, old: ResourceClaimTemplate) -> Errors:
    return field.immutable(_SPEC, template.spec, old.spec)


def check_spec(spec: ResourceClaimSpec, path: Path) -> Errors:
    """What is wrong with what a claim asks for."""
    claim, at = spec.devices, path.child("devices")
    if claim is None:
        return []
    known, attributes = request_names(claim), _attributes(claim)
    errors = check_set(
        claim.requests, MAX_REQUESTS, lambda r, p: _check_request(r, p, attributes), at.child("requests"), _name_of
    )
    errors += check_list(
        claim.constraints, _MAX_CONSTRAINTS, lambda c, p: _check_constraint(c, p, known), at.child("constraints")
    )
    return errors + check_list(claim.config, MAX_CONFIGS, lambda c, p: _check_config(c, p, known), at.child("config"))


def request_names(claim: DeviceClaim | None) -> RequestNames:
    requests = claim.requests if claim is not None else None
    return {r.name: frozenset(s.name for s in r.firstAvailable or ()) for r in requests or ()}


def check_reference(name: str, path: Path, known: RequestNames) -> Errors:
    """A request, or one of its alternatives, named from elsewhere."""
    parts = name.split("/")
    if len(parts) > 2:
        return [field.invalid(path, name, _UNKNOWN_REQUEST)]
    errors = [e for part in parts for e in check_label(part, path)]
    if parts[0] not in known or (len(parts) == 2 and parts[1] not in known[parts[0]]):
        errors.append(field.invalid(path, name, _UNKNOWN_REQUEST))
    return errors


def _name_of(named: DeviceRequest | DeviceSubRequest | DeviceDerivedAttribute) -> str:
    return named.name


def _attributes(claim: DeviceClaim) -> _Attributes:
    found: dict[str, set[str]] = {}
    for constraint in claim.constraints or ():
        name = constraint.matchAttribute or constraint.distinctAttribute
        if name:
            for request in constraint.requests or ("",):
                found.setdefault(request, set()).add(name)
    return {request: frozenset(names) for request, names in found.items()}


def _check_request(request: DeviceRequest, path: Path, attributes: _Attributes) -> Errors:
    errors = check_label(request.name, path.child("name"))
    exactly, alternatives = request.exactly, request.firstAvailable
    if exactly is not None and alternatives:
        detail = "exactly one of `exactly` or `firstAvailable` is required, but multiple fields are set"
        errors.append(field.invalid(path, None, detail))
    elif alternatives:
        errors += check_set(
            alternatives,
            _MAX_ALTERNATIVES,
            lambda s, p: _check_alternative(s, p, attributes, request.name),
            path.child("firstAvailable"),
            _name_of,
        )
    elif exactly is not None:
        errors += _check_wanted(exactly, path.child("exactly"), attributes, request.name)
    else:
        errors.append(field.required(path, "exactly one of `exactly` or `firstAvailable` is required"))
    return errors


def _check_alternative(request: DeviceSubRequest, path: Path, attributes: _Attributes, parent: str) -> Errors:
    errors = check_label(request.name, path.child("name"))
    return errors + _check_wanted(request, path, attributes, f"{parent}/{request.name}")


def _check_wanted(
    request: ExactDeviceRequest | DeviceSubRequest, path: Path, attributes: _Attributes, name: str
) -> Errors:
    errors = check_class_name(request.deviceClassName, path.child("deviceClassName"))
    errors += check_selectors(request.selectors, path.child("selectors"))
    used = attributes.get("", frozenset()) | attributes.get(name, frozenset())
    used |= attributes.get(name.partition("/")[0], frozenset())
    errors += check_set(
        request.derivedAttributes,
        -1,
        lambda a, p: _check_derived(a, p, used),
        path.child("derivedAttributes"),
        _name_of,
    )
    errors += _check_count(request, path)
    at = path.child("tolerations")
    return errors + check_list(request.tolerations, _MAX_TOLERATIONS, check_toleration, at)


def _check_derived(attribute: DeviceDerivedAttribute, path: Path, used: frozenset[str]) -> Errors:
    errors: Errors = [field.required(path.child(n)) for n in ("name", "expression") if not getattr(attribute, n)]
    if attribute.name and attribute.name not in used:
        detail = (
            "must be referenced by at least one matchAttribute or distinctAttribute constraint targeting this request"
        )
        errors.append(field.invalid(path.child("name"), attribute.name, detail))
    if attribute.expression:
        errors += check_expression(attribute.expression, path.child("expression"), chooses=False)
    return errors


def _check_count(request: ExactDeviceRequest | DeviceSubRequest, path: Path) -> Errors:
    mode, count, at = request.allocationMode, request.count or 0, path.child("count")
    if mode not in _MODES:
        return [field.not_supported(path.child("allocationMode"), mode, _MODES)]
    if mode == "All" and count:
        return [field.invalid(at, count, "must not be specified when allocationMode is 'All'")]
    if mode == "ExactCount" and count <= 0:
        return [field.invalid(at, count, "must be greater than zero")]
    return []


def _check_constraint(constraint: DeviceConstraint, path: Path, known: RequestNames) -> Errors:
    errors = check_set(
        constraint.requests, MAX_REQUESTS, lambda n, p: check_reference(n, p, known), path.child("requests")
    )
    for name in ("matchAttribute", "distinctAttribute"):
        value = getattr(constraint, name)
        if value is not None:
            return errors + check_fully_qualified(value, path.child(name))
    detail = 'exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set'
    return [*errors, field.required(path, detail)]


def _check_config(config: DeviceClaimConfiguration, path: Path, known: RequestNames) -> Errors:
    errors = check_set(config.requests, MAX_REQUESTS, lambda n, p: check_reference(n, p, known), path.child("requests"))
    return errors + check_configuration(config, path)
