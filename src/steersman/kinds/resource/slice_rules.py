"""Validation of ResourceSlices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api import field, names
from steersman.api.field import Errors, Path
from steersman.kinds.core.reference_validation import check_driver_name
from steersman.kinds.core.scheduling_validation import check_node_selector
from steersman.kinds.resource import binding_rules, device_rules
from steersman.kinds.resource.bounded import check_set
from steersman.kinds.resource.names_rules import check_fully_qualified, check_pool_name

if TYPE_CHECKING:
    from steersman.kinds.types.resource_v1 import Device, ResourceSlice, ResourceSliceSpec

_MAX_DEVICES, _MAX_ELABORATE_DEVICES, _MAX_COUNTER_SETS = 128, 64, 8
_SPEC = Path("spec")
_ONE_PLACE = "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required"


def check(obj: ResourceSlice) -> Errors:
    spec = obj.spec
    errors = check_driver_name(spec.driver, _SPEC.child("driver"))
    errors += _check_pool(spec) + _check_place(spec)
    if spec.sharedCounters is not None and spec.devices is not None:
        errors.append(field.invalid(_SPEC, "", "only one of `sharedCounters` or `devices` is allowed"))
    placed = bool(spec.perDeviceNodeSelection)
    limit = _MAX_ELABORATE_DEVICES if any(map(_is_elaborate, spec.devices or ())) else _MAX_DEVICES
    at = _SPEC.child("devices")
    errors += check_set(
        spec.devices, limit, lambda d, p: device_rules.check(d, p, placed=placed), at, lambda device: device.name
    )
    at = _SPEC.child("sharedCounters")
    errors += check_set(
        spec.sharedCounters, _MAX_COUNTER_SETS, device_rules.check_counter_set, at, lambda counters: counters.name
    )
    errors += _check_partition_type(spec)
    return errors + binding_rules.check_skipped(spec.skipNodeOperations, _SPEC.child("skipNodeOperations"))


def check_update(obj: ResourceSlice, old: ResourceSlice) -> Errors:
    spec, before = obj.spec, old.spec
    errors = field.immutable(_SPEC.child("pool", "name"), spec.pool.name, before.pool.name)
    errors += field.immutable(_SPEC.child("driver"), spec.driver, before.driver)
    return errors + field.immutable(_SPEC.child("nodeName"), spec.nodeName, before.nodeName)


def _check_pool(spec: ResourceSliceSpec) -> Errors:
    pool, at = spec.pool, _SPEC.child("pool")
    errors = check_pool_name(pool.name, at.child("name"))
    if pool.resourceSliceCount <= 0:
        count = at.child("resourceSliceCount")
        errors.append(field.invalid(count, pool.resourceSliceCount, "must be greater than zero"))
    if pool.generation < 0:
        detail = "must be greater than or equal to zero"
        errors.append(field.invalid(at.child("generation"), pool.generation, detail))
    return errors


def _check_place(spec: ResourceSliceSpec) -> Errors:
    """Where the devices can be used is said once."""
    errors: Errors = []
    chosen = []
    if spec.nodeName is not None:
        at = _SPEC.child("nodeName")
        if spec.nodeName:
            chosen.append("`nodeName`")
            errors += field.all_invalid(at, spec.nodeName, names.dns1123_subdomain(spec.nodeName))
        else:
            errors.append(field.invalid(at, "", "must be either unset or set to a non-empty string"))
    if spec.nodeSelector is not None:
        chosen.append("`nodeSelector`")
        at, terms = _SPEC.child("nodeSelector"), spec.nodeSelector.nodeSelectorTerms
        errors += check_node_selector(spec.nodeSelector, at)
        if len(terms) != 1:
            detail = "must have exactly one node selector term"
            errors.append(field.invalid(at.child("nodeSelectorTerms"), terms, detail))
    for name in ("allNodes", "perDeviceNodeSelection"):
        value = getattr(spec, name)
        if value:
            chosen.append(f"`{name}`")
        elif value is not None:
            errors.append(field.invalid(_SPEC.child(name), value, "must be either unset or set to true"))
    if not chosen:
        errors.append(field.required(_SPEC, _ONE_PLACE))
    elif len(chosen) > 1:
        shown = f"{{{', '.join(chosen)}}}"
        errors.append(field.invalid(_SPEC, shown, f"{_ONE_PLACE}, but multiple fields are set"))
    return errors


def _is_elaborate(device: Device) -> bool:
    """Whether the device is of those of which a slice holds fewer."""
    lists = ("bools", "ints", "strings", "versions")
    attributes = (device.attributes or {}).values()
    return bool(
        device.taints or device.consumesCounters or any(getattr(a, n) is not None for a in attributes for n in lists)
    )


def _check_partition_type(spec: ResourceSliceSpec) -> Errors:
    """Devices that share something tell of which type each is, if there is an attribute for it."""
    name, at = spec.partitionTypeAttribute, _SPEC.child("partitionTypeAttribute")
    if not name:
        return []
    if not any(d.consumesCounters for d in spec.devices or ()):
        detail = "may only be set on a slice which declares devices that consume counters"
        return [field.invalid(at, name, detail)]
    if wrong := check_fully_qualified(name, at):
        return wrong
    errors: Errors = []
    bare = name.removeprefix(f"{spec.driver}/")
    for i, device in enumerate(spec.devices or ()):
        if not device.consumesCounters:
            continue
        where = _SPEC.child("devices").index(i).child("attributes").key(name)
        attributes = device.attributes or {}
        found = attributes.get(name) or attributes.get(bare)
        if found is None:
            detail = "device consumes counters and `partitionTypeAttribute` names this attribute, so it must be set"
            errors.append(field.required(where, detail))
        elif found.string is None:
            detail = "must be a string value because `partitionTypeAttribute` names this attribute"
            errors.append(field.invalid(where, found, detail))
    return errors
