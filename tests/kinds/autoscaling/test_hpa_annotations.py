"""What autoscaling/v1 and v2beta1 keep in annotations, and what users write there."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steersman.api import codec
from steersman.kinds.autoscaling.horizontalpodautoscaler import KIND
from steersman.kinds.autoscaling.hpa_v1 import BEHAVIOR, CONDITIONS, CURRENT_METRICS, METRICS
from steersman.kinds.kind import Served

BY_VERSION = {s.resource.version: s for s in KIND.served()}
NAMES = (METRICS, CURRENT_METRICS, CONDITIONS, BEHAVIOR)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["", "Resource", "cpu", "1"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "resource", "object", "name", "target", "scaleUp"]), inner, max_size=3
        )
    ),
    max_leaves=8,
)


def adopted(served: Served, annotations: dict[str, str], **spec: Any) -> Any:
    plain = {"metadata": {"name": "a", "annotations": annotations}, "spec": spec}
    return served.adopt(codec.from_builtins(served.type, plain)[0])


@pytest.mark.parametrize("version", ["v1", "v2beta1"])
@given(values=st.dictionaries(st.sampled_from(NAMES), json_values.map(json.dumps) | st.just("{"), max_size=4))
def test_nonsense_is_as_good_as_nothing(version: str, values: dict[str, str]) -> None:
    found = adopted(BY_VERSION[version], values)
    assert found.spec.metrics is not None


def test_v1_keeps_what_it_has_no_field_for() -> None:
    served = BY_VERSION["v1"]
    metrics = [{"type": "Pods", "pods": {"metricName": "rate", "targetAverageValue": "1k"}}]
    found = adopted(served, {METRICS: json.dumps(metrics)}, targetCPUUtilizationPercentage=50)
    assert [m.type for m in found.spec.metrics] == ["Resource", "Pods"]
    assert found.metadata.annotations is None
    again = served.from_stored(found)
    assert json.loads(again.metadata.annotations[METRICS]) == metrics
    assert again.spec.targetCPUUtilizationPercentage == 50


def test_nothing_measured_is_a_measure() -> None:
    status = {
        "currentMetrics": [{"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": 0}}}]
    }
    stored = codec.from_builtins(KIND.type, {"metadata": {"name": "a"}, "status": status})[0]
    assert BY_VERSION["v1"].from_stored(stored).status.currentCPUUtilizationPercentage == 0
    old = BY_VERSION["v2beta1"].from_stored(stored)
    assert old.status.currentMetrics[0].resource.currentAverageUtilization == 0
    assert codec.to_builtins(BY_VERSION["v2beta1"].to_stored(old)) == codec.to_builtins(stored)
