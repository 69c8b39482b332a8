"""Audit policies: reading, what is refused in them, and which rule a request falls under."""

from __future__ import annotations

from typing import Any

import pytest

from steersman.api import yaml
from steersman.api.configuration import ConfigurationError
from steersman.api.http import User
from steersman.apiserver.audit import policy
from steersman.apiserver.audit.policy import METADATA, NONE, REQUEST, REQUEST_RESPONSE
from steersman.apiserver.requestinfo import Query, RequestInfo, parse

ADA = User("ada", ("dev", "system:authenticated"))


def info(path: str, method: str = "GET") -> RequestInfo:
    path, _, query = path.partition("?")
    return parse(method, path, Query(query))


def rules(*listed: dict[str, Any], **more: Any) -> policy.Rules:
    document = {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": list(listed), **more}
    return policy.decode(yaml.dump(document).encode(), "policy.yaml")


POD = "/api/v1/namespaces/blue/pods/web"


@pytest.mark.parametrize(
    ("rule", "path", "method", "fits"),
    [
        ({}, POD, "GET", True),
        ({"users": ["ada"]}, POD, "GET", True),
        ({"users": ["bob"]}, POD, "GET", False),
        ({"userGroups": ["ops", "dev"]}, POD, "GET", True),
        ({"userGroups": ["ops"]}, POD, "GET", False),
        ({"verbs": ["get", "list"]}, POD, "GET", True),
        ({"verbs": ["list"]}, POD, "GET", False),
        ({"verbs": ["watch"]}, "/api/v1/pods?watch=1", "GET", True),
        ({"namespaces": ["blue"]}, POD, "GET", True),
        ({"namespaces": ["red"]}, POD, "GET", False),
        ({"namespaces": [""]}, "/api/v1/nodes/n", "GET", True),
        ({"namespaces": [""]}, POD, "GET", False),
        ({"namespaces": ["blue"]}, "/healthz", "GET", False),
        ({"resources": [{"group": ""}]}, POD, "GET", True),
        ({"resources": [{"group": "apps"}]}, POD, "GET", False),
        ({"resources": [{"group": "*"}]}, POD, "GET", True),
        (
            {"resources": [{"group": "*", "resources": ["*/scale"]}]},
            "/apis/apps/v1/namespaces/b/deployments/d/scale",
            "GET",
            True,
        ),
        ({"resources": [{"group": "*", "resources": ["nodes"]}]}, POD, "GET", False),
        ({"resources": [{"resources": ["pods"]}]}, POD, "GET", True),
        ({"resources": [{"resources": ["pods"]}]}, POD + "/log", "GET", False),
        ({"resources": [{"resources": ["pods/log"]}]}, POD + "/log", "GET", True),
        ({"resources": [{"resources": ["pods/log"]}]}, POD, "GET", False),
        ({"resources": [{"resources": ["pods/*"]}]}, POD + "/log", "GET", True),
        ({"resources": [{"resources": ["pods/*"]}]}, POD, "GET", True),
        ({"resources": [{"resources": ["*/log"]}]}, POD + "/log", "GET", True),
        ({"resources": [{"resources": ["*/log"]}]}, POD + "/exec", "GET", False),
        ({"resources": [{"resources": ["*"]}]}, POD + "/exec", "GET", True),
        ({"resources": [{"resources": ["pods"], "resourceNames": ["web"]}]}, POD, "GET", True),
        ({"resources": [{"resources": ["pods"], "resourceNames": ["db"]}]}, POD, "GET", False),
        ({"nonResourceURLs": ["/healthz*"]}, "/healthz/ping", "GET", True),
        ({"nonResourceURLs": ["/metrics"]}, "/metrics", "GET", True),
        ({"nonResourceURLs": ["/metrics"]}, "/metrics/x", "GET", False),
        ({"nonResourceURLs": ["*"]}, "/version", "GET", True),
        ({"nonResourceURLs": ["*"]}, POD, "GET", False),
    ],
)
def test_which_requests_a_rule_is_about(rule: dict[str, Any], path: str, method: str, fits: bool) -> None:
    found = rules({"level": "Metadata", **rule}).judge(ADA, info(path, method))
    assert found.level == (METADATA if fits else NONE)


def test_the_first_rule_that_fits_counts() -> None:
    judged = rules(
        {"level": "None", "users": ["system:kube-proxy"]},
        {"level": "Metadata", "resources": [{"resources": ["secrets", "configmaps"]}]},
        {"level": "Request", "verbs": ["get"], "omitStages": ["RequestReceived"]},
        {"level": "RequestResponse"},
        omitStages=["ResponseStarted"],
    )
    assert judged.judge(User("system:kube-proxy"), info("/api/v1/secrets")).level == NONE
    assert judged.judge(ADA, info("/api/v1/secrets")).level == METADATA
    found = judged.judge(ADA, info(POD))
    assert (found.level, found.omitted) == (REQUEST, {"RequestReceived", "ResponseStarted"})
    found = judged.judge(ADA, info(POD, "PUT"))
    assert (found.level, found.omitted) == (REQUEST_RESPONSE, {"ResponseStarted"})
    assert judged.judge(ADA, info(POD, "PUT")) is found
    assert judged.judge(None, info("/api/v1/pods")).level == REQUEST_RESPONSE


def test_who_is_not_known_fits_no_rule_for_users() -> None:
    assert rules({"level": "Metadata", "users": [""]}).judge(None, info(POD)).level == NONE
    assert rules({"level": "Metadata", "userGroups": ["x"]}).judge(None, info(POD)).level == NONE
    assert rules({"level": "Metadata"}).judge(None, info(POD)).level == METADATA


def test_a_rule_overrides_whether_owners_of_fields_are_shown() -> None:
    judged = rules(
        {"level": "Request", "verbs": ["get"], "omitManagedFields": False},
        {"level": "Request"},
        omitManagedFields=True,
    )
    assert not judged.judge(ADA, info(POD)).omit_managed_fields
    assert judged.judge(ADA, info(POD, "PUT")).omit_managed_fields


def test_what_rules_say_of_names_is_told_apart() -> None:
    judged = rules({"level": "Metadata", "resources": [{"resources": ["pods"], "resourceNames": ["web"]}]})
    assert judged.judge(ADA, info(POD)).level == METADATA
    assert judged.judge(ADA, info("/api/v1/namespaces/blue/pods/other")).level == NONE


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({}, "rules[0].level: Required value"),
        (
            {"level": "Everything"},
            'rules[0].level: Unsupported value: "Everything": supported values: "None", "Metadata", "Request", '
            '"RequestResponse"',
        ),
        (
            {"level": "None", "nonResourceURLs": ["healthz"]},
            "rules[0].nonResourceURLs[0]: Invalid value: \"healthz\": non-resource URL rules must begin with a '/' character",
        ),
        (
            {"level": "None", "nonResourceURLs": ["/a*b"]},
            "rules[0].nonResourceURLs[0]: Invalid value: \"/a*b\": non-resource URL wildcards '*' must be the final character",
        ),
        (
            {"level": "None", "nonResourceURLs": ["/a"], "namespaces": ["b"]},
            "rules cannot apply to both regular resources and non-resource URLs",
        ),
        (
            {"level": "None", "resources": [{"group": "rbac.authorization.k8s.io/v1"}]},
            'rules[0].resources.group: Invalid value: "rbac.authorization.k8s.io/v1": a lowercase RFC 1123 subdomain',
        ),
        (
            {"level": "None", "resources": [{"resourceNames": ["a"]}]},
            'rules[0].resources.resourceNames: Invalid value: ["a"]: using resourceNames requires at least one resource',
        ),
        (
            {"level": "None", "omitStages": ["Never"]},
            'rules[0].omitStages[0]: Invalid value: "Never": allowed stages are RequestReceived,ResponseStarted,'
            "ResponseComplete,Panic",
        ),
        ({"level": "None", "levels": "None"}, 'unknown field "rules[0].levels"'),
        ({"level": 3}, "level"),
    ],
)
def test_what_is_wrong_with_a_rule(rule: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        rules(rule)
    assert str(caught.value).startswith("policy.yaml: ")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("apiVersion: audit.k8s.io/v1\nkind: Policy\n", "loaded illegal policy with 0 rules"),
        ("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: []\n", "loaded illegal policy with 0 rules"),
        ("kind: Policy\nrules: []\n", "apiVersion: Required value"),
        ("apiVersion: audit.k8s.io/v1beta1\nkind: Policy\n", "audit.k8s.io/v1beta1"),
        ("[", "policy.yaml: "),
    ],
)
def test_what_is_no_policy(text: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        policy.decode(text.encode(), "policy.yaml")
