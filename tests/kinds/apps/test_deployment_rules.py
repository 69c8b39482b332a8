"""Deployments and ReplicaSets: defaults, selectors and templates, rollout bounds, status."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from steersman.api import codec
from steersman.kinds.apps import deployment, replicaset

Build = Callable[..., Any]
ErrorsOf = Callable[..., list[str]]

WEB = """
metadata: {name: web, namespace: default}
spec:
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c, image: nginx:1}]}}
"""


def test_defaults(create: Build) -> None:
    spec = codec.to_builtins(create(deployment.KIND, WEB))["spec"]
    assert spec["replicas"] == 1
    assert spec["revisionHistoryLimit"] == 10
    assert spec["progressDeadlineSeconds"] == 600
    assert spec["strategy"] == {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}}
    assert spec["template"]["spec"]["restartPolicy"] == "Always"
    # A template gets what holds for every pod spec, and not what is decided when a pod is made.
    assert "enableServiceLinks" not in spec["template"]["spec"]
    assert create(replicaset.KIND, WEB).spec.replicas == 1


def test_what_is_given_stays(build: Build) -> None:
    spec = build(
        deployment.KIND, WEB, "spec: {replicas: 0, strategy: {rollingUpdate: {maxSurge: 0, maxUnavailable: 1}}}"
    ).spec
    assert (spec.replicas, spec.strategy.rollingUpdate.maxSurge, spec.strategy.rollingUpdate.maxUnavailable) == (
        0,
        0,
        1,
    )
    assert build(deployment.KIND, WEB, "spec: {strategy: {type: Recreate}}").spec.strategy.rollingUpdate is None


LABELS = 'spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`'


MALFORMED = (
    'spec.selector: Invalid value: {{"matchExpressions":[{{"key":"app","operator":"{}"}}],"matchLabels":{{"app":"web"}}}}: '
    "invalid label selector"
)


@pytest.mark.parametrize("kind", [deployment.KIND, replicaset.KIND])
@pytest.mark.parametrize(
    ("change", "errors"),
    [
        ("{}", []),
        ("spec: {selector: {matchLabels: {app: db}}}", [LABELS]),
        ("spec: {selector: null}", ["spec.selector: Required value", LABELS]),
        ("spec: {selector: {matchLabels: null}}", ["spec.selector: Invalid value: {}: empty selector is invalid for deployment"]),
        ("spec: {selector: {matchExpressions: [{key: app, operator: In}]}}", ["spec.selector.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'", MALFORMED.format("In")]),
        ("spec: {selector: {matchExpressions: [{key: app, operator: x}]}}", ['spec.selector.matchExpressions[0].operator: Invalid value: "x": not a valid selector operator', MALFORMED.format("x")]),
        ("spec: {replicas: -1}", ["spec.replicas: Invalid value: -1: must be greater than or equal to 0"]),
        ("spec: {template: {spec: {restartPolicy: Never}}}", ['spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"']),
        ("spec: {template: {spec: {activeDeadlineSeconds: 5}}}", ["spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in ReplicaSet is not Supported"]),
        ("spec: {template: {spec: {containers: []}}}", ["spec.template.spec.containers: Required value"]),
        ("spec: {template: {spec: {containers: [{name: c}]}}}", ["spec.template.spec.containers[0].image: Required value"]),
    ],
)  # fmt: skip
def test_validation(kind: Any, change: str, errors: list[str], errors_of: ErrorsOf) -> None:
    assert errors_of(kind, WEB, change) == errors


R = "spec.strategy.rollingUpdate"


@pytest.mark.parametrize(
    ("change", "errors"),
    [
        ("strategy: {type: x}", ['spec.strategy: Unsupported value: {"Type":"x","RollingUpdate":null}: supported values: "Recreate", "RollingUpdate"']),
        ("strategy: {type: Recreate}", []),
        ("minReadySeconds: -1\n  strategy: {type: y, rollingUpdate: {maxSurge: 5%}}", ['spec.strategy: Unsupported value: {"Type":"y","RollingUpdate":{"MaxUnavailable":null,"MaxSurge":"5%"}}: supported values: "Recreate", "RollingUpdate"', "spec.minReadySeconds: Invalid value: -1: must be greater than or equal to 0"]),
        ("strategy: {type: Recreate, rollingUpdate: {maxSurge: 1}}", [f"{R}: Forbidden: may not be specified when strategy `type` is 'Recreate'"]),
        ("strategy: {rollingUpdate: {maxSurge: 0, maxUnavailable: 0%}}", [f'{R}.maxUnavailable: Invalid value: "0%": may not be 0 when `maxSurge` is 0']),
        ("strategy: {rollingUpdate: {maxUnavailable: 101%}}", [f'{R}.maxUnavailable: Invalid value: "101%": must not be greater than 100%']),
        ("strategy: {rollingUpdate: {maxSurge: -1}}", [f"{R}.maxSurge: Invalid value: -1: must be greater than or equal to 0"]),
        ("strategy: {rollingUpdate: {maxSurge: x}}", [f"{R}.maxSurge: Invalid value: \"x\": a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')"]),
        ("progressDeadlineSeconds: 5\n  minReadySeconds: 5", ["spec.progressDeadlineSeconds: Invalid value: 5: must be greater than minReadySeconds"]),
        ("revisionHistoryLimit: -1", ["spec.revisionHistoryLimit: Invalid value: -1: must be greater than or equal to 0"]),
    ],
)  # fmt: skip
def test_rollout(change: str, errors: list[str], errors_of: ErrorsOf) -> None:
    assert errors_of(deployment.KIND, WEB, f"spec:\n  {change}") == errors


@pytest.mark.parametrize("kind", [deployment.KIND, replicaset.KIND])
def test_the_selector_stays(kind: Any, update_errors_of: ErrorsOf) -> None:
    change = "spec: {selector: {matchLabels: {app: web, a: b}}, template: {metadata: {labels: {a: b}}}}"
    assert update_errors_of(kind, WEB, change) == [
        'spec.selector: Invalid value: {"matchLabels":{"app":"web","a":"b"}}: field is immutable'
    ]
    assert update_errors_of(kind, WEB, "spec: {replicas: 3}") == []


@pytest.mark.parametrize("kind", [deployment.KIND, replicaset.KIND])
@pytest.mark.parametrize(
    ("after", "errors"),
    [
        ("{replicas: 2, readyReplicas: 2, availableReplicas: 1}", []),
        ("{replicas: 1, readyReplicas: 2}", ["status.readyReplicas: Invalid value: 2: cannot be greater than status.replicas"]),
        ("{replicas: 2, readyReplicas: 1, availableReplicas: 2}", ["status.availableReplicas: Invalid value: 2: cannot be greater than readyReplicas"]),
        ("{replicas: -1}", None),
    ],
)  # fmt: skip
def test_status(kind: Any, after: str, errors: list[str] | None, status_errors_of: ErrorsOf) -> None:
    got = status_errors_of(kind, WEB, "{}", after)
    assert (
        got == errors
        if errors is not None
        else "status.replicas: Invalid value: -1: must be greater than or equal to 0" in got
    )


def test_collisions_are_only_counted_up(status_errors_of: ErrorsOf) -> None:
    assert status_errors_of(deployment.KIND, WEB, "{collisionCount: 2}", "{collisionCount: 1}") == [
        "status.collisionCount: Invalid value: 1: cannot be decremented"
    ]


def test_generation_counts_changes_of_the_spec(create: Build) -> None:
    old = create(deployment.KIND, WEB)
    new = codec.clone(old)
    deployment.KIND.prepare_update(new, old)
    assert new.metadata.generation == 1
    new.spec.replicas = 5
    deployment.KIND.prepare_update(new, old)
    assert new.metadata.generation == 2
