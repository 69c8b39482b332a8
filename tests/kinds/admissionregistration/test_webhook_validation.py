"""What is wrong with webhook configurations, in Kubernetes' words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from steersman.api import codec
from steersman.kinds.admissionregistration import webhook_validation
from steersman.kinds.admissionregistration.mutatingwebhookconfiguration import KIND
from steersman.kinds.types.admissionregistration_v1 import (
    LabelSelector,
    MatchCondition,
    MutatingWebhook,
    MutatingWebhookConfiguration,
    ServiceReference,
)

RULE = {"operations": ["CREATE"], "apiGroups": ["a"], "apiVersions": ["b"], "resources": ["c"]}
HOOK = {
    "name": "webhook.k8s.io",
    "clientConfig": {"url": "https://example.com/x"},
    "rules": [RULE],
    "sideEffects": "None",
    "admissionReviewVersions": ["v1"],
}
Change = Callable[[MutatingWebhook], None]


def configuration(*hooks: dict[str, Any]) -> MutatingWebhookConfiguration:
    obj, _ = codec.from_builtins(
        MutatingWebhookConfiguration, {"metadata": {"name": "c"}, "webhooks": list(hooks or (HOOK,))}
    )
    KIND.default(obj)
    return obj


def changed(**given: Any) -> MutatingWebhookConfiguration:
    return configuration({**HOOK, **given})


def ruled(**given: Any) -> MutatingWebhookConfiguration:
    return changed(rules=[{**RULE, **given}])


def test_good() -> None:
    assert webhook_validation.validate(configuration()) == []


SIDES = 'Unsupported value: "Some": supported values: "None", "NoneOnDryRun"'
URL = "; desired format: https://host[/path]"
SERVICE = {"name": "n", "namespace": "m"}


@pytest.mark.parametrize(
    ("given", "where", "why"),
    [
        ({"name": ""}, "name", "Required value"),
        ({"name": "k8s.io"}, "name", "should be a domain with at least three segments separated by dots"),
        ({"name": "A.k8s.io"}, "name", "a lowercase RFC 1123 subdomain must consist of"),
        ({"failurePolicy": "Maybe"}, "failurePolicy", 'Unsupported value: "Maybe": supported values: "Fail", "Ignore"'),
        ({"matchPolicy": "x"}, "matchPolicy", 'Unsupported value: "x": supported values: "Equivalent", "Exact"'),
        ({"sideEffects": None}, "sideEffects", "Required value: must specify one of None, NoneOnDryRun"),
        ({"sideEffects": "Some"}, "sideEffects", SIDES),
        ({"timeoutSeconds": 31}, "timeoutSeconds", "Invalid value: 31: the timeout value must be between 1 and 30 seconds"),
        ({"timeoutSeconds": -1}, "timeoutSeconds", "Invalid value: -1: the timeout value must be between 1 and 30 seconds"),
        ({"reinvocationPolicy": "x"}, "reinvocationPolicy", 'supported values: "IfNeeded", "Never"'),
        ({"clientConfig": {}}, "clientConfig", "Required value: exactly one of url or service is required"),
        ({"clientConfig": {"url": "https://a.b", "service": SERVICE}}, "clientConfig",
         "Required value: exactly one of url or service is required"),
        ({"clientConfig": {"url": "http://a.b"}}, "clientConfig.url",
         f"Invalid value: \"http\": 'https' is the only allowed URL scheme{URL}"),
        ({"clientConfig": {"service": {"name": "", "namespace": "m"}}}, "clientConfig.service.name", "Required value"),
        ({"clientConfig": {"service": {**SERVICE, "port": 65536}}}, "clientConfig.service.port", "port is not valid: "),
        ({"clientConfig": {"service": {**SERVICE, "path": "foo"}}}, "clientConfig.service.path", "must start with a '/'"),
        ({"admissionReviewVersions": []}, "admissionReviewVersions", "Required value: must specify one of v1, v1beta1"),
        ({"admissionReviewVersions": ["v0"]}, "admissionReviewVersions", "must include at least one of v1, v1beta1"),
        ({"admissionReviewVersions": ["v1", "v1"]}, "admissionReviewVersions[1]", "duplicate version"),
        ({"namespaceSelector": {"matchLabels": {"a": "/"}}}, "namespaceSelector.matchLabels", "Invalid value"),
        ({"matchConditions": [{"name": "", "expression": "true"}]}, "matchConditions[0].name", "Required value"),
        ({"matchConditions": [{"name": "a", "expression": " "}]}, "matchConditions[0].expression", "Required value"),
        ({"matchConditions": [{"name": "a", "expression": "1"}]}, "matchConditions[0].expression",
         'Invalid value: "1": must evaluate to bool'),
        ({"matchConditions": [{"name": "a", "expression": "oldObject."}]}, "matchConditions[0].expression",
         'Invalid value: "oldObject.": compilation failed: ERROR: <input>:1:11: Syntax error'),
        ({"matchConditions": [{"name": "a", "expression": "true"}] * 2}, "matchConditions[1].name",
         'Duplicate value: "a"'),
        ({"matchConditions": [{"name": str(i), "expression": "true"} for i in range(65)]}, "matchConditions",
         "Too many: 65: must have at most 64 items"),
    ],
)  # fmt: skip
def test_hooks(given: dict[str, Any], where: str, why: str) -> None:
    found = [str(e) for e in webhook_validation.validate(changed(**given))]
    assert any(text.startswith(f"webhooks[0].{where}: ") and why in text for text in found), found


@pytest.mark.parametrize(
    ("given", "where", "why"),
    [
        ({"operations": []}, "operations", "Required value"),
        ({"operations": ["*", "CREATE"]}, "operations", "if '*' is present, must not specify other operations"),
        ({"operations": ["PATCH"]}, "operations[0]", 'Unsupported value: "PATCH": supported values: "*", "CONNECT", '),
        ({"apiGroups": ["a", "*"]}, "apiGroups", "if '*' is present, must not specify other API groups"),
        ({"apiVersions": ["a", "*"]}, "apiVersions", "if '*' is present, must not specify other API versions"),
        ({"apiVersions": [""]}, "apiVersions[0]", "Required value"),
        ({"resources": []}, "resources", "Required value"),
        ({"resources": [""]}, "resources[0]", "Required value"),
        ({"resources": ["*", "a"]}, "resources", "must not specify other resources without subresources"),
        ({"resources": ["*/*", "a"]}, "resources", "if '*/*' is present, must not specify other resources"),
        ({"resources": ["a/*", "a/x"]}, "resources[1]", "if 'a/*' is present, must not specify a/x"),
        ({"resources": ["*/a", "x/a"]}, "resources[1]", "if '*/a' is present, must not specify x/a"),
        ({"scope": "x"}, "scope", 'Unsupported value: "x": supported values: "*", "Cluster", "Namespaced"'),
    ],
)
def test_rules(given: dict[str, Any], where: str, why: str) -> None:
    (error,) = webhook_validation.validate(ruled(**given))
    assert error.field == f"webhooks[0].rules[0].{where}"
    assert why in error.body


def test_names_are_unique() -> None:
    (error,) = webhook_validation.validate(configuration(HOOK, HOOK))
    assert str(error) == 'webhooks[1].name: Duplicate value: "webhook.k8s.io"'


def harmful(hook: MutatingWebhook) -> None:
    hook.sideEffects = "Some"


def unknown_review(hook: MutatingWebhook) -> None:
    hook.admissionReviewVersions = ["v0"]


def bad_selector(hook: MutatingWebhook) -> None:
    hook.objectSelector = LabelSelector(matchLabels={"a": "/"})


def bad_condition(hook: MutatingWebhook) -> None:
    hook.matchConditions = [MatchCondition(name="a", expression="1 +")]


def two_places(hook: MutatingWebhook) -> None:
    hook.clientConfig.service = ServiceReference(name="a", namespace="b")


@pytest.mark.parametrize(
    ("fault", "forgiven"),
    [(harmful, True), (unknown_review, True), (bad_selector, True), (bad_condition, True), (two_places, False)],
)
def test_old_faults_are_put_up_with(fault: Change, forgiven: bool) -> None:
    old, new = configuration(), configuration()
    for obj in (old, new):
        fault((obj.webhooks or [])[0])
    assert (webhook_validation.validate_update(new, old) == []) is forgiven
    assert webhook_validation.validate(new) != []
    assert webhook_validation.validate_update(new, configuration()) != []
