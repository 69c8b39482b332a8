"""HorizontalPodAutoscaler as autoscaling/v2beta2 knew it, and v2beta1, whose metrics have their targets in fields of their own."""

from __future__ import annotations

import json
from collections.abc import Callable

from steersman.api.meta import Resource
from steersman.kinds.autoscaling.hpa_v1 import BEHAVIOR, metric_to_v1, metric_to_v2, take_behavior
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


HORIZONTAL_POD_AUTOSCALER = (
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
