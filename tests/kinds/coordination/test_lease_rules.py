"""Validation of Leases and of the candidates for them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from steersman.kinds.coordination import lease, leasecandidate

ErrorsOf = Callable[..., list[str]]

META = "metadata: {name: a, namespace: default}"
CANDIDATE = f"{{{META}, spec: {{leaseName: l, binaryVersion: 1.37.0, emulationVersion: 1.37.0, strategy: OldestEmulationVersion}}}}"


@pytest.mark.parametrize(
    ("spec", "errors"),
    [
        ("{strategy: OldestEmulationVersion, preferredHolder: b}", []),
        ("{strategy: example.com/mine}", []),
        (
            "{strategy: mine}",
            ['spec.strategy.strategy: Unsupported value: "mine": supported values: "OldestEmulationVersion"'],
        ),
        ("{preferredHolder: b}", ["spec.preferredHolder: Forbidden: may only be specified if `strategy` is defined"]),
    ],
)
def test_leases(spec: str, errors: list[str], errors_of: ErrorsOf) -> None:
    assert errors_of(lease.KIND, f"{{{META}, spec: {spec}}}") == errors


@pytest.mark.parametrize(
    ("spec", "errors"),
    [
        ("{}", []),
        ("{leaseName: null, binaryVersion: null}", ["spec.leaseName: Required value", "spec.binaryVersion: Required value"]),
        ("{binaryVersion: v1}", ['spec.binaryVersion: Invalid value: "v1": must be a valid semantic version']),
        ("{binaryVersion: 1.36.9}", ['spec.binaryVersion: Invalid value: "1.36.9": must be greater than or equal to `emulationVersion`']),
        ("{emulationVersion: null}", ["spec.emulationVersion: Required value: must be specified when `strategy` is 'OldestEmulationVersion'"]),
    ],
)  # fmt: skip
def test_candidates(spec: str, errors: list[str], errors_of: ErrorsOf) -> None:
    assert errors_of(leasecandidate.KIND, CANDIDATE, f"spec: {spec}") == errors


def test_a_candidate_stays_with_its_lease(update_errors_of: ErrorsOf) -> None:
    assert update_errors_of(leasecandidate.KIND, CANDIDATE, "spec: {leaseName: m}") == [
        'spec.leaseName: Invalid value: "m": field is immutable'
    ]
