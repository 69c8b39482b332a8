"""HorizontalPodAutoscaler: scales a workload by what is measured."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from steersman.api.meta import Resource
from steersman.kinds.autoscaling import hpa_defaults, hpa_older, hpa_validation
from steersman.kinds.autoscaling.hpa_v1 import from_v2, to_v2
from steersman.kinds.columns import NONE, UNKNOWN, UNSET, created
from steersman.kinds.kind import AGE, NAME, Column, Kind, Version

if TYPE_CHECKING:
    from steersman.kinds.types.autoscaling_v2 import (
        HorizontalPodAutoscaler,
        MetricSpec,
        MetricStatus,
        MetricTarget,
        MetricValueStatus,
    )

_SHOWN_METRICS = 2


def _row(obj: HorizontalPodAutoscaler, now: datetime) -> list[Any]:
    target = obj.spec.scaleTargetRef
    least = UNSET if obj.spec.minReplicas is None else str(obj.spec.minReplicas)
    return [
        obj.metadata.name, f"{target.kind}/{target.name}", _targets(obj), least, obj.spec.maxReplicas,
        obj.status.currentReplicas, created(obj, now),
    ]  # fmt: skip


def _targets(obj: HorizontalPodAutoscaler) -> str:
    specs = obj.spec.metrics or []
    if not specs:
        return NONE
    states = obj.status.currentMetrics or []
    texts = [
        _metric(spec, states[index] if index < len(states) else None)
        for index, spec in enumerate(specs[:_SHOWN_METRICS])
    ]
    more = len(specs) - _SHOWN_METRICS
    return ", ".join(texts) + (f" + {more} more..." if more > 0 else "")


def _metric(spec: MetricSpec, state: MetricStatus | None) -> str:
    """One metric as current/target."""
    attribute = spec.type[:1].lower() + spec.type[1:]
    source = getattr(spec, attribute, None)
    if source is None:
        return UNKNOWN + "/" + UNSET
    measured = getattr(state, attribute, None) if state else None
    text = _values(source.target, measured.current if measured else None)
    return f"{source.name}: {text}" if spec.type in ("Resource", "ContainerResource") else text


def _values(target: MetricTarget, current: MetricValueStatus | None) -> str:
    if target.averageUtilization is not None:
        now = current.averageUtilization if current else None
        return f"{UNKNOWN if now is None else f'{now}%'}/{target.averageUtilization}%"
    if target.averageValue is not None:
        return f"{(current and current.averageValue) or UNKNOWN}/{target.averageValue} (avg)"
    return f"{(current and current.value) or UNKNOWN}/{target.value}"


KIND: Kind[HorizontalPodAutoscaler] = Kind(
    resource=Resource("autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler", True),
    short_names=("hpa",),
    categories=("all",),
    subresources=frozenset({"status"}),
    versions=(
        Version(
            Resource("autoscaling", "v1", "horizontalpodautoscalers", "HorizontalPodAutoscaler", True),
            served_by_default=True,
            to_stored=to_v2,
            from_stored=from_v2,
        ),
        *hpa_older.HORIZONTAL_POD_AUTOSCALER,
    ),
    columns=(
        NAME, Column("Reference"), Column("Targets"), Column("MinPods"), Column("MaxPods"), Column("Replicas"), AGE,
    ),
    row=_row,
    default=hpa_defaults.default,
    check_new=hpa_validation.check_new,
    check_update=hpa_validation.check_update,
    check_status_update=hpa_validation.check_status_update,
)  # fmt: skip
