"""Validation of HorizontalPodAutoscalers: references, metrics of every type, and how fast they may act."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from steersman.kinds.autoscaling.horizontalpodautoscaler import KIND

ErrorsOf = Callable[..., list[str]]

SCALER = "{metadata: {name: a, namespace: default}, spec: {maxReplicas: 3, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: d}}}"
M = "spec.metrics[0]"
TYPES = 'supported values: "ContainerResource", "External", "Object", "Pods", "Resource"'
NAMED = "metric: {name: m}"


def _metric(text: str) -> str:
    return f"spec: {{metrics: [{{{text}}}]}}"


@pytest.mark.parametrize(
    ("change", "errors"),
    [
        (_metric(f"type: Pods, pods: {{{NAMED}, target: {{type: AverageValue, averageValue: 5}}}}"), []),
        (_metric(f"type: External, external: {{{NAMED}, target: {{type: Value, value: 5}}}}"), []),
        (_metric("type: ContainerResource, containerResource: {name: cpu, container: c, target: {type: Utilization, averageUtilization: 50}}"), []),
        ("spec: {scaleTargetRef: {apiVersion: a/b/c, kind: x/y}}", ["spec.scaleTargetRef.kind: Invalid value: \"x/y\": may not contain '/'", 'spec.scaleTargetRef.apiVersion: Invalid value: "a/b/c": unexpected GroupVersion string: a/b/c']),
        (_metric("type: x"), [f'{M}.type: Unsupported value: "x": {TYPES}'] * 2),
        (_metric("resource: {name: cpu, target: {type: Value, averageValue: 1}}"), [f"{M}.type: Required value: must specify a metric source type", *[f'{M}.type: Unsupported value: "": {TYPES}'] * 2]),
        (_metric(f"type: Pods, pods: {{{NAMED}, target: {{type: AverageValue, averageValue: 5}}}}, resource: {{name: cpu, target: {{type: Utilization}}}}"), [f"{M}.resource: Forbidden: must populate the given metric source only"]),
        (_metric(f"type: Pods, pods: {{{NAMED}, target: {{type: Value, value: 5}}}}"), [f"{M}.pods.target.averageValue: Required value: must specify a positive target averageValue"]),
        (_metric("type: Pods, pods: {target: {type: AverageValue, averageValue: 0}}"), [f"{M}.pods.metric.name: Required value: must specify a metric name", f'{M}.pods.target.averageValue: Invalid value: "0": must be positive']),
        (_metric(f"type: Object, object: {{{NAMED}, describedObject: {{kind: K}}, target: {{type: x}}}}"), [f"{M}.object.describedObject.name: Required value", f'{M}.object.target.type: Invalid value: "x": must be either Utilization, Value, or AverageValue', f"{M}.object.target.averageValue: Required value: must set either a target value or averageValue"]),
        (_metric(f"type: External, external: {{{NAMED}, target: {{type: Value, value: 1, averageValue: 1}}}}"), [f"{M}.external.target.value: Forbidden: may not set both a target value for metric and a per-pod target"]),
        (_metric("type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 0, averageValue: 1}}"), [f"{M}.resource.target.averageUtilization: Invalid value: 0: must be greater than 0", f"{M}.resource.target.averageValue: Forbidden: may not set both a target raw value and a target utilization"]),
        (_metric("type: ContainerResource, containerResource: {target: {type: Utilization, averageUtilization: 1}}"), [f"{M}.containerResource.name: Required value: must specify a resource name", f"{M}.containerResource.container: Required value: must specify a container"]),
        ("spec: {behavior: {scaleUp: {stabilizationWindowSeconds: -1, selectPolicy: x, tolerance: -1}}}", ["spec.behavior.scaleUp.stabilizationWindowSeconds: Invalid value: -1: must be greater than or equal to zero", 'spec.behavior.scaleUp.selectPolicy: Unsupported value: "x": supported values: "Disabled", "Max", "Min"', 'spec.behavior.scaleUp.tolerance: Invalid value: "-1": must be greater than or equal to 0']),
        ("spec: {behavior: {scaleDown: {policies: [{type: x, value: 0, periodSeconds: 1801}]}}}", ['spec.behavior.scaleDown.policies[0].type: Unsupported value: "x": supported values: "Percent", "Pods"', "spec.behavior.scaleDown.policies[0].value: Invalid value: 0: must be greater than zero", "spec.behavior.scaleDown.policies[0].periodSeconds: Invalid value: 1801: must be less than or equal to 1800"]),
    ],
)  # fmt: skip
def test_validation(change: str, errors: list[str], errors_of: ErrorsOf) -> None:
    assert errors_of(KIND, SCALER, change) == errors


def test_status(status_errors_of: ErrorsOf) -> None:
    assert status_errors_of(KIND, SCALER, "{}", "{currentReplicas: -1, desiredReplicas: -2}") == [
        "status.currentReplicas: Invalid value: -1: must be greater than or equal to 0",
        "status.desiredReplicas: Invalid value: -2: must be greater than or equal to 0",
    ]
