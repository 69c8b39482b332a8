"""Validation of events in the form of events.k8s.io/v1."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from steersman.kinds.core import event_rules
from steersman.kinds.core.event import KIND

Build = Callable[..., Any]

EVENT = "{metadata: {name: a, namespace: default}, eventTime: '2024-01-01T00:00:00.000000Z', type: Normal, reason: r}"


@pytest.mark.parametrize(
    ("change", "errors"),
    [
        ("{}", []),
        ("{eventTime: null, type: x}", ["eventTime: Required value", 'type: Invalid value: "": has invalid value: x']),
        ("{count: 2, firstTimestamp: '2024-01-01T00:00:00Z', source: {component: c}}", ['firstTimestamp: Invalid value: "": needs to be unset', 'count: Invalid value: "": needs to be unset', 'source: Invalid value: "": needs to be unset']),
        ("series: {count: 1}", ['series.count: Invalid value: "": should be at least 2', "series.lastObservedTime: Required value"]),
    ],
)  # fmt: skip
def test_a_new_event(change: str, errors: list[str], build: Build) -> None:
    assert [str(e) for e in event_rules.check_events_v1(build(KIND, EVENT, change))] == errors


def test_only_the_series_and_the_note_go_on(build: Build) -> None:
    old = build(KIND, EVENT)
    series = "series: {count: 2, lastObservedTime: '2024-01-01T00:00:00.000000Z'}"
    assert event_rules.check_events_v1_update(build(KIND, EVENT, series), old) == []
    assert event_rules.check_events_v1_update(build(KIND, EVENT, "{message: m}"), old) == []
    once = build(KIND, EVENT, "series: {count: 1}")
    assert event_rules.check_events_v1_update(once, once) == []
    changed = build(KIND, EVENT, "{reason: s, action: m}")
    assert [str(e) for e in event_rules.check_events_v1_update(changed, old)] == [
        'reason: Invalid value: "s": field is immutable',
        'action: Invalid value: "m": field is immutable',
    ]
