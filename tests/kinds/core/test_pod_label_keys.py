"""Selectors of affinity and spreading that take the pod's own values of some labels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from steersman.api.field import Path
from steersman.kinds.core import scheduling_validation
from steersman.kinds.core.pod import KIND
from steersman.kinds.types.core_v1 import PodSpec, TopologySpreadConstraint

ErrorsOf = Callable[..., list[str]]

POD = "{metadata: {name: web, namespace: default, labels: {a: b}}, spec: {containers: [{name: c, image: nginx}]}}"
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
TERM = f"spec.affinity.podAffinity.{REQUIRED}[0]"
SPREAD = "spec.topologySpreadConstraints[0]"


def _term(term: str, kind: str = "podAffinity") -> str:
    return f"spec: {{affinity: {{{kind}: {{{REQUIRED}: [{{topologyKey: zone, {term}}}]}}}}}}"


def _spread(constraint: str) -> str:
    return f"spec: {{topologySpreadConstraints: [{{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: DoNotSchedule, {constraint}}}]}}"


def test_the_selectors_take_the_values(create: Callable[..., Any]) -> None:
    asked = "labelSelector: {matchLabels: {x: z}}, matchLabelKeys: [a, gone]"
    pod = create(KIND, POD, _term("labelSelector: {}, mismatchLabelKeys: [a]", "podAntiAffinity"), _spread(asked))
    (term,) = pod.spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution
    (not_in,) = term.labelSelector.matchExpressions
    assert (not_in.key, not_in.operator, not_in.values) == ("a", "NotIn", ["b"])
    (within,) = pod.spec.topologySpreadConstraints[0].labelSelector.matchExpressions
    assert (within.key, within.operator, within.values) == ("a", "In", ["b"])
    assert KIND.validate(pod) == []


@pytest.mark.parametrize(
    ("change", "errors"),
    [
        (_term("matchLabelKeys: [a]"), [f"{TERM}.matchLabelKeys: Forbidden: must not be specified when labelSelector is not set"]),
        (_term("labelSelector: {}, matchLabelKeys: [k], mismatchLabelKeys: [k]"), [f'{TERM}.matchLabelKeys[0]: Invalid value: "k": exists in both matchLabelKeys and mismatchLabelKeys']),
        (_term("labelSelector: {matchLabels: {a: b}}, matchLabelKeys: [a]"), [f'{TERM}[0]: Invalid value: "a": exists in both matchLabelKeys and labelSelector']),
        (_spread("labelSelector: {matchLabels: {a: b}}, matchLabelKeys: [a]"), [f'{SPREAD}[0]: Invalid value: "a": exists in both matchLabelKeys and labelSelector']),
        (_spread("labelSelector: {}, matchLabelKeys: [/k]"), [f'{SPREAD}.matchLabelKeys[0]: Invalid value: "/k": prefix part must be non-empty']),
    ],
)  # fmt: skip
def test_what_is_wrong(change: str, errors: list[str], errors_of: ErrorsOf) -> None:
    assert errors_of(KIND, POD, change) == errors


@pytest.mark.parametrize(
    ("rules", "error"),
    [
        ([{"action": "Restart", "exitCodes": {"operator": "In", "values": [1]}}] * 21, "restartPolicyRules: Too many: 21: must have at most 20 items"),
        ([{"action": "Restart", "exitCodes": {"operator": "In", "values": [1] * 256}}], "restartPolicyRules[0].exitCodes.values: Too many: 256: must have at most 255 items"),
        ([{"action": "Restart"}], "restartPolicyRules[0].exitCodes: Required value: must be specified"),
    ],
)  # fmt: skip
def test_restart_rules(rules: list[dict[str, Any]], error: str, errors_of: ErrorsOf) -> None:
    container = {"name": "c", "image": "x", "restartPolicy": "Never", "restartPolicyRules": rules}
    assert errors_of(KIND, POD, {"spec": {"containers": [container]}}) == [f"spec.containers[0].{error}"]


def test_constraints_that_say_the_same_are_found_among_any_number() -> None:
    def constraint(key: str) -> TopologySpreadConstraint:
        return TopologySpreadConstraint(maxSkew=1, topologyKey=key, whenUnsatisfiable="DoNotSchedule")

    constraints = [constraint(f"k{i}") for i in range(5000)]
    spec = PodSpec(
        containers=[], topologySpreadConstraints=[constraint("a"), *constraints, constraint("a"), constraint("a")]
    )
    told = [e.field for e in scheduling_validation.check_placement(spec, Path("spec")) if "Duplicate" in str(e)]
    assert told == [f"spec.topologySpreadConstraints[{i}].{{topologyKey, whenUnsatisfiable}}" for i in (0, 5001)]
