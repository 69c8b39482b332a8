"""Schedules and time zones of cron jobs: new ones, and those from before there was a field for the zone."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from steersman.kinds.batch.cronjob import KIND

ErrorsOf = Callable[..., list[str]]

CRON = """
metadata: {name: a, namespace: default}
spec: {schedule: '* * * * *', jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: x}]}}}}}
"""
ZONED = CRON.replace("'* * * * *'", "'TZ=UTC * * * * *'")
SCHEDULE = 'spec.schedule: Invalid value: "TZ=UTC 1 * * * *":'


@pytest.mark.parametrize(
    ("change", "errors"),
    [
        ("spec: {timeZone: Europe/Berlin}", []),
        ("spec: {timeZone: Europe/Nowhere}", ['spec.timeZone: Invalid value: "Europe/Nowhere": unknown time zone Europe/Nowhere']),
        ("spec: {timeZone: ../UTC}", ['spec.timeZone: Invalid value: "../UTC": unknown time zone ../UTC']),
        ("spec: {schedule: 'TZ=UTC 1 * * * *'}", [f"{SCHEDULE} cannot use TZ or CRON_TZ in schedule, use timeZone field instead"]),
        ("spec: {concurrencyPolicy: x}", ['spec.concurrencyPolicy: Unsupported value: "x": supported values: "Allow", "Forbid", "Replace"']),
    ],
)  # fmt: skip
def test_new(change: str, errors: list[str], errors_of: ErrorsOf) -> None:
    assert errors_of(KIND, CRON, change) == errors


@pytest.mark.parametrize(
    ("base", "change", "errors"),
    [
        (ZONED, "spec: {suspend: true}", []),
        (ZONED, "spec: {schedule: 'TZ=UTC 1 * * * *', timeZone: UTC}", [f"{SCHEDULE} cannot use both timeZone field and TZ or CRON_TZ in schedule"]),
        (CRON, "spec: {schedule: 'TZ=UTC 1 * * * *'}", [f"{SCHEDULE} cannot use TZ or CRON_TZ in schedule, use timeZone field instead"]),
        (CRON, "spec: {timeZone: Nowhere}", ['spec.timeZone: Invalid value: "Nowhere": unknown time zone Nowhere']),
        (CRON.replace("spec: {schedule", "spec: {timeZone: Nowhere, schedule"), "spec: {suspend: true}", []),
    ],
)  # fmt: skip
def test_changed(base: str, change: str, errors: list[str], update_errors_of: ErrorsOf) -> None:
    assert update_errors_of(KIND, base, change) == errors
