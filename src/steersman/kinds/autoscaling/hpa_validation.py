"""Validation of HorizontalPodAutoscalers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from steersman.api import field, names, quantity
from steersman.api.field import Errors, Path

if TYPE_CHECKING:
    from steersman.kinds.types.autoscaling_v2 import (
        HorizontalPodAutoscaler,
        HPAScalingRules,
        MetricSpec,
        MetricTarget,
    )

_SPEC = Path("spec")
_SOURCES = {
    "ContainerResource": "containerResource",
    "External": "external",
    "Object": "object",
    "Pods": "pods",
    "Resource": "resource",
}
_MAX_WINDOW, _MAX_PERIOD = 3600, 1800


def check(scaler: HorizontalPodAutoscaler) -> Errors:
    spec = scaler.spec
    errors: Errors = []
    least = spec.minReplicas
    if least is not None and least < 1:
        errors.append(field.invalid(_SPEC.child("minReplicas"), least, "must be greater than or equal to 1"))
    if spec.maxReplicas < 1:
        errors.append(field.invalid(_SPEC.child("maxReplicas"), spec.maxReplicas, "must be greater than 0"))
    if least is not None and spec.maxReplicas < least:
        detail = "must be greater than or equal to `minReplicas`"
        errors.append(field.invalid(_SPEC.child("maxReplicas"), spec.maxReplicas, detail))
    errors += _check_reference(spec.scaleTargetRef, _SPEC.child("scaleTargetRef"))
    for i, metric in enumerate(spec.metrics or ()):
        errors += _check_metric(metric, _SPEC.child("metrics").index(i))
    if spec.behavior is not None:
        for name in ("scaleUp", "scaleDown"):
            errors += _check_rules(getattr(spec.behavior, name), _SPEC.child("behavior", name))
    return errors


def _check_reference(reference: Any, path: Path) -> Errors:
    errors: Errors = []
    for name in ("kind", "name"):
        value = getattr(reference, name)
        if not value:
            errors.append(field.required(path.child(name)))
        else:
            errors += field.all_invalid(path.child(name), value, names.path_segment(value))
    return errors


def _check_metric(metric: MetricSpec, path: Path) -> Errors:
    if not metric.type:
        return [field.required(path.child("type"), "must specify a metric source type")]
    if metric.type not in _SOURCES:
        return [field.not_supported(path.child("type"), metric.type, tuple(_SOURCES))]
    wanted = _SOURCES[metric.type]
    source = getattr(metric, wanted)
    if source is None:
        detail = "must populate information for the given metric source"
        return [field.required(path.child(wanted), detail)]
    errors: Errors = [
        field.forbidden(path.child(other), "must populate the given metric source only")
        for other in _SOURCES.values()
        if other != wanted and getattr(metric, other) is not None
    ]
    at = path.child(wanted)
    for name in ("name", "container"):
        if getattr(source, name, None) == "":
            errors.append(field.required(at.child(name), "must specify a resource name" if name == "name" else ""))
    if hasattr(source, "metric") and not source.metric.name:
        errors.append(field.required(at.child("metric", "name")))
    if hasattr(source, "describedObject"):
        errors += _check_reference(source.describedObject, at.child("describedObject"))
    return errors + _check_target(source.target, at.child("target"))


def _check_target(target: MetricTarget, path: Path) -> Errors:
    errors = field.check_choice(target.type, ("Utilization", "Value", "AverageValue"), path.child("type"))
    for name in ("value", "averageValue"):
        amount = getattr(target, name)
        if amount is not None and quantity.nano(amount) <= 0:
            errors.append(field.invalid(path.child(name), amount, "must be positive"))
    if target.averageUtilization is not None and target.averageUtilization < 1:
        errors.append(
            field.invalid(path.child("averageUtilization"), target.averageUtilization, "must be greater than 0")
        )
    if target.value is None and target.averageValue is None and target.averageUtilization is None:
        detail = "must set either a target raw value or a target utilization"
        errors.append(field.required(path.child("averageUtilization"), detail))
    return errors


def _check_rules(rules: HPAScalingRules | None, path: Path) -> Errors:
    if rules is None:
        return []
    errors: Errors = []
    window, at = rules.stabilizationWindowSeconds, path.child("stabilizationWindowSeconds")
    errors += field.not_negative(at, window)
    if window is not None and window > _MAX_WINDOW:
        errors.append(field.invalid(at, window, f"must be less than or equal to {_MAX_WINDOW}"))
    if rules.selectPolicy and rules.selectPolicy not in ("Disabled", "Max", "Min"):
        errors.append(field.not_supported(path.child("selectPolicy"), rules.selectPolicy, ("Disabled", "Max", "Min")))
    if not rules.policies:
        errors.append(field.required(path.child("policies"), "must specify at least one Policy"))
    for i, policy in enumerate(rules.policies or ()):
        at = path.child("policies").index(i)
        if policy.type not in ("Percent", "Pods"):
            errors.append(field.not_supported(at.child("type"), policy.type, ("Percent", "Pods")))
        for name in ("value", "periodSeconds"):
            if getattr(policy, name) <= 0:
                errors.append(field.invalid(at.child(name), getattr(policy, name), "must be greater than zero"))
        if policy.periodSeconds > _MAX_PERIOD:
            detail = f"must be less than or equal to {_MAX_PERIOD}"
            errors.append(field.invalid(at.child("periodSeconds"), policy.periodSeconds, detail))
    return errors
