"""Validation of Leases and of the candidates for them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from steersman.api import field, names
from steersman.api.field import Errors, Path

if TYPE_CHECKING:
    from steersman.kinds.types.coordination_v1 import Lease
    from steersman.kinds.types.coordination_v1beta1 import LeaseCandidate

_OLDEST = "OldestEmulationVersion"
_STRATEGIES = (_OLDEST,)
_VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?", re.ASCII)
_SPEC = Path("spec")


def check(lease: Lease) -> Errors:
    spec = lease.spec
    errors: Errors = []
    if spec.leaseDurationSeconds is not None and spec.leaseDurationSeconds <= 0:
        errors.append(
            field.invalid(_SPEC.child("leaseDurationSeconds"), spec.leaseDurationSeconds, "must be greater than 0")
        )
    errors += field.not_negative(_SPEC.child("leaseTransitions"), spec.leaseTransitions)
    if spec.strategy:
        errors += _check_strategy(spec.strategy)
    if spec.preferredHolder and not spec.strategy:
        detail = "may only be specified if `strategy` is defined"
        errors.append(field.forbidden(_SPEC.child("preferredHolder"), detail))
    return errors


def check_candidate(candidate: LeaseCandidate) -> Errors:
    spec = candidate.spec
    errors: Errors = [] if spec.leaseName else [field.required(_SPEC.child("leaseName"))]
    parsed = {}
    for name in ("emulationVersion", "binaryVersion"):
        text = getattr(spec, name)
        parsed[name] = _VERSION.fullmatch(text)
        if not text and name == "binaryVersion":
            errors.append(field.required(_SPEC.child(name)))
        elif text and parsed[name] is None:
            errors.append(field.invalid(_SPEC.child(name), text, "must be a valid semantic version"))
    binary, emulated = parsed["binaryVersion"], parsed["emulationVersion"]
    if binary is not None and emulated is not None and _order(binary) < _order(emulated):
        detail = "must be greater than or equal to `emulationVersion`"
        errors.append(field.invalid(_SPEC.child("binaryVersion"), spec.binaryVersion, detail))
    if not spec.strategy:
        return [*errors, field.required(_SPEC.child("strategy"))]
    if spec.strategy == _OLDEST and (emulated is None or not any(_order(emulated))):
        detail = f"must be specified when `strategy` is '{_OLDEST}'"
        errors.append(field.required(_SPEC.child("emulationVersion"), detail))
    return errors + _check_strategy(spec.strategy)


def check_candidate_update(candidate: LeaseCandidate, old: LeaseCandidate) -> Errors:
    return field.immutable(_SPEC.child("leaseName"), candidate.spec.leaseName, old.spec.leaseName)


def _order(version: re.Match[str]) -> tuple[int, int, int]:
    return int(version[1]), int(version[2]), int(version[3])


def _check_strategy(strategy: str) -> Errors:
    """One of Kubernetes' own, or one of somebody else's, with a domain."""
    # The path is the one that clients know.
    path = _SPEC.child("strategy", "strategy")
    if "/" not in strategy:
        return [] if strategy in _STRATEGIES else [field.not_supported(path, strategy, _STRATEGIES)]
    return field.all_invalid(path, strategy, names.qualified_name(strategy))
