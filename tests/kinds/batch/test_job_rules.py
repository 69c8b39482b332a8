"""Jobs: defaults, the generated selector, validation, and what may change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from steersman.api import codec
from steersman.kinds.batch.job import KIND
from steersman.kinds.batch.job_policies import parse_indexes

Build = Callable[..., Any]
ErrorsOf = Callable[..., list[str]]

JOB = """
metadata: {name: pi, namespace: default, uid: u1}
spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: x:1}]}}}
"""


def test_defaults(create: Build) -> None:
    spec = codec.to_builtins(create(KIND, JOB))["spec"]
    template = spec.pop("template")
    assert spec == {
        "backoffLimit": 6,
        "completionMode": "NonIndexed",
        "completions": 1,
        "parallelism": 1,
        "podReplacementPolicy": "TerminatingOrFailed",
        "selector": {"matchLabels": {"batch.kubernetes.io/controller-uid": "u1"}},
        "suspend": False,
    }
    assert template["metadata"]["labels"] == {
        "batch.kubernetes.io/controller-uid": "u1",
        "batch.kubernetes.io/job-name": "pi",
        "controller-uid": "u1",
        "job-name": "pi",
    }


def test_other_defaults(build: Build) -> None:
    assert build(KIND, JOB, "spec: {parallelism: 3}").spec.completions is None
    assert build(KIND, JOB, "spec: {completions: 3}").spec.parallelism == 1
    spec = build(
        KIND,
        JOB,
        "spec: {backoffLimitPerIndex: 1, podFailurePolicy: {rules: [{action: Ignore, onPodConditions: [{type: A}]}]}}",
    ).spec
    assert (spec.backoffLimit, spec.podReplacementPolicy) == (2**31 - 1, "Failed")
    assert spec.podFailurePolicy.rules[0].onPodConditions[0].status == "True"
    assert build(KIND, JOB, "spec: {template: {metadata: {labels: {a: b}}}}").metadata.labels == {"a": "b"}


@pytest.mark.parametrize(
    ("change", "errors"),
    [
        ("{}", []),
        ("spec: {completionMode: Indexed, completions: 5, parallelism: 2}", []),
        ("spec: {template: {spec: {restartPolicy: Always}}}", ['spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"']),
        ("spec: {template: {spec: {restartPolicy: null}}}", ['spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"']),
        ("spec: {completionMode: x}", ['spec.completionMode: Unsupported value: "x": supported values: "NonIndexed", "Indexed"']),
        ("spec: {parallelism: -1}", ["spec.parallelism: Invalid value: -1: must be greater than or equal to 0"]),
        ("spec: {backoffLimit: -1}", ["spec.backoffLimit: Invalid value: -1: must be greater than or equal to 0"]),
        ("spec: {ttlSecondsAfterFinished: -1}", ["spec.ttlSecondsAfterFinished: Invalid value: -1: must be greater than or equal to 0"]),
        ("spec: {completionMode: Indexed, parallelism: 1}", ["spec.completions: Required value: when completion mode is Indexed"]),
        ("spec: {backoffLimitPerIndex: 1}", ["spec.backoffLimitPerIndex: Invalid value: 1: requires indexed completion mode"]),
        ("spec: {selector: {matchLabels: {a: b}}}", ['spec.template.metadata.labels: Invalid value: {"batch.kubernetes.io/controller-uid":"u1","batch.kubernetes.io/job-name":"pi","controller-uid":"u1","job-name":"pi"}: `selector` does not match template `labels`', 'spec.selector: Invalid value: {"matchLabels":{"batch.kubernetes.io/controller-uid":"u1","a":"b"}}: `selector` not auto-generated']),
        ("spec: {manualSelector: true, selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}}}", []),
        ("spec: {manualSelector: true}", ["spec.selector: Required value", "spec.template.metadata.labels: Invalid value: null: `selector` does not match template `labels`"]),
        ("spec: {podFailurePolicy: {rules: [{action: x}]}}", ['spec.podFailurePolicy.rules[0].action: Unsupported value: "x": supported values: "Count", "FailIndex", "FailJob", "Ignore"', 'spec.podFailurePolicy.rules[0]: Invalid value: {"action":"x"}: specifying one of OnExitCodes and OnPodConditions is required']),
        ("spec: {podFailurePolicy: {rules: [{action: FailJob, onExitCodes: {operator: In, values: [0]}}]}}", ["spec.podFailurePolicy.rules[0].onExitCodes.values[0]: Invalid value: 0: must not be 0 for the In operator"]),
        ("spec: {successPolicy: {rules: [{succeededCount: 1}]}}", ['spec.successPolicy: Invalid value: {"rules":[{"succeededCount":1}]}: requires indexed completion mode']),
        ("spec: {completionMode: Indexed, completions: 3, successPolicy: {rules: [{succeededIndexes: 0-3}]}}", ['spec.successPolicy.rules[0].succeededIndexes: Invalid value: "0-3": too large index']),
        ("spec: {managedBy: x}", ['spec.managedBy: Invalid value: "x": must be a domain-prefixed path (such as "acme.io/foo")']),
    ],
)  # fmt: skip
def test_validation(change: str, errors: list[str], errors_of: ErrorsOf) -> None:
    assert errors_of(KIND, JOB, change) == errors


@pytest.mark.parametrize(
    ("change", "errors"),
    [
        ("spec: {parallelism: 3, suspend: true, activeDeadlineSeconds: 5, backoffLimit: 1}", []),
        ("spec: {completions: 2}", ["spec.completions: Invalid value: 2: field is immutable"]),
        ("spec: {completionMode: Indexed}", ['spec.completionMode: Invalid value: "Indexed": field is immutable']),
        ("spec: {template: {spec: {terminationGracePeriodSeconds: 5}}}", None),
        ("spec: {selector: {matchLabels: {batch.kubernetes.io/controller-uid: u1, a: b}}}", None),
    ],
)
def test_update(change: str, errors: list[str] | None, update_errors_of: ErrorsOf) -> None:
    got = update_errors_of(KIND, JOB, change)
    if errors is None:
        assert got[-1].endswith("field is immutable")
    else:
        assert got == errors


def test_indexed_jobs_change_in_size_with_their_parallelism(update_errors_of: ErrorsOf) -> None:
    indexed = JOB.replace("spec: {", "spec: {completionMode: Indexed, completions: 2, parallelism: 2, ", 1)
    assert update_errors_of(KIND, indexed, "spec: {completions: 3, parallelism: 3}") == []
    assert update_errors_of(KIND, indexed, "spec: {completions: 3}") == [
        "spec.completions: Invalid value: 3: can only be modified in tandem with parallelism"
    ]


def test_a_suspended_job_may_still_move(update_errors_of: ErrorsOf) -> None:
    change = "spec: {template: {spec: {nodeSelector: {a: b}}}}"
    assert update_errors_of(KIND, JOB.replace("spec: {", "spec: {suspend: true, ", 1), change) == []
    assert len(update_errors_of(KIND, JOB, change)) == 1


@pytest.mark.parametrize(
    ("before", "after", "errors"),
    [
        ("{}", "{active: 1, ready: 1}", []),
        ("{}", "{active: -1}", ["status.active: Invalid value: -1: must be greater than or equal to 0"]),
        ("{}", "{completionTime: '2024-01-01T00:00:00Z'}", ['status.completionTime: Invalid value: "2024-01-01T00:00:00Z": completionTime cannot be set when there is no Complete=True condition']),
        ("{conditions: [{type: Failed, status: 'True'}]}", "{conditions: []}", ['status.conditions: Invalid value: "True": cannot disable the terminal Failed=True condition']),
    ],
)  # fmt: skip
def test_status(before: str, after: str, errors: list[str], status_errors_of: ErrorsOf) -> None:
    assert status_errors_of(KIND, JOB, before, after) == errors


@pytest.mark.parametrize(
    ("text", "want"),
    [("1", {1}), ("0-2,5", {0, 1, 2, 5}), ("2-1", None), ("1,1", None), ("a", None), ("", None), ("0-9999999", None)],
)
def test_indexes(text: str, want: set[int] | None) -> None:
    assert parse_indexes(text) == want
