"""Validation of PriorityLevelConfigurations, and what they show in tables."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from steersman.kinds.flowcontrol import level_rules, mandatory_specs
from steersman.kinds.flowcontrol.prioritylevelconfiguration import KIND

ErrorsOf = Callable[..., list[str]]

LEVEL = "{metadata: {name: a}, spec: {type: Limited, limited: {limitResponse: {type: Queue, queuing: {}}}}}"
RESPONSE, QUEUING = "spec.limited.limitResponse", "spec.limited.limitResponse.queuing"
SHARES = "must be a non-negative integer"
PERCENT = "must be between 0 and 100, inclusive"


def queuing(text: str) -> str:
    return f"spec: {{limited: {{limitResponse: {{queuing: {{{text}}}}}}}}}"


CASES: list[tuple[str, list[str]]] = [
    ("{}", []),
    ("spec: {type: x}", ['spec.type: Unsupported value: "x": supported values: "Exempt", "Limited"']),
    ("spec: {type: Exempt}", [
        "spec.type: Invalid value: \"Exempt\": type must be 'Exempt' if and only if name is 'exempt'",
        "spec.limited: Forbidden: must be nil if the type is not Limited",
    ]),
    ("spec: {limited: null}", ["spec.limited: Required value: must not be empty when type is Limited"]),
    ("spec: {exempt: {}}", ["spec.exempt: Forbidden: must be nil if the type is Limited"]),
    ("spec: {limited: {nominalConcurrencyShares: 0}}", []),
    ("spec: {limited: {nominalConcurrencyShares: -1}}", [f"spec.limited.nominalConcurrencyShares: Invalid value: -1: {SHARES}"]),
    ("spec: {limited: {lendablePercent: 101}}", [f"spec.limited.lendablePercent: Invalid value: 101: {PERCENT}"]),
    ("spec: {limited: {borrowingLimitPercent: 300}}", []),
    ("spec: {limited: {borrowingLimitPercent: -1}}", [f"spec.limited.borrowingLimitPercent: Invalid value: -1: if specified, {SHARES}"]),
    ("spec: {limited: {limitResponse: {type: x}}}", [f'{RESPONSE}.type: Unsupported value: "x": supported values: "Queue", "Reject"']),
    ("spec: {limited: {limitResponse: {type: Reject}}}", [f"{QUEUING}: Forbidden: must be nil if limited.limitResponse.type is not Limited"]),
    ("spec: {limited: {limitResponse: {queuing: null}}}", [f"{QUEUING}: Required value: must not be empty if limited.limitResponse.type is Limited"]),
    (queuing("queueLengthLimit: -1"), [f"{QUEUING}.queueLengthLimit: Invalid value: -1: must be positive"]),
    (queuing("queues: 10000001, handSize: 1"), [f"{QUEUING}.queues: Invalid value: 10000001: must not be greater than 10000000"]),
    (queuing("handSize: -1"), [f"{QUEUING}.handSize: Invalid value: -1: must be positive"]),
    (queuing("queues: 4"), [f"{QUEUING}.handSize: Invalid value: 8: should not be greater than queues (4)"]),
    (queuing("queues: 128, handSize: 10"), [f"{QUEUING}.handSize: Invalid value: 10: required entropy bits of deckSize 128 and handSize 10 should not be greater than 60"]),
]  # fmt: skip


@pytest.mark.parametrize(("change", "expected"), CASES)
def test_rules(errors_of: ErrorsOf, change: str, expected: list[str]) -> None:
    assert errors_of(KIND, LEVEL, change) == expected


def checked(name: str, spec: dict[str, Any]) -> list[str]:
    return [str(e) for e in KIND.check(KIND.revive({"metadata": {"name": name}, "spec": spec}))]


def test_mandatory_ones() -> None:
    for name, spec in mandatory_specs.LEVEL_SPECS.items():
        assert checked(name, spec) == []
    lending = {"type": "Exempt", "exempt": {"nominalConcurrencyShares": 7, "lendablePercent": 50}}
    assert checked("exempt", lending) == []
    assert checked(
        "exempt", {"type": "Exempt", "exempt": {"nominalConcurrencyShares": -1, "lendablePercent": 101}}
    ) == [
        f"spec.exempt.nominalConcurrencyShares: Invalid value: -1: {SHARES}",
        f"spec.exempt.lendablePercent: Invalid value: 101: {PERCENT}",
    ]
    other = {"type": "Limited", "limited": {"limitResponse": {"type": "Reject"}}}
    assert checked("exempt", other)[-1].endswith(
        "spec of 'exempt' except the 'spec.exempt' field must equal the fixed value"
    )
    assert checked("catch-all", other)[-1].endswith("spec of 'catch-all' must equal the fixed value")


def test_entropy() -> None:
    assert level_rules.entropy_bits(64, 8) == 48
    assert level_rules.entropy_bits(128, 6) == 42


def test_rows() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)

    def cells(spec: dict[str, Any]) -> list[Any]:
        return KIND.row(KIND.revive({"metadata": {"name": "a"}, "spec": spec}), now)[:6]

    assert cells(mandatory_specs.LEVEL_SPECS["exempt"]) == ["a", "Exempt", "<none>", "<none>", "<none>", "<none>"]
    assert cells(mandatory_specs.LEVEL_SPECS["catch-all"]) == ["a", "Limited", 5, "<none>", "<none>", "<none>"]
    limited = {"type": "Limited", "limited": {"limitResponse": {"type": "Queue", "queuing": {}}}}
    assert cells(limited) == ["a", "Limited", 30, 64, 8, 50]
