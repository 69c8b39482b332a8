"""Validation of FlowSchemas, and what they show in tables."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from steersman.kinds.flowcontrol import flowschema, mandatory_specs

ErrorsOf = Callable[..., list[str]]

FLOW = (
    "{metadata: {name: a}, spec: {matchingPrecedence: 500, priorityLevelConfiguration: {name: l}, rules: [{"
    "subjects: [{kind: User, user: {name: u}}], "
    "resourceRules: [{verbs: [get], apiGroups: [''], resources: [pods], namespaces: [n]}]}]}}"
)
RULE = "spec.rules[0]"
VERBS = '"create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch"'
LABEL = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an "
    "alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
USERS = "subjects: [{kind: User, user: {name: u}}]"


def rule(text: str) -> str:
    return f"spec: {{rules: [{{{text}}}]}}"


def asked_by(text: str) -> str:
    return rule(f"{text}, nonResourceRules: [{{verbs: [get], nonResourceURLs: [/a]}}]")


def resources(text: str) -> str:
    base = {"verbs": "['*']", "apiGroups": "['*']", "resources": "['*']", "namespaces": "['*']"}
    name, _, value = text.partition(": ")
    base[name] = value
    return rule(f"{USERS}, resourceRules: [{{{', '.join(f'{k}: {v}' for k, v in base.items())}}}]")


def paths(verbs: str, urls: str) -> str:
    return rule(f"{USERS}, resourceRules: null, nonResourceRules: [{{verbs: {verbs}, nonResourceURLs: {urls}}}]")


CASES: list[tuple[str, list[str]]] = [
    ("{}", []),
    ("spec: {matchingPrecedence: -1}", ["spec.matchingPrecedence: Invalid value: -1: must be a positive value"]),
    ("spec: {matchingPrecedence: 10001}", ["spec.matchingPrecedence: Invalid value: 10001: must not be greater than 10000"]),
    ("spec: {matchingPrecedence: 1}", ["spec.matchingPrecedence: Invalid value: 1: only the schema named 'exempt' may have matchingPrecedence 1"]),
    ("spec: {distinguisherMethod: {type: ByUser}}", []),
    ("spec: {distinguisherMethod: {type: x}}", ['spec.distinguisherMethod.type: Unsupported value: "x": supported values: "ByNamespace", "ByUser"']),
    ("spec: {priorityLevelConfiguration: {name: ''}}", ["spec.priorityLevelConfiguration.name: Required value: must reference a priority level"]),
    (rule("resourceRules: null, subjects: []"), [
        f"{RULE}.subjects: Required value: subjects must contain at least one value",
        f"{RULE}: Required value: at least one of resourceRules and nonResourceRules has to be non-empty",
    ]),
    (asked_by("subjects: [{kind: x}]"), [f'{RULE}.subjects[0].kind: Unsupported value: "x": supported values: "Group", "ServiceAccount", "User"']),
    (asked_by("subjects: [{kind: User}]"), [f"{RULE}.subjects[0].user: Required value: user is required when subject kind is 'User'"]),
    (asked_by("subjects: [{kind: Group, group: {name: ''}, user: {name: u}}]"), [
        f"{RULE}.subjects[0].group.name: Required value",
        f"{RULE}.subjects[0].user: Forbidden: user is forbidden when subject kind is not 'User'",
    ]),
    (asked_by("subjects: [{kind: ServiceAccount, serviceAccount: {name: '*', namespace: n}}]"), []),
    (asked_by("subjects: [{kind: ServiceAccount, serviceAccount: {name: a, namespace: ''}, group: {name: g}}]"), [
        f"{RULE}.subjects[0].serviceAccount.namespace: Required value: must specify namespace for service account",
        f"{RULE}.subjects[0].group: Forbidden: group is forbidden when subject kind is not 'Group'",
    ]),
    (resources("verbs: [x]"), [f'{RULE}.resourceRules[0].verbs: Unsupported value: ["x"]: supported values: {VERBS}']),
    (resources("verbs: ['*', get]"), [f"{RULE}.resourceRules[0].verbs: Invalid value: [\"*\",\"get\"]: if '*' is present, must not specify other verbs"]),
    (resources("verbs: []"), [f"{RULE}.resourceRules[0].verbs: Required value: verbs must contain at least one value"]),
    (resources("apiGroups: []"), [f"{RULE}.resourceRules[0].apiGroups: Required value: resource rules must supply at least one api group"]),
    (resources("apiGroups: ['*', a]"), [f"{RULE}.resourceRules[0].apiGroups: Invalid value: [\"*\",\"a\"]: if '*' is present, must not specify other api groups"]),
    (resources("resources: []"), [f"{RULE}.resourceRules[0].resources: Required value: resource rules must supply at least one resource"]),
    (resources("namespaces: null"), [f"{RULE}.resourceRules[0].namespaces: Required value: resource rules that are not cluster scoped must supply at least one namespace"]),
    (resources("namespaces: ['*', a]"), [f"{RULE}.resourceRules[0].namespaces: Invalid value: [\"*\",\"a\"]: if '*' is present, must not specify other namespaces"]),
    (resources("namespaces: [A]"), [f"{RULE}.resourceRules[0].namespaces[0]: Invalid value: \"A\": each member of this list must be '*' or a DNS-1123 label; {LABEL}"]),
    (paths("[get]", "['/', /a, /a/*]"), []),
    (paths("[get]", "['*']"), []),
    (paths("[get]", "[]"), [f"{RULE}.nonResourceRules[0].nonResourceURLs: Required value: nonResourceURLs must contain at least one value"]),
    (paths("[get]", "['*', /a]"), [f"{RULE}.nonResourceRules[0].nonResourceURLs: Invalid value: [\"*\",\"/a\"]: if '*' is present, must not specify other non-resource URLs"]),
    (paths("[get]", "['', a, '/a b', /a//b, '/a*', '/*/a', '/*/*']"), [
        f'{RULE}.nonResourceRules[0].nonResourceURLs[{i}]: Invalid value: "{url}": {what}'
        for i, (url, what) in enumerate([
            ("", "must not be empty"), ("a", "must start with slash"), ("/a b", "must not contain white-space"),
            ("/a//b", "must not contain double slash"), ("/a*", "wildcard can only do suffix matching"),
            ("/*/a", "wildcard can only do suffix matching"), ("/*/*", "wildcard can only do suffix matching"),
        ])
    ]),
]  # fmt: skip


@pytest.mark.parametrize(("change", "expected"), CASES)
def test_rules(errors_of: ErrorsOf, change: str, expected: list[str]) -> None:
    assert errors_of(flowschema.KIND, FLOW, change) == expected


@pytest.mark.parametrize("name", ["exempt", "catch-all"])
def test_mandatory_ones_do_not_change(name: str) -> None:
    kind = flowschema.KIND
    fixed = {"metadata": {"name": name, "uid": "u"}, "spec": mandatory_specs.FLOW_SPECS[name]}
    assert kind.check(kind.revive(fixed)) == []
    fixed["spec"] = {**mandatory_specs.FLOW_SPECS[name], "matchingPrecedence": 77}
    found = [str(e) for e in kind.check(kind.revive(fixed))]
    assert len(found) == 1
    assert found[0].endswith(f": spec of '{name}' must equal the fixed value")


def test_conditions() -> None:
    kind = flowschema.KIND
    obj = kind.revive({"status": {"conditions": [{"type": "a"}, {"type": "a"}, {"type": ""}]}})
    assert [str(e) for e in kind.check_status_update(obj, obj)] == [
        'status.conditions[1].type: Duplicate value: "a"',
        "status.conditions[2].type: Required value: must not be empty",
    ]


def test_precedence_by_default() -> None:
    assert flowschema.KIND.revive({"spec": {"matchingPrecedence": 0}}).spec.matchingPrecedence == 1000
