"""Defaults of a HorizontalPodAutoscaler: one metric, and how fast it may act on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from steersman.kinds.types.autoscaling_v2 import HorizontalPodAutoscaler, HPAScalingRules

CPU_UTILIZATION = 80
_PERIOD_SECONDS = 15
_UP = (("Pods", 4), ("Percent", 100))
_DOWN = (("Percent", 100),)


def default(obj: HorizontalPodAutoscaler) -> None:
    from steersman.kinds.types.autoscaling_v2 import MetricSpec, MetricTarget, ResourceMetricSource

    spec = obj.spec
    if spec.minReplicas is None:
        spec.minReplicas = 1
    if not spec.metrics:
        target = MetricTarget(type="Utilization", averageUtilization=CPU_UTILIZATION)
        spec.metrics = [MetricSpec(type="Resource", resource=ResourceMetricSource(name="cpu", target=target))]
    if spec.behavior is not None:
        spec.behavior.scaleUp = up = _rules(spec.behavior.scaleUp, _UP)
        spec.behavior.scaleDown = _rules(spec.behavior.scaleDown, _DOWN)
        up.stabilizationWindowSeconds = up.stabilizationWindowSeconds or 0


def _rules(given: HPAScalingRules | None, policies: tuple[tuple[str, int], ...]) -> HPAScalingRules:
    from steersman.kinds.types.autoscaling_v2 import HPAScalingPolicy, HPAScalingRules

    rules = given or HPAScalingRules()
    rules.selectPolicy = rules.selectPolicy or "Max"
    rules.policies = rules.policies or [
        HPAScalingPolicy(type=kind, value=value, periodSeconds=_PERIOD_SECONDS) for kind, value in policies
    ]
    return rules
