"""HorizontalPodAutoscaler: scales a workload by what is measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api.meta import Resource
from steersman.kinds.kind import Kind

if TYPE_CHECKING:
    from steersman.kinds.types.autoscaling_v2 import HorizontalPodAutoscaler

KIND: Kind[HorizontalPodAutoscaler] = Kind(
    resource=Resource("autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler", True),
    short_names=("hpa",),
    categories=("all",),
    subresources=frozenset({"status"}),
)
