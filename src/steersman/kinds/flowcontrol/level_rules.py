"""Validation of PriorityLevelConfigurations."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from steersman.api import codec, field
from steersman.api.field import Errors, Path
from steersman.kinds.flowcontrol import mandatory_specs

if TYPE_CHECKING:
    from steersman.kinds.types.flowcontrol_v1 import (
        ExemptPriorityLevelConfiguration,
        LimitedPriorityLevelConfiguration,
        LimitResponse,
        PriorityLevelConfiguration,
        PriorityLevelConfigurationSpec,
        QueuingConfiguration,
    )

MAX_QUEUES = 10_000_000
# Dealing a hand of queues must not need more bits than a hash of a flow has, or some hands would be likelier than others.
MAX_HASH_BITS = 60
_TYPES = ("Exempt", "Limited")
_RESPONSES = ("Queue", "Reject")
_PERCENT = "must be between 0 and 100, inclusive"


def entropy_bits(queues: int, hand_size: int) -> int:
    """How many bits of a flow's hash it takes to deal `hand_size` of `queues`."""
    return math.ceil(math.log2(queues) * hand_size)


def check(obj: PriorityLevelConfiguration) -> Errors:
    name, path = obj.metadata.name, Path("spec")
    return [*_spec(name, obj.spec, path), *_mandatory(name, obj.spec, path)]


def _mandatory(name: str, spec: PriorityLevelConfigurationSpec, path: Path) -> Errors:
    fixed = mandatory_specs.level_spec(name)
    if fixed is None:
        return []
    if name != mandatory_specs.EXEMPT:
        if field.same(spec, fixed):
            return []
        return [field.invalid(path, spec, f"spec of '{name}' must equal the fixed value")]
    rest = codec.clone(spec)
    rest.exempt = fixed.exempt
    if field.same(rest, fixed):
        return []
    return [field.invalid(path, spec, f"spec of '{name}' except the 'spec.exempt' field must equal the fixed value")]


def _spec(name: str, spec: PriorityLevelConfigurationSpec, path: Path) -> Errors:
    errors: Errors = []
    if (name == mandatory_specs.EXEMPT) != (spec.type == "Exempt"):
        detail = "type must be 'Exempt' if and only if name is 'exempt'"
        errors.append(field.invalid(path.child("type"), spec.type, detail))
    if spec.type == "Exempt":
        if spec.limited is not None:
            errors.append(field.forbidden(path.child("limited"), "must be nil if the type is not Limited"))
        return errors + (_exempt(spec.exempt, path.child("exempt")) if spec.exempt is not None else [])
    if spec.type != "Limited":
        return [*errors, field.not_supported(path.child("type"), spec.type, _TYPES)]
    if spec.exempt is not None:
        errors.append(field.forbidden(path.child("exempt"), "must be nil if the type is Limited"))
    if spec.limited is None:
        return [*errors, field.required(path.child("limited"), "must not be empty when type is Limited")]
    return errors + _limited(spec.limited, path.child("limited"))


def _shares(value: int | None, path: Path) -> Errors:
    return [field.invalid(path, value, "must be a non-negative integer")] if (value or 0) < 0 else []


def _percent(value: int | None, path: Path) -> Errors:
    return [] if value is None or 0 <= value <= 100 else [field.invalid(path, value, _PERCENT)]


def _exempt(exempt: ExemptPriorityLevelConfiguration, path: Path) -> Errors:
    return [
        *_shares(exempt.nominalConcurrencyShares, path.child("nominalConcurrencyShares")),
        *_percent(exempt.lendablePercent, path.child("lendablePercent")),
    ]


def _limited(limited: LimitedPriorityLevelConfiguration, path: Path) -> Errors:
    errors = [
        *_shares(limited.nominalConcurrencyShares, path.child("nominalConcurrencyShares")),
        *_response(limited.limitResponse, path.child("limitResponse")),
        *_percent(limited.lendablePercent, path.child("lendablePercent")),
    ]
    borrowing = limited.borrowingLimitPercent
    if borrowing is not None and borrowing < 0:
        detail = "if specified, must be a non-negative integer"
        errors.append(field.invalid(path.child("borrowingLimitPercent"), borrowing, detail))
    return errors


def _response(response: LimitResponse, path: Path) -> Errors:
    at = path.child("queuing")
    if response.type == "Reject":
        if response.queuing is None:
            return []
        return [field.forbidden(at, "must be nil if limited.limitResponse.type is not Limited")]
    if response.type != "Queue":
        return [field.not_supported(path.child("type"), response.type, _RESPONSES)]
    if response.queuing is None:
        return [field.required(at, "must not be empty if limited.limitResponse.type is Limited")]
    return _queuing(response.queuing, at)


def _queuing(queuing: QueuingConfiguration, path: Path) -> Errors:
    errors: Errors = []
    queues, hand, length = queuing.queues or 0, queuing.handSize or 0, queuing.queueLengthLimit or 0
    if length <= 0:
        errors.append(field.invalid(path.child("queueLengthLimit"), length, "must be positive"))
    if queues <= 0:
        errors.append(field.invalid(path.child("queues"), queues, "must be positive"))
    elif queues > MAX_QUEUES:
        errors.append(field.invalid(path.child("queues"), queues, f"must not be greater than {MAX_QUEUES}"))
    at = path.child("handSize")
    if hand <= 0:
        errors.append(field.invalid(at, hand, "must be positive"))
    elif hand > queues:
        errors.append(field.invalid(at, hand, f"should not be greater than queues ({queues})"))
    elif entropy_bits(queues, hand) > MAX_HASH_BITS:
        detail = (
            f"required entropy bits of deckSize {queues} and handSize {hand} should not be greater than {MAX_HASH_BITS}"
        )
        errors.append(field.invalid(at, hand, detail))
    return errors
