"""Validation of ResourcePoolStatusRequests: which pools are asked about, and the answer, which is final."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api import field
from steersman.api.field import Errors, Path
from steersman.kinds import condition_rules
from steersman.kinds.core.reference_validation import check_driver_name
from steersman.kinds.resource import names_rules

if TYPE_CHECKING:
    from steersman.kinds.types.resource_v1alpha3 import PoolStatus, ResourcePoolStatusRequest

DEFAULT_LIMIT, _MAX_LIMIT = 100, 1000
_MAX_CONDITIONS = 10
_SPEC, _STATUS = Path("spec"), Path("status")
_COUNTS = ("generation", "totalDevices", "allocatedDevices", "availableDevices", "unavailableDevices")


def default(request: ResourcePoolStatusRequest) -> None:
    if request.spec.limit is None:
        request.spec.limit = DEFAULT_LIMIT


def check(request: ResourcePoolStatusRequest) -> Errors:
    spec = request.spec
    at = _SPEC.child("driver")
    errors = check_driver_name(spec.driver, at) if spec.driver else [field.required(at)]
    if spec.poolName:
        errors += names_rules.check_pool_name(spec.poolName, _SPEC.child("poolName"))
    if spec.limit is not None:
        errors += _check_range(spec.limit, _SPEC.child("limit"))
    return errors


def _check_range(limit: int, path: Path) -> Errors:
    if limit < 1:
        return [field.invalid(path, limit, "must be greater than or equal to 1")]
    if limit > _MAX_LIMIT:
        return [field.invalid(path, limit, f"must be less than or equal to {_MAX_LIMIT}")]
    return []


def check_update(request: ResourcePoolStatusRequest, old: ResourcePoolStatusRequest) -> Errors:
    return field.immutable(_SPEC, request.spec, old.spec)


def check_status_update(request: ResourcePoolStatusRequest, old: ResourcePoolStatusRequest) -> Errors:
    status = request.status
    if old.status is not None:
        return field.immutable(_STATUS, status, old.status)
    if status is None:
        return []
    errors = field.not_negative(_STATUS.child("poolCount"), status.poolCount)
    pools, at = status.pools or [], _STATUS.child("pools")
    if len(pools) > _MAX_LIMIT:
        errors.append(field.too_many(at, len(pools), _MAX_LIMIT))
    for i, pool in enumerate(pools):
        errors += _check_pool(pool, at.index(i))
    conditions = status.conditions or []
    if len(conditions) > _MAX_CONDITIONS:
        errors.append(field.too_many(_STATUS.child("conditions"), len(conditions), _MAX_CONDITIONS))
    return errors + condition_rules.check(conditions, _STATUS.child("conditions"))


def _check_pool(pool: PoolStatus, path: Path) -> Errors:
    errors = check_driver_name(pool.driver, path.child("driver"))
    errors += names_rules.check_pool_name(pool.poolName, path.child("poolName"))
    for name in _COUNTS:
        errors += field.not_negative(path.child(name), getattr(pool, name))
    count = pool.resourceSliceCount
    if count is not None and count < 1:
        errors.append(field.invalid(path.child("resourceSliceCount"), count, "must be greater than or equal to 1"))
    return errors
