"""What is wrong with admission policies and their bindings, in Kubernetes' words."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from steersman.api import codec
from steersman.api.field import Path
from steersman.kinds.admissionregistration import (
    mutatingadmissionpolicy,
    mutatingadmissionpolicybinding,
    policy_status,
    validatingadmissionpolicy,
    validatingadmissionpolicybinding,
)
from steersman.kinds.kind import Kind
from steersman.kinds.types.admissionregistration_v1 import ValidatingAdmissionPolicy

VALIDATING, VALIDATING_BINDING = validatingadmissionpolicy.KIND, validatingadmissionpolicybinding.KIND
MUTATING, MUTATING_BINDING = mutatingadmissionpolicy.KIND, mutatingadmissionpolicybinding.KIND
RULE = {"operations": ["CREATE"], "apiGroups": ["a"], "apiVersions": ["v1"], "resources": ["c"]}
GOOD: dict[str, dict[str, Any]] = {
    VALIDATING.name: {"matchConstraints": {"resourceRules": [RULE]}, "validations": [{"expression": "true"}]},
    MUTATING.name: {
        "matchConstraints": {"resourceRules": [RULE]},
        "mutations": [{"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": "Object{}"}}],
        "reinvocationPolicy": "Never",
    },
    VALIDATING_BINDING.name: {"policyName": "p", "validationActions": ["Deny"]},
    MUTATING_BINDING.name: {"policyName": "p"},
}


def made(kind: Kind[Any], **spec: Any) -> Any:
    whole = {k: v for k, v in {**GOOD[kind.name], **spec}.items() if v is not None}
    obj, _ = codec.from_builtins(kind.type, {"metadata": {"name": "x"}, "spec": whole})
    kind.default(obj)
    return obj


def errors(kind: Kind[Any], **spec: Any) -> list[str]:
    return [str(e) for e in kind.validate(made(kind, **spec))]


@pytest.mark.parametrize("kind", [VALIDATING, MUTATING, VALIDATING_BINDING, MUTATING_BINDING], ids=lambda k: k.name)
def test_good(kind: Kind[Any]) -> None:
    assert errors(kind) == []
    assert list(kind.validate_update(made(kind), made(kind))) == []


BOTH = "validations or auditAnnotations must contain at least one item"
LABEL = "a DNS-1035 label must consist of"


def variable(name: str, expression: str) -> dict[str, Any]:
    return {"variables": [{"name": name, "expression": expression}]}


def validation(**given: str) -> dict[str, Any]:
    return {"validations": [{"expression": "true", **given}]}


def annotation(key: str = "k", value: str = "'x'") -> dict[str, Any]:
    return {"auditAnnotations": [{"key": key, "valueExpression": value}]}


COMMON = [
    ({"failurePolicy": "x"}, "failurePolicy", 'Unsupported value: "x": supported values: "Fail", "Ignore"'),
    ({"matchConstraints": None}, "matchConstraints", "Required value"),
    ({"matchConstraints": {}}, "matchConstraints.resourceRules", "Required value"),
    ({"matchConstraints": {"resourceRules": [RULE], "matchPolicy": "x"}}, "matchConstraints.matchPolicy",
     'Unsupported value: "x": supported values: "Equivalent", "Exact"'),
    ({"matchConstraints": {"resourceRules": [{**RULE, "resources": []}]}}, "matchConstraints.resourceRules[0].resources",
     "Required value"),
    ({"matchConstraints": {"resourceRules": [{**RULE, "resourceNames": ["a/b"]}]}},
     "matchConstraints.resourceRules[0].resourceNames[0]", "Invalid value: \"a/b\": may not contain '/'"),
    ({"matchConstraints": {"resourceRules": [{**RULE, "resourceNames": ["a", "a"]}]}},
     "matchConstraints.resourceRules[0].resourceNames[1]", 'Duplicate value: "a"'),
    ({"matchConstraints": {"resourceRules": [RULE], "excludeResourceRules": [{**RULE, "apiVersions": []}]}},
     "matchConstraints.excludeResourceRules[0].apiVersions", "Required value"),
    ({"matchConstraints": {"resourceRules": [RULE], "objectSelector": {"matchLabels": {"a": "/"}}}},
     "matchConstraints.objectSelector.matchLabels", 'Invalid value: "/"'),
    ({"paramKind": {"apiVersion": "", "kind": ""}}, "paramKind.apiVersion", "Required value"),
    ({"paramKind": {"apiVersion": "a/b/c", "kind": "X"}}, "paramKind.apiVersion",
     'Invalid value: "a/b/c": unexpected GroupVersion string: a/b/c'),
    ({"paramKind": {"apiVersion": "A/v1", "kind": "X"}}, "paramKind.apiVersion", 'Invalid value: "A": a lowercase RFC 1123'),
    ({"paramKind": {"apiVersion": "a/", "kind": "X"}}, "paramKind.apiVersion",
     'Invalid value: "a/": version must be specified'),
    ({"paramKind": {"apiVersion": "a/1", "kind": "X"}}, "paramKind.apiVersion", f'Invalid value: "1": {LABEL}'),
    ({"paramKind": {"apiVersion": "v1", "kind": ""}}, "paramKind.kind", "Required value"),
    ({"paramKind": {"apiVersion": "v1", "kind": "1"}}, "paramKind.kind",
     f'Invalid value: "1": may have mixed case, but should otherwise match: {LABEL}'),
    ({"matchConditions": [{"name": "a", "expression": "params.x == 1"}]}, "matchConditions[0].expression",
     "undeclared reference to 'params' (in container '')"),
    ({"matchConditions": [{"name": "a", "expression": "variables.x == 1"}], **variable("x", "1")},
     "matchConditions[0].expression", "undeclared reference to 'variables' (in container '')"),
    (variable("", "1"), "variables[0].name", "Required value: name is not specified"),
    (variable("a-b", "1"), "variables[0].name", 'Invalid value: "a-b": name is not a valid CEL identifier'),
    (variable("namespace", "1"), "variables[0].name", 'Invalid value: "namespace": name is not a valid CEL identifier'),
    (variable("a", " "), "variables[0].expression", "Required value: expression is not specified"),
    (variable("a", "1 +"), "variables[0].expression", 'Invalid value: "1 +": compilation failed: ERROR: <input>:1:4: Syntax'),
    (variable("a", "variables.b"), "variables[0].expression", "undefined field 'b'"),
]  # fmt: skip


@pytest.mark.parametrize("kind", [VALIDATING, MUTATING], ids=lambda k: k.name)
@pytest.mark.parametrize(("spec", "where", "why"), COMMON)
def test_policies(kind: Kind[Any], spec: dict[str, Any], where: str, why: str) -> None:
    found = errors(kind, **spec)
    assert any(e.startswith(f"spec.{where}: ") and why in e for e in found), found


@pytest.mark.parametrize(
    ("spec", "where", "why"),
    [
        ({"validations": None}, "validations", f"Required value: {BOTH}"),
        ({"validations": None}, "auditAnnotations", f"Required value: {BOTH}"),
        (validation(expression=" "), "validations[0].expression", "Required value: expression is not specified"),
        (validation(expression="1"), "validations[0].expression", 'Invalid value: "1": must evaluate to bool but got int'),
        (validation(expression="object.x < 'a"), "validations[0].expression", "compilation failed: ERROR: <input>:1:12: "),
        (validation(expression="variables.x"), "validations[0].expression", "undeclared reference to 'variables'"),
        (validation(messageExpression=" "), "validations[0].messageExpression",
         'Invalid value: " ": must be non-empty if specified'),
        (validation(messageExpression="1"), "validations[0].messageExpression",
         'Invalid value: "1": must evaluate to string but got int'),
        (validation(messageExpression="string(authorizer)"), "validations[0].messageExpression",
         "undeclared reference to 'authorizer'"),
        (validation(message=" "), "validations[0].message", 'Invalid value: " ": message must be non-empty if specified'),
        (validation(message="a\nb"), "validations[0].message",
         'Invalid value: "a\\nb": message must not contain line breaks'),
        (validation(reason="NotFound"), "validations[0].reason",
         'Unsupported value: "NotFound": supported values: "Forbidden", "Invalid", "RequestEntityTooLarge"'),
        (annotation(key="a/b"), "auditAnnotations[0].key", 'Invalid value: "x/a/b": a valid label key must consist of'),
        (annotation(value=" "), "auditAnnotations[0].valueExpression", "Required value: valueExpression is not specified"),
        (annotation(value="'" + "x" * 5120 + "'"), "auditAnnotations[0].valueExpression",
         "Required value: must not exceed 5120 bytes in length"),
        (annotation(value="1"), "auditAnnotations[0].valueExpression",
         'Invalid value: "1": must evaluate to one of [string null_type] but got int'),
        ({"auditAnnotations": [{"key": "k", "valueExpression": "null"}] * 2}, "auditAnnotations[1].key",
         'Duplicate value: "k"'),
        ({"auditAnnotations": [{"key": f"k{i}", "valueExpression": "null"} for i in range(21)]}, "auditAnnotations",
         "must not have more than 20 auditAnnotations"),
    ],
)  # fmt: skip
def test_validating(spec: dict[str, Any], where: str, why: str) -> None:
    found = errors(VALIDATING, **spec)
    assert any(e.startswith(f"spec.{where}: ") and why in e for e in found), found


def applied(expression: str = "Object{}", **more: Any) -> dict[str, Any]:
    return {
        "mutations": [{"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": expression}, **more}]
    }


def patched(expression: str) -> dict[str, Any]:
    return {"mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": expression}}]}


OPERATIONS = 'Unsupported value: "DELETE": supported values: "*", "CONNECT", "CREATE", "UPDATE"'


@pytest.mark.parametrize(
    ("spec", "where", "why"),
    [
        ({"mutations": None}, "mutations", "Required value: mutations must contain at least one item"),
        ({"reinvocationPolicy": None}, "reinvocationPolicy", "Required value"),
        ({"reinvocationPolicy": "x"}, "reinvocationPolicy", 'Unsupported value: "x": supported values: "IfNeeded", "Never"'),
        (applied(patchType=""), "mutations[0].patchType", "Required value"),
        (applied(patchType="x"), "mutations[0].patchType",
         'Unsupported value: "x": supported values: "ApplyConfiguration", "JSONPatch"'),
        (applied(patchType="JSONPatch"), "mutations[0].applyConfiguration",
         'Invalid value: "{applyConfiguration}": must not be specified when patchType is JSONPatch'),
        (applied(patchType="JSONPatch"), "mutations[0].jsonPatch",
         "Required value: must be specified when patchType is JSONPatch"),
        (applied(" "), "mutations[0].applyConfiguration.expression", "Required value: expression is not specified"),
        (applied("1"), "mutations[0].applyConfiguration.expression",
         'Invalid value: "1": must evaluate to Object but got int'),
        (applied("Objekt{}"), "mutations[0].applyConfiguration.expression", "undeclared reference to 'Objekt'"),
        (patched("Object{}"), "mutations[0].jsonPatch.expression", "must evaluate to list(JSONPatch) but got Object"),
        (patched("[JSONPatch{op: 1}]"), "mutations[0].jsonPatch.expression",
         "expected type of field 'op' is 'string' but provided type is 'int'"),
        (patched("[JSONPatch{x: 1}]"), "mutations[0].jsonPatch.expression", "undefined field 'x'"),
        ({"matchConstraints": {"resourceRules": [{**RULE, "operations": ["DELETE"]}]}},
         "matchConstraints.resourceRules.operations", OPERATIONS),
    ],
)  # fmt: skip
def test_mutating(spec: dict[str, Any], where: str, why: str) -> None:
    found = errors(MUTATING, **spec)
    assert any(e.startswith(f"spec.{where}: ") and why in e for e in found), found


REF = {"name": "x", "parameterNotFoundAction": "Deny"}
EITHER = "Forbidden: name and selector are mutually exclusive"


@pytest.mark.parametrize("kind", [VALIDATING_BINDING, MUTATING_BINDING], ids=lambda k: k.name)
@pytest.mark.parametrize(
    ("spec", "where", "why"),
    [
        ({"policyName": ""}, "policyName", "Required value"),
        ({"policyName": "!"}, "policyName", 'Invalid value: "!": a lowercase RFC 1123 subdomain'),
        ({"paramRef": {**REF, "name": "a/b"}}, "paramRef.name", "may not contain '/'"),
        ({"paramRef": {**REF, "selector": {}}}, "paramRef.name", EITHER),
        ({"paramRef": {**REF, "selector": {}}}, "paramRef.selector", EITHER),
        ({"paramRef": {**REF, "name": ""}}, "paramRef", "Required value: one of name or selector must be specified"),
        ({"paramRef": {"name": "x"}}, "paramRef.parameterNotFoundAction", "Required value"),
        ({"paramRef": {**REF, "parameterNotFoundAction": "x"}}, "paramRef.parameterNotFoundAction",
         'Unsupported value: "x": supported values: "Deny", "Allow"'),
        ({"matchResources": {"matchPolicy": "x"}}, "matchResources.matchPolicy", "Unsupported value"),
        ({"matchResources": {"resourceRules": [{**RULE, "operations": ["x"]}]}},
         "matchResources.resourceRules[0].operations[0]", 'Unsupported value: "x"'),
    ],
)  # fmt: skip
def test_bindings(kind: Kind[Any], spec: dict[str, Any], where: str, why: str) -> None:
    found = errors(kind, **spec)
    assert any(e.startswith(f"spec.{where}: ") and why in e for e in found), found


@pytest.mark.parametrize(
    ("actions", "where", "why"),
    [
        ([], "validationActions", "Required value: at least one validation action is required"),
        (["x"], "validationActions[0]", 'Unsupported value: "x": supported values: "Audit", "Deny", "Warn"'),
        (["Deny", "Deny"], "validationActions[1]", 'Duplicate value: "Deny"'),
        (["Deny", "Warn"], "validationActions", "must not contain both Deny and Warn (repeating the same validation "),
    ],
)
def test_actions(actions: list[str], where: str, why: str) -> None:
    found = errors(VALIDATING_BINDING, validationActions=actions)
    assert any(e.startswith(f"spec.{where}: ") and why in e for e in found), found


def test_bindings_of_mutations_name_no_deletions() -> None:
    match = {"resourceRules": [{**RULE, "operations": ["DELETE"]}]}
    assert errors(VALIDATING_BINDING, matchResources=match) == []
    assert errors(MUTATING_BINDING, matchResources=match) == [
        f"spec.matchResources.resourceRules.operations: {OPERATIONS}"
    ]


def test_composed() -> None:
    """Variables have the types of their expressions, for all that comes after them."""
    variables = [
        {"name": "count", "expression": "1 + 1"},
        {"name": "names", "expression": "['a'].map(x, x + string(variables.count))"},
        {"name": "odd", "expression": "quantity('1')"},
    ]
    good = ["variables.count > 1", "variables.names[0] == 'a2'", "variables.odd.isGreaterThan(quantity('0'))"]
    assert errors(VALIDATING, variables=variables, validations=[{"expression": e} for e in good]) == []
    (found,) = errors(VALIDATING, variables=variables, validations=[{"expression": "variables.count == 'x'"}])
    assert "found no matching overload for '_==_' applied to '(int, string)'" in found
    (found,) = errors(VALIDATING, variables=variables, validations=[{"expression": "variables.more == 1"}])
    assert "undefined field 'more'" in found


def test_old_conditions_are_put_up_with() -> None:
    """As long as neither they nor what they may name is changed."""
    bad = {"matchConditions": [{"name": "a", "expression": "newer(1)"}]}
    old = made(VALIDATING, **bad)
    assert list(VALIDATING.validate_update(made(VALIDATING, **bad, failurePolicy="Ignore"), old)) == []
    changed = made(VALIDATING, **bad, paramKind={"apiVersion": "v1", "kind": "ConfigMap"})
    assert list(VALIDATING.validate_update(changed, old)) != []


CONDITION = {"type": "a", "status": "True", "reason": "R", "message": "", "lastTransitionTime": "2026-01-02T03:04:05Z"}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"conditions": [CONDITION], "typeChecking": {"expressionWarnings": [{"fieldRef": "spec.a[0].b", "warning": "w"}]}},
         []),
        ({"typeChecking": {"expressionWarnings": [{"fieldRef": " ", "warning": ""}]}},
         ["status.typeChecking.expressionWarnings[0].warning: Required value",
          "status.typeChecking.expressionWarnings[0].fieldRef: Required value"]),
        ({"conditions": [CONDITION, CONDITION]}, ['status.conditions[1]: Duplicate value: "a"']),
    ],
)  # fmt: skip
def test_status(given: dict[str, Any], expected: list[str]) -> None:
    obj, _ = codec.from_builtins(ValidatingAdmissionPolicy, {"status": given})
    assert [str(e) for e in policy_status.validate(obj.status, Path("status"))] == expected


@pytest.mark.parametrize(
    ("ref", "shown"),
    [
        (None, "<unset>"),
        ({"name": "n"}, "*/n"),
        ({"name": "n", "namespace": "m"}, "m/n"),
        ({"selector": {"matchLabels": {"b": "2", "a": "1"},
                       "matchExpressions": [{"key": "k", "operator": "In", "values": ["x", "y"]}]}},
         "&LabelSelector{MatchLabels:map[string]string{a: 1,b: 2,},MatchExpressions:[]LabelSelectorRequirement{"
         "LabelSelectorRequirement{Key:k,Operator:In,Values:[x y],},},}"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", [VALIDATING_BINDING, MUTATING_BINDING], ids=lambda k: k.name)
def test_columns(kind: Kind[Any], ref: dict[str, Any] | None, shown: str) -> None:
    row = kind.row(made(kind, paramRef=ref), datetime(2026, 1, 1, tzinfo=UTC))
    assert row[:3] == ["x", "p", shown]
