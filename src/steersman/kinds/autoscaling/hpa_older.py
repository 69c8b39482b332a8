"""HorizontalPodAutoscaler as autoscaling/v2beta2 knew it, and v2beta1, whose metrics have their targets in fields of their own."""

from __future__ import annotations

import json
from collections.abc import Callable

from steersman.api.meta import Resource
from steersman.kinds.autoscaling.hpa_v1 import BEHAVIOR, from_v2, metric_to_v1, metric_to_v2, take_behavior, to_v2
from steersman.kinds.kind import Plain, older

_ZERO = "0"


def to_stored(plain: Plain) -> None:
    spec, status = plain.get("spec") or {}, plain.get("status") or {}
    _convert(spec, "metrics", lambda metric: metric_to_v2(_without_zero(metric), "target", "target"))
    _convert(status, "currentMetrics", lambda metric: metric_to_v2(metric, "current", "current"))
    behavior = take_behavior(plain)
    if behavior is not None:
        spec["behavior"] = behavior


def from_stored(plain: Plain) -> None:
    spec, status = plain.get("spec") or {}, plain.get("status") or {}
    _convert(spec, "metrics", lambda metric: metric_to_v1(metric, "target", "target"))
    _convert(status, "currentMetrics", lambda metric: metric_to_v1(metric, "current", "current"))
    behavior = spec.pop("behavior", None)
    if behavior is not None:
        annotations = plain.setdefault("metadata", {}).setdefault("annotations", {})
        annotations[BEHAVIOR] = json.dumps(behavior, separators=(",", ":"))


def _convert(part: Plain, name: str, metric: Callable[[Plain], Plain]) -> None:
    if name in part:
        part[name] = [metric(m) for m in part[name] or ()]


def _without_zero(metric: Plain) -> Plain:
    """A metric of an object has to state a value, even where only the average counts."""
    source = metric.get("object")
    if not source or "averageValue" not in source or source.get("targetValue") != _ZERO:
        return metric
    return {**metric, "object": {k: v for k, v in source.items() if k != "targetValue"}}


def from_extensions(plain: Plain) -> None:
    """A reference and a percentage of the CPU: autoscaling/v1 under other names."""
    spec = plain.get("spec") or {}
    reference = spec.pop("scaleRef", None)
    if reference is not None:
        spec["scaleTargetRef"] = {k: v for k, v in reference.items() if k != "subresource"}
    target = spec.pop("cpuUtilization", None)
    if target is not None:
        spec["targetCPUUtilizationPercentage"] = target.get("targetPercentage", 0)
    to_v2(plain)


def to_extensions(plain: Plain) -> None:
    from_v2(plain)
    spec = plain.get("spec") or {}
    reference = spec.pop("scaleTargetRef", None)
    if reference is not None:
        spec["scaleRef"] = {**reference, "subresource": "scale"}
    percentage = spec.pop("targetCPUUtilizationPercentage", None)
    if percentage is not None:
        spec["cpuUtilization"] = {"targetPercentage": percentage}


HORIZONTAL_POD_AUTOSCALER = (
    older(
        Resource("extensions", "v1beta1", "horizontalpodautoscalers", "HorizontalPodAutoscaler", True),
        "1.5",
        "1.6",
        to_stored=from_extensions,
        from_stored=to_extensions,
    ),
    older(
        Resource("autoscaling", "v2beta2", "horizontalpodautoscalers", "HorizontalPodAutoscaler", True), "1.23", "1.26"
    ),
    older(
        Resource("autoscaling", "v2beta1", "horizontalpodautoscalers", "HorizontalPodAutoscaler", True),
        "1.22",
        "1.25",
        to_stored=to_stored,
        from_stored=from_stored,
    ),
)
