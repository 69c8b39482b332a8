"""Which requests the rules of a webhook cover."""

from __future__ import annotations

from typing import Any

import pytest

from steersman.api.meta import Resource
from steersman.apiserver.webhook.hooks import Place, fits, hooks_of, is_exempt
from steersman.kinds.types.admissionregistration_v1 import RuleWithOperations, ValidatingWebhook

PODS = Resource("", "v1", "pods", "Pod", True)
NODES = Resource("", "v1", "nodes", "Node", False)
APPS = Resource("apps", "v1", "deployments", "Deployment", True)
OLD = Resource("extensions", "v1beta1", "deployments", "Deployment", True)


def rule(**given: Any) -> RuleWithOperations:
    everything: dict[str, Any] = {"operations": ["*"], "apiGroups": ["*"], "apiVersions": ["*"], "resources": ["*/*"]}
    return RuleWithOperations(**{**everything, **given})


@pytest.mark.parametrize(
    ("given", "resource", "subresource", "namespace", "wanted"),
    [
        ({}, PODS, "", "a", True),
        ({"operations": ["UPDATE", "CREATE"]}, PODS, "", "a", True),
        ({"operations": ["UPDATE"]}, PODS, "", "a", False),
        ({"apiGroups": [""]}, PODS, "", "a", True),
        ({"apiGroups": ["apps"]}, PODS, "", "a", False),
        ({"apiVersions": ["v1beta1", "v1"]}, PODS, "", "a", True),
        ({"apiVersions": ["v1beta1"]}, PODS, "", "a", False),
        ({"resources": ["*"]}, PODS, "", "a", True),
        ({"resources": ["*"]}, PODS, "status", "a", False),
        ({"resources": ["*/*"]}, PODS, "status", "a", True),
        ({"resources": ["pods"]}, PODS, "status", "a", False),
        ({"resources": ["pods/*"]}, PODS, "status", "a", True),
        ({"resources": ["pods/*"]}, PODS, "", "a", True),
        ({"resources": ["*/status"]}, PODS, "status", "a", True),
        ({"resources": ["*/status"]}, PODS, "", "a", False),
        ({"resources": ["pods/log", "pods/status"]}, PODS, "status", "a", True),
        ({"resources": ["nodes"]}, PODS, "", "a", False),
        ({"scope": "*"}, NODES, "", "", True),
        ({"scope": "Cluster"}, NODES, "", "", True),
        ({"scope": "Namespaced"}, NODES, "", "", False),
        ({"scope": "Cluster"}, PODS, "", "a", False),
        ({"scope": "Namespaced"}, PODS, "", "a", True),
    ],
)
def test_fits(given: dict[str, Any], resource: Resource, subresource: str, namespace: str, wanted: bool) -> None:
    assert fits(rule(**given), Place("CREATE", resource, subresource, namespace)) is wanted


@pytest.mark.parametrize(
    ("policy", "rules", "wanted"),
    [
        ("Exact", [{"apiGroups": ["apps"]}], None),
        ("Exact", [{"apiGroups": ["extensions"]}], OLD),
        ("Equivalent", [{"apiGroups": ["apps"]}], APPS),
        ("Equivalent", [{"apiGroups": ["apps"]}, {"apiGroups": ["extensions"]}], OLD),
        ("Equivalent", [{"apiGroups": ["apps"], "operations": ["DELETE"]}], None),
    ],
)
def test_match_policy(policy: str, rules: list[dict[str, Any]], wanted: Resource | None) -> None:
    (hook,) = hooks_of("c", [ValidatingWebhook(matchPolicy=policy, rules=[rule(**r) for r in rules])])
    assert hook.matching(Place("CREATE", OLD, "", "a"), lambda: (OLD, APPS)) == wanted


def test_configurations_of_admission_are_exempt() -> None:
    group = "admissionregistration.k8s.io"
    assert is_exempt(Resource(group, "v1", "mutatingwebhookconfigurations", "", False))
    assert not is_exempt(PODS)


def test_an_address_that_leads_nowhere() -> None:
    (hook,) = hooks_of("c", [ValidatingWebhook()])
    assert hook.address == "webhook configuration must have either service or URL"
