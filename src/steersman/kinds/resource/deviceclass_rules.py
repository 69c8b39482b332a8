"""Validation of DeviceClasses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api import field
from steersman.api.field import Errors, Path
from steersman.kinds.core.resource_validation import is_extended
from steersman.kinds.resource.bounded import check_list
from steersman.kinds.resource.claim_rules import MAX_CONFIGS
from steersman.kinds.resource.selector_rules import check_configuration, check_selectors

if TYPE_CHECKING:
    from steersman.kinds.types.resource_v1 import DeviceClass

_SPEC = Path("spec")


def check(obj: DeviceClass) -> Errors:
    spec = obj.spec
    errors = check_selectors(spec.selectors, _SPEC.child("selectors"))
    errors += check_list(spec.config, MAX_CONFIGS, check_configuration, _SPEC.child("config"))
    name = spec.extendedResourceName
    if name is not None and not is_extended(name):
        at = _SPEC.child("extendedResourceName")
        errors.append(field.invalid(at, name, "must be a valid extended resource name"))
    return errors
