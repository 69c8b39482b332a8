"""Validation of CSIDrivers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api import field
from steersman.api.field import Errors, Path

if TYPE_CHECKING:
    from steersman.kinds.types.storage_v1 import CSIDriver, TokenRequest

_GROUP_POLICIES = ("File", "None", "ReadWriteOnceWithFSType")
_MODES = ("Persistent", "Ephemeral")
_MIN_TOKEN_SECONDS, _MAX_TOKEN_SECONDS = 600, 2**32
_MIN_PERIOD = 10
_SPEC = Path("spec")


def check(obj: CSIDriver) -> Errors:
    spec = obj.spec
    errors: Errors = []
    if spec.fsGroupPolicy and spec.fsGroupPolicy not in _GROUP_POLICIES:
        errors.append(field.not_supported(_SPEC.child("fsGroupPolicy"), spec.fsGroupPolicy, _GROUP_POLICIES))
    errors += _check_tokens(spec.tokenRequests or [], _SPEC.child("tokenRequests"))
    at = _SPEC.child("volumeLifecycleModes")
    errors += [field.not_supported(at, m, _MODES) for m in spec.volumeLifecycleModes or () if m not in _MODES]
    period = spec.nodeAllocatableUpdatePeriodSeconds
    if period is not None and period < _MIN_PERIOD:
        at = _SPEC.child("nodeAllocatableUpdatePeriodSeconds")
        errors.append(field.invalid(at, period, "must be greater than or equal to 10 seconds"))
    if spec.serviceAccountTokenInSecrets is not None and not spec.tokenRequests:
        at = _SPEC.child("serviceAccountTokenInSecrets")
        detail = "serviceAccountTokenInSecrets is set but no tokenRequests are specified"
        errors.append(field.invalid(at, spec.serviceAccountTokenInSecrets, detail))
    return errors


def _check_tokens(requests: list[TokenRequest], path: Path) -> Errors:
    errors: Errors = []
    seen: set[str] = set()
    for i, request in enumerate(requests):
        at = path.index(i)
        if request.audience in seen:
            errors.append(field.duplicate(at.child("audience"), request.audience))
            continue
        seen.add(request.audience)
        seconds, where = request.expirationSeconds, at.child("expirationSeconds")
        if seconds is not None and seconds < _MIN_TOKEN_SECONDS:
            errors.append(field.invalid(where, seconds, "may not specify a duration less than 10 minutes"))
        if seconds is not None and seconds > _MAX_TOKEN_SECONDS:
            errors.append(field.invalid(where, seconds, "may not specify a duration larger than 2^32 seconds"))
    return errors


def check_update(obj: CSIDriver, old: CSIDriver) -> Errors:
    # The first path is not the field's name, but it is the one that clients know.
    errors = field.immutable(_SPEC.child("attachedRequired"), obj.spec.attachRequired, old.spec.attachRequired)
    at = _SPEC.child("volumeLifecycleModes")
    return errors + field.immutable(at, obj.spec.volumeLifecycleModes, old.spec.volumeLifecycleModes)


_UNSET = (
    "spec.serviceAccountTokenInSecrets is unset; if supported by this CSI driver, "
    "set to true to prevent possible logging of tokens in volume attributes"
)


def warnings(obj: CSIDriver) -> list[str]:
    return [_UNSET] if obj.spec.tokenRequests and obj.spec.serviceAccountTokenInSecrets is None else []


def update_warnings(obj: CSIDriver, old: CSIDriver) -> list[str]:
    """Who changes something else is not told again."""
    return [] if field.same(obj.spec.tokenRequests, old.spec.tokenRequests) else warnings(obj)
