"""Jobs: defaults, the generated selector, validation, and what may change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from steersman.api import codec
from steersman.kinds.batch.job import KIND
from steersman.kinds.batch.job_indexes import IndexesError, count, overlap, parse_intervals

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
        ("spec: {podFailurePolicy: {rules: [{action: x}]}}", ['spec.podFailurePolicy.rules[0].action: Unsupported value: "x": supported values: "Count", "FailIndex", "FailJob", "Ignore"', 'spec.podFailurePolicy.rules[0]: Invalid value: specifying one of OnExitCodes and OnPodConditions is required']),
        ("spec: {podFailurePolicy: {rules: [{action: FailJob, onExitCodes: {operator: In, values: [0]}}]}}", ["spec.podFailurePolicy.rules[0].onExitCodes.values[0]: Invalid value: 0: must not be 0 for the In operator"]),
        ("spec: {successPolicy: {rules: [{succeededCount: 1}]}}", ['spec.successPolicy: Invalid value: {"rules":[{"succeededCount":1}]}: requires indexed completion mode']),
        ("spec: {completionMode: Indexed, completions: 3, successPolicy: {rules: [{succeededIndexes: 0-3}]}}", ['spec.successPolicy.rules[0].succeededIndexes: Invalid value: "0-3": error parsing succeededIndexes: too large index: "3"']),
        ("spec: {completionMode: Indexed, completions: 3, successPolicy: {rules: [{succeededIndexes: 0-1, succeededCount: 4}]}}", ["spec.successPolicy.rules[0].succeededCount: Invalid value: 4: must be less than or equal to 3 (the number of specified completions)", "spec.successPolicy.rules[0].succeededCount: Invalid value: 4: must be less than or equal to 2 (the number of indexes in the specified succeededIndexes field)"]),
        ("spec: {podFailurePolicy: {rules: [{onPodConditions: [{type: A}]}]}}", ['spec.podFailurePolicy.rules[0].action: Required value: valid values: ["Count" "FailIndex" "FailJob" "Ignore"]']),
        ("spec: {podFailurePolicy: {rules: [{action: Count, onPodConditions: [{type: A}]}]}, podReplacementPolicy: x}", ['spec.podReplacementPolicy: Unsupported value: "x": supported values: "Failed"']),
        ("spec: {completionMode: Indexed, completions: 100001, parallelism: 10001, backoffLimitPerIndex: 1}", ["spec.maxFailedIndexes: Required value: must be specified when completions is above 100000", "spec.parallelism: Invalid value: 10001: must be less than or equal to 10000 when completions are above 100000 and used with backoff limit per index"]),
        ("spec: {completionMode: Indexed, completions: 3, maxFailedIndexes: 4}", ["spec.backoffLimitPerIndex: Required value: when maxFailedIndexes is specified", "spec.maxFailedIndexes: Invalid value: 4: must be less than or equal to completions"]),
        ("spec: {template: {metadata: {labels: {job-name: other}}}}", ['spec.template.metadata.labels[job-name]: Invalid value: {"batch.kubernetes.io/controller-uid":"u1","batch.kubernetes.io/job-name":"pi","controller-uid":"u1","job-name":"other"}: must be \'pi\'']),

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
        "spec.completions: Invalid value: 3: can only be modified in tandem with spec.parallelism"
    ]


def test_a_suspended_job_may_still_move(update_errors_of: ErrorsOf) -> None:
    change = "spec: {template: {spec: {nodeSelector: {a: b}}}}"
    assert update_errors_of(KIND, JOB.replace("spec: {", "spec: {suspend: true, ", 1), change) == []
    assert len(update_errors_of(KIND, JOB, change)) == 1


STARTED, STOPPED = {"startTime": "2024-01-01T00:00:00Z"}, {"conditions": [{"type": "Suspended", "status": "True"}]}
LARGER, OTHER = {"resources": {"requests": {"cpu": "2"}}}, {"image": "other"}


@pytest.mark.parametrize(
    ("status", "change", "fine"),
    [
        ({}, LARGER, True),
        ({}, OTHER, False),
        (STARTED, LARGER, False),
        ({**STARTED, **STOPPED}, LARGER, True),
        ({"active": 1, **STOPPED}, LARGER, False),
    ],
)
def test_what_a_suspended_job_uses(status: dict[str, Any], change: dict[str, Any], fine: bool, create: Build) -> None:
    """It may change as long as there are no pods."""
    made = create(KIND, JOB.replace("spec: {", "spec: {suspend: true, ", 1))
    plain = {**codec.to_builtins(made), "status": status}
    old, new = (codec.from_builtins(KIND.type, plain)[0] for _ in range(2))
    container = {**codec.to_builtins(made.spec.template.spec.containers[0]), **change}
    new.spec.template.spec.containers = [codec.from_builtins(type(made.spec.template.spec.containers[0]), container)[0]]
    errors = [str(e) for e in KIND.validate_update(new, old)]
    assert not errors if fine else errors[-1].endswith("field is immutable")


S = "status"
T0, T1 = '"2024-01-01T00:00:00Z"', '"2024-01-01T00:00:01Z"'


def _conditions(*true: str) -> str:
    given = ", ".join(f"{{type: {t}, status: 'True'}}" for t in true)
    return f"conditions: [{given}]"


@pytest.mark.parametrize(
    ("before", "after", "errors"),
    [
        ("{}", "{active: 1, ready: 1}", []),
        ("{}", "{active: -1}", ["status.active: Invalid value: -1: must be greater than or equal to 0"]),
        ("{}", f"{{{_conditions('Complete', 'SuccessCriteriaMet')}, startTime: {T0}, completionTime: {T1}, succeeded: 1}}", []),
        ("{}", f"{{{_conditions('Failed', 'FailureTarget')}, startTime: {T0}, failed: 1}}", []),
        ("{}", f"{{completionTime: {T1}}}", [f'{S}.completionTime: Invalid value: {T1}: cannot set completionTime when there is no Complete=True condition']),
        ("{}", f"{{{_conditions('Complete')}}}", [f"{S}.conditions: Invalid value: cannot set Complete=True condition without the SuccessCriteriaMet=true condition", f"{S}.completionTime: Required value: completionTime is required for Complete jobs", f"{S}.startTime: Required value: startTime is required for finished job"]),
        ("{}", f"{{{_conditions('Failed')}, startTime: {T0}}}", [f"{S}.conditions: Invalid value: cannot set Failed=True condition without the FailureTarget=true condition"]),
        ("{}", f"{{{_conditions('Failed', 'FailureTarget')}, startTime: {T0}, active: 1, terminating: 1, uncountedTerminatedPods: {{failed: [u]}}}}", [f"{S}.active: Invalid value: 1: active>0 is invalid for finished job", f'{S}.uncountedTerminatedPods: Invalid value: {{"failed":["u"]}}: must be empty for finished job', f"{S}.terminating: Invalid value: 1: terminating>0 is invalid for finished job"]),
        ("{}", f"{{{_conditions('Complete', 'SuccessCriteriaMet')}, startTime: {T1}, completionTime: {T0}}}", [f"{S}.completionTime: Invalid value: {T0}: must be equal to or after `startTime`"]),
        ("{}", "{ready: 1}", [f"{S}.ready: Invalid value: 1: cannot set more ready pods than active"]),
        ("{}", "{uncountedTerminatedPods: {succeeded: [a, ''], failed: [a]}}", [f'{S}.uncountedTerminatedPods.succeeded[1]: Invalid value: "": must not be empty', f'{S}.uncountedTerminatedPods.failed[0]: Duplicate value: "a"']),
        ("{}", "{completedIndexes: '0'}", [f'{S}.completedIndexes: Invalid value: "0": cannot set non-empty completedIndexes when non-indexed completion mode']),
        ("{succeeded: 2, failed: 2}", "{succeeded: 1, failed: 1}", [f"{S}.failed: Invalid value: 1: cannot decrease the failed counter", f"{S}.succeeded: Invalid value: 1: cannot decrease the succeeded counter"]),
        (f"{{startTime: {T0}}}", "{startTime: null}", [f"{S}.startTime: Invalid value: null: field is immutable for unsuspended job once set"]),
        (f"{{startTime: {T0}, conditions: [{{type: Suspended, status: 'True'}}]}}", f"{{startTime: {T1}, conditions: [{{type: Suspended, status: 'False'}}]}}", []),
        (f"{{{_conditions('FailureTarget')}}}", "{conditions: []}", [f"{S}.conditions: Invalid value: cannot disable the terminal FailureTarget=True condition"]),
        (f"{{{_conditions('SuccessCriteriaMet')}}}", "{conditions: []}", [f"{S}.conditions: Invalid value: cannot disable the SuccessCriteriaMet=True condition"]),
    ],
)  # fmt: skip
def test_status(before: str, after: str, errors: list[str], status_errors_of: ErrorsOf) -> None:
    assert status_errors_of(KIND, JOB, before, after) == errors


INDEXED = JOB.replace("spec: {", "spec: {completionMode: Indexed, completions: 4, backoffLimitPerIndex: 1, ", 1)


@pytest.mark.parametrize(
    ("after", "errors"),
    [
        ("{completedIndexes: 0-1, failedIndexes: '3'}", []),
        ("{completedIndexes: 0-4}", [f'{S}.completedIndexes: Invalid value: "0-4": error parsing completedIndexes: too large index: "4"']),
        ("{completedIndexes: 0-1, failedIndexes: 1-2}", [f'{S}.failedIndexes: Invalid value: "1-2": failedIndexes and completedIndexes overlap at index: 1']),
    ],
)  # fmt: skip
def test_reported_indexes(after: str, errors: list[str], status_errors_of: ErrorsOf) -> None:
    assert status_errors_of(KIND, INDEXED, "{}", after) == errors


def test_a_suspended_job_keeps_its_affinity_to_pods(update_errors_of: ErrorsOf) -> None:
    suspended = JOB.replace("spec: {", "spec: {suspend: true, ", 1)
    term = "{topologyKey: zone}"
    for change, wrong in (
        ("nodeAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 1, preference: {matchExpressions: [{key: a, operator: Exists}]}}]}", 0),
        (f"podAffinity: {{requiredDuringSchedulingIgnoredDuringExecution: [{term}]}}", 1),
    ):  # fmt: skip
        errors = update_errors_of(KIND, suspended, f"spec: {{template: {{spec: {{affinity: {{{change}}}}}}}}}")
        assert len(errors) == wrong


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("", []),
        ("1", [(1, 1)]),
        ("0-2,5", [(0, 2), (5, 5)]),
        ("2-1", "non-increasing order, previous: 2, current: 1"),
        ("1,1", "non-increasing order, previous: 1, current: 1"),
        ("a", 'cannot convert string to integer for index: "a"'),
        ("0-9", 'too large index: "9"'),
        (f"{'0' * 5000}1", [(1, 1)]),
        ("-1-", 'the fragment "-1-" violates the requirement that an index interval can have at most two parts separated by \'-\''),
        ("0-", 'cannot convert string to integer for index: ""'),
        (f"{2**63 - 1}", f'too large index: "{2**63 - 1}"'),
        (f"{2**63}", f'cannot convert string to integer for index: "{2**63}"'),
        ("9" * 5000, f'cannot convert string to integer for index: "{"9" * 5000}"'),
        ("1-2-3", 'the fragment "1-2-3" violates the requirement that an index interval can have at most two parts separated by \'-\''),
    ],
)  # fmt: skip
def test_indexes(text: str, want: list[tuple[int, int]] | str) -> None:
    if isinstance(want, list):
        assert parse_intervals(text, 9) == want
        return
    with pytest.raises(IndexesError) as error:
        parse_intervals(text, 9)
    assert str(error.value) == want


def test_indexes_together() -> None:
    assert count([(0, 2), (5, 5)]) == 4
    assert overlap([(0, 2), (5, 7)], [(3, 4), (7, 9)]) == 7
    assert overlap([(0, 2)], [(3, 4)]) is None
