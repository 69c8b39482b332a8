"""Validation of IngressClasses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api import field, names
from steersman.api.field import Errors, Path

if TYPE_CHECKING:
    from steersman.kinds.types.networking_v1 import IngressClass, IngressClassParametersReference

_MAX_CONTROLLER = 250
_SCOPES = ("Cluster", "Namespace")
_SPEC = Path("spec")


def check(obj: IngressClass) -> Errors:
    controller, at = obj.spec.controller, _SPEC.child("controller")
    if not controller:
        errors: Errors = [field.required(at)]
    else:
        errors = [field.too_long(at, _MAX_CONTROLLER)] if len(controller) > _MAX_CONTROLLER else []
        errors += field.all_invalid(at, controller, names.domain_prefixed_path(controller))
    return errors + _check_parameters(obj.spec.parameters, _SPEC.child("parameters"))


def check_update(obj: IngressClass, old: IngressClass) -> Errors:
    return field.immutable(_SPEC.child("controller"), obj.spec.controller, old.spec.controller)


def _check_parameters(parameters: IngressClassParametersReference | None, path: Path) -> Errors:
    if parameters is None:
        return []
    errors = check_reference(parameters, path)
    errors += field.check_choice(parameters.scope or "", _SCOPES, path.child("scope"))
    namespace, at = parameters.namespace, path.child("namespace")
    if parameters.scope == "Namespace":
        if namespace is None:
            errors.append(field.required(at, "`parameters.scope` is set to 'Namespace'"))
        else:
            errors += field.all_invalid(at, namespace, names.dns1123_label(namespace))
    elif parameters.scope == "Cluster" and namespace is not None:
        errors.append(field.forbidden(at, "`parameters.scope` is set to 'Cluster'"))
    return errors


def check_reference(reference: object, path: Path) -> Errors:
    """An object of any kind, named by group, kind and name."""
    group = getattr(reference, "apiGroup", "")
    errors = field.all_invalid(path.child("apiGroup"), group, names.dns1123_subdomain(group)) if group else []
    for name in ("kind", "name"):
        value, at = getattr(reference, name), path.child(name)
        errors += field.all_invalid(at, value, names.path_segment(value)) if value else [field.required(at)]
    return errors
