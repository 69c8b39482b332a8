"""Validation of what a claim got: devices, who uses them, and what drivers say of each."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from steersman.api import field
from steersman.api.field import Errors, Path
from steersman.kinds import condition_rules
from steersman.kinds.core.reference_validation import check_driver_name
from steersman.kinds.core.scheduling_validation import check_node_selector
from steersman.kinds.resource import binding_rules
from steersman.kinds.resource.bounded import check_list, check_set
from steersman.kinds.resource.claim_rules import (
    MAX_CONFIGS,
    MAX_REQUESTS,
    RequestNames,
    check_reference,
    request_names,
)
from steersman.kinds.resource.names_rules import check_label, check_parameters, check_pool_name, check_share
from steersman.kinds.resource.selector_rules import check_configuration
from steersman.kinds.resource.taint_rules import check_toleration

if TYPE_CHECKING:
    from steersman.kinds.types.resource_v1 import (
        AllocatedDeviceStatus,
        AllocationResult,
        DeviceAllocationConfiguration,
        DeviceRequestAllocationResult,
        NetworkDeviceData,
        ResourceClaim,
        ResourceClaimConsumerReference,
    )

_MAX_USERS, _MAX_RESULTS, _MAX_CONDITIONS = 256, 32, 8
_MAX_ADDRESSES, _MAX_INTERFACE, _MAX_HARDWARE = 16, 256, 128
_SOURCES = ("FromClaim", "FromClass")
_STATUS = Path("status")

_Device = tuple[str, str, str, str]


def check_status_update(claim: ResourceClaim, old: ResourceClaim) -> Errors:
    status, before = claim.status, old.status
    users = _STATUS.child("reservedFor")
    errors = check_set(status.reservedFor, _MAX_USERS, _check_user, users, lambda user: user.uid)
    errors += _check_devices(claim)
    if status.reservedFor and status.allocation is None:
        errors.append(field.forbidden(users, "may not be specified when `allocated` is not set"))
    elif claim.metadata.deletionTimestamp and any(
        u not in (before.reservedFor or ()) for u in status.reservedFor or ()
    ):
        detail = "new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set"
        errors.append(field.forbidden(users, detail))
    at = _STATUS.child("allocation")
    if status.allocation is None:
        return errors
    if before.allocation is not None:
        return errors + field.immutable(at, status.allocation, before.allocation)
    return errors + _check_allocation(status.allocation, at, request_names(claim.spec.devices))


def _check_user(user: ResourceClaimConsumerReference, path: Path) -> Errors:
    return [field.required(path.child(n)) for n in ("resource", "name", "uid") if not getattr(user, n)]


def _check_allocation(allocation: AllocationResult, path: Path, known: RequestNames) -> Errors:
    errors: Errors = []
    devices, at = allocation.devices, path.child("devices")
    if devices is not None:
        results, configs = at.child("results"), at.child("config")
        errors += check_list(devices.results, _MAX_RESULTS, lambda r, p: _check_result(r, p, known), results)
        errors += check_list(devices.config, 2 * MAX_CONFIGS, lambda c, p: _check_config(c, p, known), configs)
    if allocation.nodeSelector is not None:
        errors += check_node_selector(allocation.nodeSelector, path.child("nodeSelector"))
    return errors


def _check_result(result: DeviceRequestAllocationResult, path: Path, known: RequestNames) -> Errors:
    errors = check_reference(result.request, path.child("request"), known)
    errors += check_driver_name(result.driver, path.child("driver"))
    errors += check_pool_name(result.pool, path.child("pool"))
    errors += check_label(result.device, path.child("device"))
    errors += binding_rules.check_conditions(result.bindingConditions, result.bindingFailureConditions, path)
    errors += check_list(result.tolerations, -1, check_toleration, path.child("tolerations"))
    if result.shareID:
        errors += check_share(result.shareID, path.child("shareID"))
    return errors + binding_rules.check_skipped(result.skipNodeOperations, path.child("skipNodeOperations"))


def _check_config(config: DeviceAllocationConfiguration, path: Path, known: RequestNames) -> Errors:
    errors = field.check_choice(config.source, _SOURCES, path.child("source"))
    errors += check_set(
        config.requests, MAX_REQUESTS, lambda n, p: check_reference(n, p, known), path.child("requests")
    )
    return errors + check_configuration(config, path)


def _check_devices(claim: ResourceClaim) -> Errors:
    allocation = claim.status.allocation
    results = (allocation.devices.results if allocation is not None and allocation.devices is not None else None) or ()
    allocated = {(r.driver, r.pool, r.device, r.shareID) for r in results}
    return check_set(
        claim.status.devices, -1, lambda d, p: _check_device(d, p, allocated), _STATUS.child("devices"), _identity
    )


def _identity(device: AllocatedDeviceStatus) -> _Device:
    return device.driver, device.pool, device.device, device.shareID


def _check_device(device: AllocatedDeviceStatus, path: Path, allocated: set[_Device]) -> Errors:
    errors = check_driver_name(device.driver, path.child("driver"))
    errors += check_pool_name(device.pool, path.child("pool"))
    errors += check_label(device.device, path.child("device"))
    if device.shareID:
        errors += check_share(device.shareID, path.child("shareID"))
    if _identity(device) not in allocated:
        shown = "/".join(part for part in _identity(device) if part)
        errors.append(field.invalid(path, shown, "must be an allocated device in the claim"))
    conditions, at = device.conditions or [], path.child("conditions")
    if len(conditions) > _MAX_CONDITIONS:
        errors.append(field.too_many(at, len(conditions), _MAX_CONDITIONS))
    errors += condition_rules.check(conditions, at)
    if device.data is not None:
        errors += check_parameters(device.data, path.child("data"))
    return errors + _check_network(device.networkData, path.child("networkData"))


def _check_network(data: NetworkDeviceData | None, path: Path) -> Errors:
    if data is None:
        return []
    errors: Errors = []
    for name, limit in (("interfaceName", _MAX_INTERFACE), ("hardwareAddress", _MAX_HARDWARE)):
        if len(getattr(data, name).encode()) > limit:
            errors.append(field.too_long(path.child(name), limit))
    return errors + check_set(data.ips, _MAX_ADDRESSES, _check_address, path.child("ips"))


def _check_address(address: str, path: Path) -> Errors:
    """An address and the length of its network's prefix, in the one usual form."""
    try:
        found = ipaddress.ip_interface(address)
    except ValueError:
        found = None
    if found is None or "/" not in address:
        detail = "must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)"
        return [field.invalid(path, address, detail)]
    if str(found) != address:
        return [field.invalid(path, address, f'must be in canonical form ("{found}")')]
    return []
