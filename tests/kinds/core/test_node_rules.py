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
        ("spec: {taints: [{key: a, effect: NoExecute}, {key: a, effect: NoExecute}]}", ['metadata.taints[1]: Duplicate value: {"Key":"a","Value":"","Effect":"NoExecute","TimeAdded":null}: taints must be unique by key and effect pair']),
        ("spec: {podCIDR: null, podCIDRs: [10.1.0.0/24, 10.2.0.0/24]}", ['spec.podCIDRs: Invalid value: ["10.1.0.0/24","10.2.0.0/24"]: may specify no more than one CIDR for each IP family']),
        ("spec: {podCIDR: null, podCIDRs: [10.1.0.0/24, 'fd00::/64']}", []),
        ("spec: {podCIDR: null, podCIDRs: [x]}", ['spec.podCIDRs[0]: Invalid value: "x": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)']),
        ("status: {nodeInfo: {swap: {capacity: 0}}}", ["metadata.nodeSwapStatus.capacity: Invalid value: 0: must be greater than zero"]),
        ("status: {declaredFeatures: [Aa, Bb/c]}", []),
        ("status: {declaredFeatures: [B, A, A]}", ['status.declaredFeatures[1]: Invalid value: "A": list must be sorted alphabetically', 'status.declaredFeatures[2]: Duplicate value: "A"']),
        ("status: {declaredFeatures: [a]}", ['status.declaredFeatures[0]: Invalid value: "a": invalid feature name "a": must start with an UpperCamelCase segment, with subsequent segments separated by \'/\' (e.g., MyFeature or MyFeature/mySubFeature), and contain only alphanumeric characters and slashes']),
    ],
)  # fmt: skip
def test_validation(change: str, errors: list[str], errors_of: ErrorsOf) -> None:
    assert errors_of(KIND, NODE, change) == errors


@pytest.mark.parametrize(
    ("change", "errors"),
    [
        ("spec: {unschedulable: true, taints: [{key: a, effect: NoSchedule}]}", []),
        ("spec: {podCIDR: 10.2.0.0/24, podCIDRs: [10.2.0.0/24]}", ['spec.podCIDRs: Forbidden: node updates may not change podCIDR except from "" to valid']),
        ("spec: {podCIDR: null, podCIDRs: null}", ['spec.podCIDRs: Forbidden: node updates may not change podCIDR except from "" to valid']),
        ("spec: {providerID: c}", ["spec.providerID: Invalid value: null: field cannot be modified once set"]),
        ("spec: {providerID: null}", ["spec.providerID: Invalid value: null: field cannot be cleared once set"]),
        ("spec: {externalID: x}", ["spec.externalID: Forbidden: may not be updated"]),
    ],
)  # fmt: skip
def test_update(change: str, errors: list[str], update_errors_of: ErrorsOf) -> None:
    assert update_errors_of(KIND, NODE, change) == errors


def test_status(status_errors_of: ErrorsOf) -> None:
    address = "{type: InternalIP, address: 10.0.0.1}"
    assert status_errors_of(KIND, NODE, "{}", f"{{addresses: [{address}]}}") == []
    assert status_errors_of(KIND, NODE, "{}", f"{{addresses: [{address}, {address}]}}") == [
        'status.addresses[1]: Duplicate value: {"Type":"InternalIP","Address":"10.0.0.1"}'
    ]
    assert status_errors_of(KIND, NODE, "{}", "{capacity: {pods: 500m}}") == [
        'status.capacity.pods: Invalid value: "500m": must be an integer'
    ]


LONG = "A" * 254


def test_a_long_feature(status_errors_of: ErrorsOf) -> None:
    assert status_errors_of(KIND, NODE, "{}", f"{{declaredFeatures: [{LONG}]}}") == [
        f'status.declaredFeatures[0]: Invalid value: "{LONG}": invalid feature name "{LONG}": must be no more than 253 characters'
    ]


def test_configuration_by_objects_is_gone(create: Callable[..., Any], build: Callable[..., Any]) -> None:
    source = "{configMap: {name: a, namespace: b, kubeletConfigKey: c}}"
    config = f"{{spec: {{configSource: {source}}}, status: {{config: {{assigned: {source}}}}}}}"
    made = create(KIND, NODE, config)
    assert (made.spec.configSource, made.status.config) == (None, None)
    changed = build(KIND, NODE, config)
    KIND.prepare_update(changed, made)
    assert changed.spec.configSource is None
    reported = build(KIND, NODE, config)
    KIND.prepare_status_update(reported, made)
    assert reported.status.config is None


@pytest.mark.parametrize(
    ("spec", "cidrs"),
    [
        ("{podCIDR: 10.1.0.0/24, podCIDRs: null}", ["10.1.0.0/24"]),
        ("{podCIDR: 10.2.0.0/24, podCIDRs: [10.1.0.0/24]}", ["10.2.0.0/24"]),
        ("{podCIDR: null, podCIDRs: [10.1.0.0/24]}", ["10.1.0.0/24"]),
        ("{podCIDR: null}", None),
    ],
)
def test_one_range_and_many(spec: str, cidrs: list[str] | None, build: Callable[..., Any]) -> None:
    node = build(KIND, NODE, f"spec: {spec}")
    assert (node.spec.podCIDRs, node.spec.podCIDR) == (cidrs, cidrs[0] if cidrs else "")


@pytest.mark.parametrize(
    ("change", "warnings"),
    [
        ("{}", []),
        ("spec: {configSource: {}}", ["spec.configSource: the feature is removed"]),
        ("spec: {externalID: a}", ["spec.externalID: this field is deprecated, and is unused by Kubernetes"]),
        ("spec: {podCIDR: null, podCIDRs: [10.1.0.1/24]}", ['spec.podCIDRs[0]: CIDR value "10.1.0.1/24" is ambiguous in this context (should be "10.1.0.0/24" or "10.1.0.1/32"?)']),
    ],
)  # fmt: skip
def test_warnings(change: str, warnings: list[str], build: Callable[..., Any]) -> None:
    node = build(KIND, NODE, change)
    assert KIND.warnings(node) == KIND.warn_update(node, node) == warnings
    assert KIND.warn_update(node, node, "status") == []
