"""Validation of Leases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api import field
from steersman.api.field import Errors, Path

if TYPE_CHECKING:
    from steersman.kinds.types.coordination_v1 import Lease

_SPEC = Path("spec")


def check(lease: Lease) -> Errors:
    spec = lease.spec
    errors: Errors = []
    if spec.leaseDurationSeconds is not None and spec.leaseDurationSeconds <= 0:
        errors.append(
            field.invalid(_SPEC.child("leaseDurationSeconds"), spec.leaseDurationSeconds, "must be greater than 0")
        )
    errors += field.not_negative(_SPEC.child("leaseTransitions"), spec.leaseTransitions)
    if spec.preferredHolder and not spec.strategy:
        detail = "may only be specified if `strategy` is defined"
        errors.append(field.forbidden(_SPEC.child("preferredHolder"), detail))
    return errors
