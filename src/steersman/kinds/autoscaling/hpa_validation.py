"""Validation of HorizontalPodAutoscalers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from steersman.api import field, names, quantity
from steersman.api.field import Errors, Path
from steersman.kinds.core.resource_validation import check_container_name

if TYPE_CHECKING:
    from steersman.kinds.types.autoscaling_v2 import (
        HorizontalPodAutoscaler,
        HorizontalPodAutoscalerSpec,
        HPAScalingPolicy,
        HPAScalingRules,
        MetricSpec,
        MetricTarget,
    )

_SPEC = Path("spec")
_SOURCES = {
    "Object": "object",
    "External": "external",
    "Pods": "pods",
    "Resource": "resource",
    "ContainerResource": "containerResource",
}
_TYPES = tuple(sorted(_SOURCES))
_MAX_WINDOW, _MAX_PERIOD = 3600, 1800
_POSITIVE = "must be greater than zero"


def check_new(scaler: HorizontalPodAutoscaler) -> Errors:
    return _check(scaler, None)


def check_update(scaler: HorizontalPodAutoscaler, old: HorizontalPodAutoscaler) -> Errors:
    return _check(scaler, old)


def _check(scaler: HorizontalPodAutoscaler, old: HorizontalPodAutoscaler | None) -> Errors:
    """What referred to a version that is none before may go on doing so."""
    spec = scaler.spec
    errors: Errors = []
    least, most = spec.minReplicas, spec.maxReplicas
    at = _SPEC.child("maxReplicas")
    if least is not None and least < 0:
        errors.append(field.invalid(_SPEC.child("minReplicas"), least, "must be greater than or equal to 0"))
    if most == 0:
        errors.append(field.required(at, "must be set and greater than 0"))
    elif most < 0:
        errors.append(field.invalid(at, most, "must be greater than or equal to 1"))
    if least is not None and most < least:
        errors.append(field.invalid(at, most, "must be greater than or equal to `minReplicas`"))
    target = spec.scaleTargetRef
    known = old is not None and (target.apiVersion, target.kind) == _kind(old.spec.scaleTargetRef)
    # Of what has no group, one kind can be scaled.
    grouped = target.kind != "ReplicationController"
    errors += _check_reference(target, _SPEC.child("scaleTargetRef"), any_version=known, grouped=grouped)
    errors += _check_metrics(spec, any_version=old is not None and any(map(_is_bad, old.spec.metrics or ())))
    if spec.behavior is not None:
        for name in ("scaleUp", "scaleDown"):
            errors += _check_rules(getattr(spec.behavior, name), _SPEC.child("behavior", name))
    return errors


def check_status_update(scaler: HorizontalPodAutoscaler, old: HorizontalPodAutoscaler) -> Errors:
    at, status = Path("status"), scaler.status
    errors: Errors = []
    for i, condition in enumerate(status.conditions or ()):
        generation = at.child("conditions").index(i).child("observedGeneration")
        errors += field.not_negative(generation, condition.observedGeneration)
    errors += field.not_negative(at.child("currentReplicas"), status.currentReplicas)
    return errors + field.not_negative(at.child("desiredReplicas"), status.desiredReplicas)


def _kind(reference: Any) -> tuple[str, str]:
    return reference.apiVersion, reference.kind


def _check_reference(reference: Any, path: Path, *, any_version: bool, grouped: bool) -> Errors:
    errors: Errors = []
    for name in ("kind", "name"):
        value, at = getattr(reference, name), path.child(name)
        errors += field.all_invalid(at, value, names.path_segment(value)) if value else [field.required(at)]
    wrong = "" if any_version else _version_problem(reference.apiVersion, grouped=grouped)
    return [*errors, field.invalid(path.child("apiVersion"), reference.apiVersion, wrong)] if wrong else errors


def _version_problem(version: str, *, grouped: bool) -> str:
    if version.count("/") > 1:
        return f"unexpected GroupVersion string: {version}"
    return "apiVersion must specify API group" if grouped and not version.partition("/")[1] else ""


def _is_bad(metric: MetricSpec) -> bool:
    """Whether an object's metric is of an object whose version is none."""
    described = metric.object.describedObject if metric.type == "Object" and metric.object is not None else None
    return described is not None and bool(_version_problem(described.apiVersion, grouped=False))


def _check_metrics(spec: HorizontalPodAutoscalerSpec, *, any_version: bool) -> Errors:
    path = _SPEC.child("metrics")
    errors: Errors = []
    for i, metric in enumerate(spec.metrics or ()):
        errors += _check_metric(metric, path.index(i), any_version)
    if spec.minReplicas == 0 and not any(m.type in ("Object", "External") for m in spec.metrics or ()):
        # What does not run is measured by something else.
        detail = "must specify at least one Object or External metric to support scaling to zero replicas"
        errors.append(field.forbidden(path, detail))
    return errors


def _check_metric(metric: MetricSpec, path: Path, any_version: bool) -> Errors:
    """One source, that of the metric's type."""
    errors: Errors = []
    if not metric.type:
        errors.append(field.required(path.child("type"), "must specify a metric source type"))
    if metric.type not in _SOURCES:
        errors.append(field.not_supported(path.child("type"), metric.type, _TYPES))
    wanted = _SOURCES.get(metric.type, "")
    given = [name for name in _SOURCES.values() if getattr(metric, name) is not None]
    if given:
        source, at = getattr(metric, given[0]), path.child(given[0])
        if given[0] == "object":
            described = at.child("describedObject")
            errors += _check_reference(source.describedObject, described, any_version=any_version, grouped=False)
        errors += _CHECKS[given[0]](source, at)
    if not wanted:
        errors.append(field.not_supported(path.child("type"), metric.type, _TYPES))
    if wanted and wanted not in given:
        errors.append(field.required(path.child(wanted), "must populate information for the given metric source"))
    if len(given) > 1:
        detail = "must populate the given metric source only"
        errors += [field.forbidden(path.child(name), detail) for name in given if name != wanted]
    return errors


def _check_object(source: Any, path: Path) -> Errors:
    errors = _check_identifier(source, path) + _check_target(source.target, path.child("target"))
    if source.target.value is None and source.target.averageValue is None:
        detail = "must set either a target value or averageValue"
        errors.append(field.required(path.child("target", "averageValue"), detail))
    return errors


def _check_external(source: Any, path: Path) -> Errors:
    errors = _check_identifier(source, path) + _check_target(source.target, path.child("target"))
    value, average = source.target.value, source.target.averageValue
    if value is None and average is None:
        detail = "must set either a target value for metric or a per-pod target"
        errors.append(field.required(path.child("target", "averageValue"), detail))
    if value is not None and average is not None:
        detail = "may not set both a target value for metric and a per-pod target"
        errors.append(field.forbidden(path.child("target", "value"), detail))
    return errors


def _check_pods(source: Any, path: Path) -> Errors:
    errors = _check_identifier(source, path) + _check_target(source.target, path.child("target"))
    if source.target.averageValue is None:
        detail = "must specify a positive target averageValue"
        errors.append(field.required(path.child("target", "averageValue"), detail))
    return errors


def _check_resource(source: Any, path: Path) -> Errors:
    errors: Errors = []
    at, container = path.child("name"), getattr(source, "container", None)
    if not source.name:
        errors.append(field.required(at, "must specify a resource name"))
    elif container is not None:
        errors += check_container_name(source.name, at)
    if container == "":
        errors.append(field.required(path.child("container"), "must specify a container"))
    elif container:
        errors += field.all_invalid(path.child("container"), container, names.dns1123_label(container))
    at, target = path.child("target"), source.target
    errors += _check_target(target, at)
    if target.averageUtilization is None and target.averageValue is None:
        detail = "must set either a target raw value or a target utilization"
        errors.append(field.required(at.child("averageUtilization"), detail))
    if target.averageUtilization is not None and target.averageValue is not None:
        detail = "may not set both a target raw value and a target utilization"
        errors.append(field.forbidden(at.child("averageValue"), detail))
    return errors


_CHECKS: Mapping[str, Callable[[Any, Path], Errors]] = {
    "object": _check_object,
    "external": _check_external,
    "pods": _check_pods,
    "resource": _check_resource,
    "containerResource": _check_resource,
}


def _check_identifier(source: Any, path: Path) -> Errors:
    name, at = source.metric.name, path.child("metric", "name")
    if not name:
        return [field.required(at, "must specify a metric name")]
    return field.all_invalid(at, name, names.path_segment(name))


def _check_target(target: MetricTarget, path: Path) -> Errors:
    errors: Errors = []
    if not target.type:
        errors.append(field.required(path.child("type"), "must specify a metric target type"))
    if target.type not in ("Utilization", "Value", "AverageValue"):
        detail = "must be either Utilization, Value, or AverageValue"
        errors.append(field.invalid(path.child("type"), target.type, detail))
    for name in ("value", "averageValue"):
        amount = getattr(target, name)
        if amount is not None and quantity.nano(amount) <= 0:
            errors.append(field.invalid(path.child(name), amount, "must be positive"))
    if target.averageUtilization is not None and target.averageUtilization < 1:
        errors.append(
            field.invalid(path.child("averageUtilization"), target.averageUtilization, "must be greater than 0")
        )
    return errors


def _check_rules(rules: HPAScalingRules | None, path: Path) -> Errors:
    if rules is None:
        return []
    errors: Errors = []
    window, at = rules.stabilizationWindowSeconds, path.child("stabilizationWindowSeconds")
    if window is not None and window < 0:
        errors.append(field.invalid(at, window, "must be greater than or equal to zero"))
    if window is not None and window > _MAX_WINDOW:
        errors.append(field.invalid(at, window, f"must be less than or equal to {_MAX_WINDOW}"))
    if rules.selectPolicy and rules.selectPolicy not in ("Disabled", "Max", "Min"):
        errors.append(field.not_supported(path.child("selectPolicy"), rules.selectPolicy, ("Disabled", "Max", "Min")))
    if not rules.policies:
        errors.append(field.required(path.child("policies"), "must specify at least one Policy"))
    for i, policy in enumerate(rules.policies or ()):
        errors += _check_policy(policy, path.child("policies").index(i))
    if rules.tolerance is not None and quantity.nano(rules.tolerance) < 0:
        errors.append(field.invalid(path.child("tolerance"), rules.tolerance, field.NOT_NEGATIVE))
    return errors


def _check_policy(policy: HPAScalingPolicy, path: Path) -> Errors:
    errors: Errors = []
    if policy.type not in ("Percent", "Pods"):
        errors.append(field.not_supported(path.child("type"), policy.type, ("Percent", "Pods")))
    for name in ("value", "periodSeconds"):
        if getattr(policy, name) <= 0:
            errors.append(field.invalid(path.child(name), getattr(policy, name), _POSITIVE))
    if policy.periodSeconds > _MAX_PERIOD:
        detail = f"must be less than or equal to {_MAX_PERIOD}"
        errors.append(field.invalid(path.child("periodSeconds"), policy.periodSeconds, detail))
    return errors
