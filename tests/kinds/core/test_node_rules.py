"""Nodes: taints, ranges, amounts, and what may not change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from steersman.kinds.core.node import KIND

ErrorsOf = Callable[..., list[str]]

NODE = "{metadata: {name: n1}, spec: {podCIDR: 10.1.0.0/24, providerID: a://b}}"


def test_defaults(build: Callable[..., Any]) -> None:
    node = build(KIND, NODE, "status: {capacity: {cpu: 2, memory: 1Gi}}")
    assert node.status.allocatable == {"cpu": "2", "memory": "1Gi"}
    assert node.spec.podCIDRs == ["10.1.0.0/24"]


@pytest.mark.parametrize(
    ("change", "errors"),
    [
        ("spec: {taints: [{key: a, effect: NoSchedule}, {key: a, effect: NoExecute}]}", []),
        ("spec: {taints: [{key: a}]}", ["metadata.taints[0].effect: Required value"]),
        ("spec: {taints: [{key: a, effect: x}]}", ['metadata.taints[0].effect: Unsupported value: "x": supported values: "NoSchedule", "PreferNoSchedule", "NoExecute"']),
        ("spec: {taints: [{key: a, effect: NoExecute}, {key: a, effect: NoExecute}]}", ['metadata.taints[1]: Duplicate value: {"effect":"NoExecute","key":"a"}: taints must be unique by key and effect pair']),
        ("spec: {podCIDRs: [10.1.0.0/24, 10.2.0.0/24]}", ['spec.podCIDRs: Invalid value: ["10.1.0.0/24","10.2.0.0/24"]: may specify no more than one CIDR for each IP family']),
        ("spec: {podCIDRs: [10.1.0.0/24, 'fd00::/64']}", []),
        ("spec: {podCIDRs: [x]}", ['spec.podCIDRs[0]: Invalid value: "x": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)']),
    ],
)  # fmt: skip
def test_validation(change: str, errors: list[str], errors_of: ErrorsOf) -> None:
    assert errors_of(KIND, NODE, change) == errors


@pytest.mark.parametrize(
    ("change", "errors"),
    [
        ("spec: {unschedulable: true, taints: [{key: a, effect: NoSchedule}]}", []),
        ("spec: {podCIDR: 10.2.0.0/24, podCIDRs: [10.2.0.0/24]}", ['spec.podCIDRs: Forbidden: node updates may not change podCIDR except from "" to valid']),
        ("spec: {providerID: c}", ['spec.providerID: Forbidden: node updates may not change providerID except from "" to valid']),
    ],
)  # fmt: skip
def test_update(change: str, errors: list[str], update_errors_of: ErrorsOf) -> None:
    assert update_errors_of(KIND, NODE, change) == errors


def test_status(status_errors_of: ErrorsOf) -> None:
    address = "{type: InternalIP, address: 10.0.0.1}"
    assert status_errors_of(KIND, NODE, "{}", f"{{addresses: [{address}]}}") == []
    assert status_errors_of(KIND, NODE, "{}", f"{{addresses: [{address}, {address}]}}") == [
        'status.addresses[1]: Duplicate value: {"address":"10.0.0.1","type":"InternalIP"}'
    ]
    assert status_errors_of(KIND, NODE, "{}", "{capacity: {pods: 500m}}") == [
        'status.capacity.pods: Invalid value: "500m": must be an integer'
    ]
