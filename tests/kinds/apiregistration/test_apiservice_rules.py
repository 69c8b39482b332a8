"""APIServices: what is wrong with them, what is filled in, and what a new one is said to be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from steersman.kinds.apiregistration import apiservice, apiservice_rules
from steersman.kinds.apiregistration.apiservice_rules import LOCAL, Availability

ErrorsOf = Callable[..., list[str]]

LOCALLY = (
    "{metadata: {name: v1.g.io}, spec: {group: g.io, version: v1, groupPriorityMinimum: 100, versionPriority: 10}}"
)
REMOTE = f"{LOCALLY[:-2]}, service: {{namespace: n, name: s}}}}}}"
GROUP, VERSION = "spec.groupPriorityMinimum: Invalid value", "spec.versionPriority: Invalid value"

CASES: list[tuple[str, str, list[str]]] = [
    (LOCALLY, "{}", []),
    (REMOTE, "{}", []),
    (LOCALLY, "{metadata: {name: v1.}, spec: {group: ''}}", []),
    (LOCALLY, "metadata: {name: x}", ['metadata.name: Invalid value: "x": must be `spec.version+"."+spec.group`: "v1.g.io"']),
    (LOCALLY, "{metadata: {name: v2.}, spec: {group: '', version: v2}}", ["spec.group: Required value: only v1 may have an empty group and it better be legacy kube"]),
    (LOCALLY, "{metadata: {name: V1.g.io}, spec: {version: V1}}", ["spec.version: Invalid value: \"V1\": a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"]),
    (LOCALLY, "spec: {groupPriorityMinimum: 0}", [f"{GROUP}: 0: must be positive and less than 20000"]),
    (LOCALLY, "spec: {groupPriorityMinimum: 20001}", [f"{GROUP}: 20001: must be positive and less than 20000"]),
    (LOCALLY, "spec: {versionPriority: 1001}", [f"{VERSION}: 1001: must be positive and less than 1000"]),
    (LOCALLY, "spec: {caBundle: YWJj}", ['spec.caBundle: Invalid value: "3 bytes": local APIServices may not have a caBundle']),
    (LOCALLY, "spec: {insecureSkipTLSVerify: true}", ["spec.insecureSkipTLSVerify: Invalid value: true: local APIServices may not have insecureSkipTLSVerify"]),
    (REMOTE, "spec: {service: {namespace: '', name: ''}}", ["spec.service.namespace: Required value", "spec.service.name: Required value"]),
    (REMOTE, "spec: {service: {port: 0}}", ["spec.service.port: Invalid value: 0: port is not valid: must be between 1 and 65535, inclusive"]),
    (REMOTE, "spec: {caBundle: YWJj, insecureSkipTLSVerify: true}", ["spec.insecureSkipTLSVerify: Invalid value: true: may not be true if caBundle is present"]),
]  # fmt: skip


@pytest.mark.parametrize(("base", "change", "errors"), CASES)
def test_validation(base: str, change: str, errors: list[str], errors_of: ErrorsOf) -> None:
    assert errors_of(apiservice.KIND, base, change) == errors


def test_every_change_is_judged_as_a_new_one(update_errors_of: ErrorsOf) -> None:
    assert update_errors_of(apiservice.KIND, LOCALLY, "spec: {versionPriority: 1}") == []
    assert update_errors_of(apiservice.KIND, LOCALLY, "spec: {group: h.io}") == [
        'metadata.name: Invalid value: "v1.g.io": must be `spec.version+"."+spec.group`: "v1.h.io"'
    ]


def test_status(status_errors_of: ErrorsOf) -> None:
    after = "conditions: [{type: Available, status: Perhaps}]"
    assert status_errors_of(apiservice.KIND, LOCALLY, "{}", after) == [
        'status.conditions[0].status: Unsupported value: "Perhaps": supported values: "True", "False", "Unknown"'
    ]


def test_a_new_local_one_is_available_at_once(create: Callable[..., Any]) -> None:
    local = create(apiservice.KIND, LOCALLY, "metadata: {creationTimestamp: '2026-01-01T00:00:00Z'}")
    assert apiservice_rules.says(local, LOCAL)
    assert local.status.conditions[0].lastTransitionTime == "2026-01-01T00:00:00Z"
    remote = create(apiservice.KIND, REMOTE)
    assert apiservice_rules.find(remote) is None
    assert remote.spec.service.port == 443


def test_the_time_changes_with_the_status_only(create: Callable[..., Any]) -> None:
    obj = create(apiservice.KIND, REMOTE)
    for words, now, expected in (
        (Availability("False", "ServiceNotFound", "a"), "t1", "t1"),
        (Availability("False", "MissingEndpoints", "b"), "t2", "t1"),
        (Availability("True", "Passed", "c"), "t3", "t3"),
    ):
        apiservice_rules.tell(obj, words, now)
        assert apiservice_rules.says(obj, words)
        assert obj.status.conditions[0].lastTransitionTime == expected
    assert apiservice_rules.is_available(obj)


def test_a_new_status_changes_no_metadata(create: Callable[..., Any]) -> None:
    old = create(apiservice.KIND, LOCALLY, "metadata: {labels: {a: b}}")
    new = create(apiservice.KIND, LOCALLY, "metadata: {labels: {c: d}, annotations: {e: f}}")
    apiservice.KIND.prepare_status_update(new, old)
    assert (new.metadata.labels, new.metadata.annotations) == ({"a": "b"}, None)
