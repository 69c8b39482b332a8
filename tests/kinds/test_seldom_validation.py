"""Validation of kinds that servers and controllers write more often than people do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from steersman.kinds.apiserverinternal import storageversion
from steersman.kinds.apps import controllerrevision
from steersman.kinds.core import limitrange, resourcequota
from steersman.kinds.resource import resourcepoolstatusrequest
from steersman.kinds.storagemigration import storageversionmigration

ErrorsOf = Callable[..., list[str]]

META = "metadata: {name: a, namespace: default}"
REVISION = f"{{{META}, revision: 1, data: {{spec: {{}}}}}}"
MIGRATION = "{metadata: {name: a}, spec: {resource: {group: apps, resource: deployments}}}"
POOLS = "{metadata: {name: a}, spec: {driver: gpu.example.com}}"
STORED = "{metadata: {name: apps.deployments}}"
SCOPE = "spec.scopeSelector.matchExpressions"
LIMIT = "spec.limits[0]"
SERVER = "status.storageVersions[0]"


def _scope(expression: str, hard: str = "pods: 1") -> str:
    return f"spec: {{hard: {{{hard}}}, scopeSelector: {{matchExpressions: [{expression}]}}}}"


def _limit(item: str, type: str = "Container") -> str:
    return f"spec: {{limits: [{{type: {type}, {item}}}]}}"


@pytest.mark.parametrize(
    ("kind", "base", "change", "errors"),
    [
        (controllerrevision.KIND, REVISION, "{}", []),
        (controllerrevision.KIND, REVISION, "{revision: -1, data: null}", ["revision: Invalid value: -1: must be greater than or equal to 0", "data: Required value: data is mandatory"]),
        (storageversionmigration.KIND, MIGRATION, "spec: {resource: {resource: ''}}", ["spec.resource.resource: Required value: resource is required"]),
        (storageversion.KIND, STORED, "{}", []),
        (storageversion.KIND, STORED, "metadata: {name: deployments}", ['metadata.name: Invalid value: "deployments": name must be in the form of <group>.<resource>']),
        (resourcepoolstatusrequest.KIND, POOLS, "spec: {poolName: a/b}", []),
        (resourcepoolstatusrequest.KIND, POOLS, "spec: {limit: 0}", ["spec.limit: Invalid value: 0: must be greater than or equal to 1"]),
        (resourcepoolstatusrequest.KIND, POOLS, "spec: {driver: '', limit: 1001}", ["spec.driver: Required value", "spec.limit: Invalid value: 1001: must be less than or equal to 1000"]),
        (resourcequota.KIND, f"{{{META}}}", _scope("{scopeName: PriorityClass, operator: In, values: [high]}"), []),
        (resourcequota.KIND, f"{{{META}}}", _scope("{scopeName: Terminating, operator: In, values: [a]}"), [f"{SCOPE}.operator: Invalid value: \"In\": must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity"]),
        (resourcequota.KIND, f"{{{META}}}", _scope("{scopeName: BestEffort, operator: Exists}, {scopeName: NotBestEffort, operator: Exists}"), [f"{SCOPE}: Invalid value: null: conflicting scopes"]),
        (resourcequota.KIND, f"{{{META}}}", _scope("{scopeName: PriorityClass, operator: Exists}", "services: 1"), [f'{SCOPE}: Invalid value: {{"MatchExpressions":[{{"ScopeName":"PriorityClass","Operator":"Exists","Values":null}}]}}: unsupported scope applied to resource']),
        (limitrange.KIND, f"{{{META}}}", _limit("min: {cpu: 100m}, max: {cpu: 1}, maxLimitRequestRatio: {cpu: 10}"), []),
        (limitrange.KIND, f"{{{META}}}", _limit("min: {cpu: 100m}, max: {cpu: 1}, maxLimitRequestRatio: {cpu: 11}"), [f'{LIMIT}.maxLimitRequestRatio[cpu]: Invalid value: "11": ratio 11 is greater than max/min = 10.000000']),
        (limitrange.KIND, f"{{{META}}}", _limit("default: {example.com/gpu: 2}, defaultRequest: {example.com/gpu: 1}"), [f'{LIMIT}.defaultRequest[example.com/gpu]: Invalid value: "1": default value 2 must equal to defaultRequest value 1 in example.com/gpu']),
    ],
)  # fmt: skip
def test_new(kind: Any, base: str, change: str, errors: list[str], errors_of: ErrorsOf) -> None:
    assert errors_of(kind, base, change) == errors


@pytest.mark.parametrize(
    ("kind", "base", "change", "errors"),
    [
        (controllerrevision.KIND, REVISION, "revision: 2", []),
        (controllerrevision.KIND, REVISION, "data: {spec: {a: b}}", ['data: Invalid value: {"spec":{"a":"b"}}: field is immutable']),
        (storageversionmigration.KIND, MIGRATION, "spec: {resource: {group: batch, resource: jobs}}", ['group: Invalid value: "batch": field is immutable', 'resource: Invalid value: "jobs": field is immutable']),
        (resourcepoolstatusrequest.KIND, POOLS, "spec: {limit: 5}", ['spec: Invalid value: {"driver":"gpu.example.com","limit":5}: field is immutable']),
    ],
)  # fmt: skip
def test_changed(kind: Any, base: str, change: str, errors: list[str], update_errors_of: ErrorsOf) -> None:
    assert update_errors_of(kind, base, change) == errors


def _conditions(*true: str) -> str:
    stamp = "lastTransitionTime: '2024-01-01T00:00:00Z', reason: R, message: m"
    given = ", ".join(f"{{type: {t}, status: 'True', {stamp}}}" for t in true)
    return f"conditions: [{given}]"


def _ends(error: str) -> list[str]:
    return [f": {error}"]


@pytest.mark.parametrize(
    ("kind", "base", "before", "after", "endings"),
    [
        (storageversionmigration.KIND, MIGRATION, "{}", f"{{{_conditions('Running')}, resourceVersion: '5'}}", []),
        (storageversionmigration.KIND, MIGRATION, "{}", "{resourceVersion: x}", _ends("resource version must be a decimal integer")),
        (storageversionmigration.KIND, MIGRATION, "{resourceVersion: '5'}", "{resourceVersion: '6'}", _ends("field is immutable")),
        (storageversionmigration.KIND, MIGRATION, "{}", f"{{{_conditions('Succeeded', 'Failed')}}}", _ends("Both success and failed conditions cannot be true at the same time")),
        (storageversionmigration.KIND, MIGRATION, "{}", f"{{{_conditions('Succeeded', 'Running')}}}", _ends("Running condition cannot be true when success condition is true")),
        (storageversionmigration.KIND, MIGRATION, f"{{{_conditions('Failed')}}}", "{conditions: []}", _ends("Failed condition cannot be set to false once it is true")),
        (storageversion.KIND, STORED, "{}", "{commonEncodingVersion: apps/v1, storageVersions: [{apiServerID: a, encodingVersion: apps/v1, decodableVersions: [apps/v1], servedVersions: [apps/v1]}]}", []),
        (storageversion.KIND, STORED, "{}", "{storageVersions: [{apiServerID: a, encodingVersion: v1, decodableVersions: [v2]}]}", ["decodableVersions must include encodingVersion v1", "the common encoding version is v1"]),
        (storageversion.KIND, STORED, "{}", "{commonEncodingVersion: v1}", _ends("should be nil if servers do not agree on the same encoding version, or if there is no server reporting the supported versions yet")),
        (storageversion.KIND, STORED, "{}", "{conditions: [{type: A, status: 'True', reason: '', message: m}]}", ["status[0].reason: Required value: reason cannot be empty"]),
        (resourcepoolstatusrequest.KIND, POOLS, "null", "{poolCount: 1, pools: [{driver: a.b, poolName: p, generation: 1, totalDevices: -1}]}", _ends("must be greater than or equal to 0")),
        (resourcepoolstatusrequest.KIND, POOLS, "{poolCount: 1}", "{poolCount: 2}", _ends("field is immutable")),
    ],
)  # fmt: skip
def test_reported(
    kind: Any, base: str, before: str, after: str, endings: list[str], status_errors_of: ErrorsOf
) -> None:
    errors = status_errors_of(kind, base, before, after)
    assert [e for e, end in zip(errors, endings, strict=True) if not e.endswith(end)] == []
