"""Conversion of HorizontalPodAutoscaler between v2, which is stored, and v1, which knows CPU alone.

What v1 has no field for travels in annotations, in v1's spelling of metrics.
"""

from __future__ import annotations

import json
from typing import Any

from steersman.api import codec
from steersman.api.codec import DecodeError
from steersman.kinds.kind import Plain

_PREFIX = "autoscaling.alpha.kubernetes.io/"
METRICS, CURRENT_METRICS = _PREFIX + "metrics", _PREFIX + "current-metrics"
CONDITIONS, BEHAVIOR = _PREFIX + "conditions", _PREFIX + "behavior"
_SECTIONS = {
    "ContainerResource": "containerResource",
    "External": "external",
    "Object": "object",
    "Pods": "pods",
    "Resource": "resource",
}
# For spec and status: what the values are called in v2, and with which prefix in v1.
_TARGET, _CURRENT = ("target", "target"), ("current", "current")


def to_v2(plain: Plain) -> None:
    spec, status = plain.get("spec", {}), plain.get("status", {})
    metrics = [metric_to_v2(m, *_TARGET) for m in _take_all(plain, METRICS, "MetricSpec")]
    if (cpu := spec.pop("targetCPUUtilizationPercentage", None)) is not None:
        target = {"type": "Utilization", "averageUtilization": cpu}
        metrics.insert(0, {"type": "Resource", "resource": {"name": "cpu", "target": target}})
    _put(spec, "metrics", metrics)
    _put(spec, "behavior", take_behavior(plain))
    current = [metric_to_v2(m, *_CURRENT) for m in _take_all(plain, CURRENT_METRICS, "MetricStatus")]
    cpu = status.pop("currentCPUUtilizationPercentage", None)
    # The annotation tells more than the field, which is one of its metrics.
    if cpu is not None and not current:
        current.insert(0, {"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": cpu}}})
    _put(status, "currentMetrics", current)
    _put(status, "conditions", _take_all(plain, CONDITIONS, "HorizontalPodAutoscalerCondition"))


def from_v2(plain: Plain) -> None:
    spec, status = plain.get("spec", {}), plain.get("status", {})
    metrics = spec.pop("metrics", [])
    cpu = next((m for m in metrics if _utilization(m, "target") is not None), None)
    if cpu is not None:
        spec["targetCPUUtilizationPercentage"] = _utilization(cpu, "target")
    _annotate(plain, METRICS, [metric_to_v1(m, *_TARGET) for m in metrics if m is not cpu])
    _annotate(plain, BEHAVIOR, spec.pop("behavior", None))
    current = status.pop("currentMetrics", [])
    cpu = next((m for m in current if _utilization(m, "current") is not None), None)
    if cpu is not None:
        status["currentCPUUtilizationPercentage"] = _utilization(cpu, "current")
    _annotate(plain, CURRENT_METRICS, [metric_to_v1(m, *_CURRENT) for m in current])
    _annotate(plain, CONDITIONS, status.pop("conditions", None))


def _utilization(metric: Plain, values: str) -> Any:
    """The utilization of a metric that is the CPU's, else None."""
    resource = metric.get("resource") or {}
    if metric.get("type") != "Resource" or resource.get("name") != "cpu":
        return None
    return resource.get(values, {}).get("averageUtilization")


def metric_to_v1(metric: Plain, values: str, prefix: str) -> Plain:
    section = _SECTIONS.get(metric.get("type", ""), "")
    source = dict(metric.get(section) or {})
    found = source.pop(values, {})
    identifier = source.pop("metric", {})
    out = dict(source)
    selector = "metricSelector" if section == "external" else "selector"
    _put(out, "metricName", identifier.get("name"))
    _put(out, selector, identifier.get("selector"))
    if section == "object":
        out["target"] = out.pop("describedObject", {})
        _put(out, f"{prefix}Value", found.get("value"))
        _put(out, "averageValue", found.get("averageValue"))
    else:
        _put(out, f"{prefix}Value", found.get("value"))
        _put(out, f"{prefix}AverageValue", found.get("averageValue"))
        _put(out, f"{prefix}AverageUtilization", found.get("averageUtilization"))
    return {"type": metric.get("type", ""), section: out}


def metric_to_v2(metric: Plain, values: str, prefix: str) -> Plain:
    section = _SECTIONS.get(metric.get("type", ""), "")
    source = dict(metric.get(section) or {})
    found: Plain = {}
    _put(found, "averageUtilization", source.pop(f"{prefix}AverageUtilization", None))
    _put(found, "averageValue", source.pop(f"{prefix}AverageValue", None) or source.pop("averageValue", None))
    _put(found, "value", source.pop(f"{prefix}Value", None))
    if values == "target":
        found["type"] = _target_type(found)
    out: Plain = {}
    if section == "object":
        out["describedObject"] = source.pop("target", {})
    if section in ("object", "pods", "external"):
        identifier: Plain = {"name": source.pop("metricName", "")}
        _put(identifier, "selector", source.pop("metricSelector" if section == "external" else "selector", None))
        out["metric"] = identifier
    return {"type": metric.get("type", ""), section: {**source, **out, values: found}}


def _target_type(found: Plain) -> str:
    if "averageUtilization" in found:
        return "Utilization"
    return "AverageValue" if "averageValue" in found else "Value"


def _put(into: Plain, name: str, value: Any) -> None:
    # Nothing measured is a measure, too, and a selector of everything is one.
    if value or isinstance(value, int | dict):
        into[name] = value


def _annotate(plain: Plain, name: str, value: Any) -> None:
    if value or isinstance(value, dict):
        annotations = plain.setdefault("metadata", {}).setdefault("annotations", {})
        annotations[name] = json.dumps(value, separators=(",", ":"))


def take_behavior(plain: Plain) -> Plain | None:
    """The behavior in the annotation, which is removed."""
    from steersman.kinds.types.autoscaling_v2 import HorizontalPodAutoscalerBehavior

    text = _text(plain, BEHAVIOR)
    try:
        return _checked(HorizontalPodAutoscalerBehavior, json.loads(text)) if text else None
    except (ValueError, DecodeError):
        return None


def _take_all(plain: Plain, name: str, kind: str) -> list[Plain]:
    """The list in one of the annotations, which is removed. A malformed one is as good as none."""
    from steersman.kinds.types import autoscaling_v2, autoscaling_v2beta1

    cls = getattr(autoscaling_v2beta1, kind, None) or getattr(autoscaling_v2, kind)
    text = _text(plain, name)
    try:
        found = json.loads(text) if text else []
        return [_checked(cls, one) for one in found] if isinstance(found, list) else []
    except (ValueError, DecodeError):
        return []


def _text(plain: Plain, name: str) -> str:
    """The text of an annotation, which is removed."""
    metadata = plain.get("metadata", {})
    annotations = metadata.get("annotations", {})
    text: str = annotations.pop(name, "")
    if not annotations:
        metadata.pop("annotations", None)
    return text


def _checked(cls: type[Any], value: Any) -> Plain:
    """A value that is one of this type. Raises DecodeError."""
    plain: Plain = codec.to_builtins(codec.from_builtins(cls, value)[0])
    return plain
