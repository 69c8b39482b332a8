"""Validation of how much of a device's capacity one claim may take: of several values, or of a range in steps."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from steersman.api import field, quantity
from steersman.api.field import Errors, Path

if TYPE_CHECKING:
    from steersman.kinds.types.resource_v1 import CapacityRequestPolicy, CapacityRequestPolicyRange, DeviceCapacity

_MAX_VALUES = 10


def check(capacity: DeviceCapacity, path: Path) -> Errors:
    """The capacity of a device that several claims can share."""
    policy, at = capacity.requestPolicy, path.child("requestPolicy")
    if policy is None:
        return []
    if policy.validValues and policy.validRange is not None:
        detail = 'exactly one policy can be specified, cannot specify "validValues" and "validRange" at the same time'
        return [field.forbidden(at, detail)]
    if policy.validValues:
        return _check_values(policy, capacity.value, at)
    if policy.validRange is None:
        return []
    if policy.default is None:
        return [field.required(at.child("default"), "required when validRange is defined")]
    return _check_range(policy.default, capacity.value, policy.validRange, at.child("validRange"))


def check_single(capacity: DeviceCapacity, path: Path) -> Errors:
    """The capacity of a device that is given away whole."""
    if capacity.requestPolicy is None:
        return []
    return [field.forbidden(path.child("requestPolicy"), "allowMultipleAllocations must be true")]


def _check_values(policy: CapacityRequestPolicy, whole: Any, path: Path) -> Errors:
    if policy.default is None:
        return [field.required(path.child("default"), "required when validValues is defined")]
    values, at = policy.validValues or [], path.child("validValues")
    errors: Errors = [
        field.invalid(at.index(i + 1), later, "values must be sorted in ascending order")
        for i, (earlier, later) in enumerate(pairwise(values))
        if quantity.compare(earlier, later) > 0
    ]
    if len(values) > _MAX_VALUES:
        return [*errors, field.too_many(at, len(values), _MAX_VALUES)]
    seen: set[int] = set()
    for i, value in enumerate(values):
        if quantity.compare(value, whole) > 0:
            errors.append(field.invalid(at.index(i), value, f"option is larger than capacity value: {whole}"))
        if quantity.nano(value) in seen:
            errors.append(field.duplicate(at.index(i), str(value)))
        seen.add(quantity.nano(value))
    if quantity.nano(policy.default) not in seen:
        errors.append(field.invalid(at, policy.default, "default value is not valid according to the requestPolicy"))
    return errors


def _check_range(default: Any, whole: Any, bounds: CapacityRequestPolicyRange, path: Path) -> Errors:
    least, most, step = bounds.min, bounds.max, bounds.step
    if least is None:
        return [field.required(path.child("min"), "required when validRange is defined")]
    errors: Errors = []
    for name, value, limit, above, detail in (
        ("min", least, whole, True, f"min is larger than capacity value: {whole}"),
        ("default", default, least, False, f"default is less than min: {least}"),
        ("max", least, most, True, f"min is larger than max: {most}"),
        ("max", most, whole, True, f"max is larger than capacity value: {whole}"),
        ("default", default, most, True, f"default is more than max: {most}"),
    ):
        if value is None or limit is None:
            continue
        order = quantity.compare(value, limit)
        if order > 0 if above else order < 0:
            errors.append(field.invalid(path.child(name), value, detail))
    if step is None:
        return errors
    at = path.child("step")
    if quantity.nano(step) <= 0:
        return [*errors, field.invalid(at, step, "must be greater than zero")]
    one = quantity.add(least, step)
    if quantity.compare(one, whole) > 0:
        errors.append(field.invalid(at, step, f"one step {one} is larger than capacity value: {whole}"))
    for value in (default, most):
        if value is not None and (quantity.nano(value) - quantity.nano(least)) % quantity.nano(step):
            detail = f"value is not a multiple of a given step ({step}) from ({least})"
            errors.append(field.invalid(at, value, detail))
    return errors
