"""Validation of a device that a driver offers: its attributes, what it consumes, and where it can be used."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from steersman.api import field, names, quantity
from steersman.api.field import Errors, Path
from steersman.kinds.core.scheduling_validation import check_node_selector
from steersman.kinds.resource import binding_rules, capacity_rules
from steersman.kinds.resource.bounded import anything, check_list, check_map, check_set
from steersman.kinds.resource.names_rules import MAX_KEY, check_label, check_qualified
from steersman.kinds.resource.taint_rules import check_taint

if TYPE_CHECKING:
    from steersman.kinds.types.resource_v1 import (
        CounterSet,
        Device,
        DeviceAttribute,
        DeviceCapacity,
        DeviceCounterConsumption,
        NodeAllocatableResource,
    )

_MAX_ENTRIES, _MAX_VALUES, _MAX_TEXT = 32, 48, 64
_MAX_TAINTS, _MAX_CONSUMPTIONS, _MAX_COUNTERS = 16, 2, 32
_NODE_RESOURCES = ("cpu", "memory", "ephemeral-storage")
_NUMBER, _PRERELEASE, _BUILD = r"(0|[1-9]\d*)", r"(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)", "[0-9a-zA-Z-]+"
_is_version = re.compile(
    rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(-{_PRERELEASE}(\.{_PRERELEASE})*)?(\+{_BUILD}(\.{_BUILD})*)?", re.ASCII
).fullmatch
_LISTS = ("bools", "ints", "strings", "versions")
_VALUES = ("bool", "int", "string", "version", *_LISTS)
_NO_PLACE = (
    "`nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to true in the "
    "ResourceSlice spec"
)
_ONE_PLACE = (
    "exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when `perDeviceNodeSelection` is set to true "
    "in the ResourceSlice spec"
)


def check(device: Device, path: Path, *, placed: bool) -> Errors:
    """What is wrong with a device; `placed` ones say each for itself on which nodes they can be used."""
    errors = check_label(device.name, path.child("name"))
    errors += _check_numbers(device, path)
    errors += check_map(device.attributes, -1, check_qualified, _check_attribute, path.child("attributes"), MAX_KEY)
    check_capacity = capacity_rules.check if device.allowMultipleAllocations else capacity_rules.check_single
    errors += check_map(device.capacity, -1, check_qualified, check_capacity, path.child("capacity"), MAX_KEY)
    errors += check_list(device.taints, _MAX_TAINTS, check_taint, path.child("taints"))
    errors += check_set(
        device.consumesCounters,
        _MAX_CONSUMPTIONS,
        _check_consumption,
        path.child("consumesCounters"),
        lambda consumption: consumption.counterSet,
    )
    errors += _check_place(device, path, placed=placed)
    errors += binding_rules.check_conditions(device.bindingConditions, device.bindingFailureConditions, path)
    for name, resource in (device.nodeAllocatableResources or {}).items():
        at = path.child("nodeAllocatableResources").key(name)
        errors += _check_node_resource(name, resource, device.capacity or {}, at)
    return errors


def check_counter_set(counters: CounterSet, path: Path) -> Errors:
    return _check_counters(counters.name, counters.counters, path, "name")


def _check_consumption(consumption: DeviceCounterConsumption, path: Path) -> Errors:
    return _check_counters(consumption.counterSet, consumption.counters, path, "counterSet")


def _check_counters(name: str, counters: dict[str, Any], path: Path, name_field: str) -> Errors:
    at = path.child(name_field)
    errors = check_label(name, at) if name else [field.required(at)]
    at = path.child("counters")
    if not counters:
        return [*errors, field.required(at)]
    return errors + check_map(counters, _MAX_COUNTERS, check_label, anything, at, names.LABEL_MAX)


def _check_numbers(device: Device, path: Path) -> Errors:
    errors: Errors = []
    attributes = device.attributes or {}
    entries = len(attributes) + len(device.capacity or {})
    if entries > _MAX_ENTRIES:
        detail = f"the total number of attributes and capacities must not exceed {_MAX_ENTRIES}"
        errors.append(field.invalid(path, entries, detail))
    values = sum(max(1, sum(len(getattr(a, n) or ()) for n in _LISTS)) for a in attributes.values())
    if values > _MAX_VALUES:
        detail = f"the total number of attribute values must not exceed {_MAX_VALUES}"
        errors.append(field.invalid(path, values, detail))
    return errors


def _check_attribute(attribute: DeviceAttribute, path: Path) -> Errors:
    errors: Errors = []
    given = [n for n in _VALUES if getattr(attribute, n) is not None]
    for name in given:
        value, at = getattr(attribute, name), path.child(name)
        if name in _LISTS:
            if not value:
                errors.append(field.invalid(at, value, "must not be empty if specified"))
            for i, item in enumerate(value):
                errors += _check_value(name, item, at.index(i))
        else:
            errors += _check_value(name, value, at)
    if len(given) != 1:
        detail = "exactly one value must be specified"
        errors.append(field.invalid(path, attribute if given else "", detail))
    return errors


def _check_value(name: str, value: Any, path: Path) -> Errors:
    errors: Errors = []
    if name.startswith("version") and not _is_version(value):
        errors.append(field.invalid(path, value, "must be a string compatible with semver.org spec 2.0.0"))
    if isinstance(value, str) and len(value.encode()) > _MAX_TEXT:
        errors.append(field.too_long(path, _MAX_TEXT))
    return errors


def _check_place(device: Device, path: Path, *, placed: bool) -> Errors:
    given = [n for n in ("nodeName", "nodeSelector", "allNodes") if getattr(device, n) is not None]
    if not placed:
        return [field.invalid(path, None, _NO_PLACE)] if given else []
    errors: Errors = []
    chosen = []
    if device.nodeName is not None:
        at = path.child("nodeName")
        if device.nodeName:
            chosen.append("`nodeName`")
            errors += field.all_invalid(at, device.nodeName, names.dns1123_subdomain(device.nodeName))
        else:
            errors.append(field.invalid(at, device.nodeName, "must not be empty"))
    if device.nodeSelector is not None:
        chosen.append("`nodeSelector`")
        errors += check_node_selector(device.nodeSelector, path.child("nodeSelector"))
    if device.allNodes:
        chosen.append("`allNodes`")
    elif device.allNodes is not None:
        errors.append(field.invalid(path.child("allNodes"), False, "must be either unset or set to true"))
    if not chosen:
        errors.append(field.required(path, _ONE_PLACE))
    elif len(chosen) > 1:
        errors.append(field.invalid(path, f"{{{', '.join(chosen)}}}", _ONE_PLACE))
    return errors


def _check_node_resource(
    name: str, resource: NodeAllocatableResource, capacity: dict[str, DeviceCapacity], path: Path
) -> Errors:
    """What of a node's own resources a device brings or takes."""
    errors: Errors = []
    if name not in _NODE_RESOURCES and not name.startswith("hugepages-"):
        errors.append(field.invalid(path, name, "must be a node allocatable resource name"))
    if resource.mapping is None and resource.overhead is None:
        errors.append(field.required(path, "at least one of mapping or overhead must be set"))
    if resource.mapping is not None:
        errors += _check_mapping(resource.mapping, capacity, path.child("mapping"))
    overhead, at = resource.overhead, path.child("overhead")
    if overhead is None:
        return errors
    if overhead.perPod is None and overhead.perContainer is None:
        errors.append(field.invalid(at, "", "at least one of perPod or perContainer must be set"))
    for of in ("perPod", "perContainer"):
        amount = getattr(overhead, of)
        if amount is not None and quantity.nano(amount) < 0:
            errors.append(field.invalid(at.child(of), amount, "must be non-negative"))
    return errors


def _check_mapping(mapping: Any, capacity: dict[str, DeviceCapacity], path: Path) -> Errors:
    errors: Errors = []
    if mapping.capacityKey:
        at = path.child("capacityKey")
        if mapping.capacityKey not in capacity:
            errors.append(field.not_found(at, mapping.capacityKey))
        if mapping.capacityMultiplier is None:
            detail = "capacityMultiplier is required when capacityKey is set"
            errors.append(field.required(path.child("capacityMultiplier"), detail))
    elif mapping.capacityMultiplier is not None:
        detail = "capacityKey is required when capacityMultiplier is set"
        errors.append(field.required(path.child("capacityKey"), detail))
    for of in ("capacityMultiplier", "deviceMultiplier"):
        amount = getattr(mapping, of)
        if amount is not None and quantity.nano(amount) <= 0:
            errors.append(field.invalid(path.child(of), amount, "must be positive"))
    return errors
