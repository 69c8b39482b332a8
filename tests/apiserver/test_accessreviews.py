"""Access reviews: what is asked, what is wrong with a question, and the words of the answers."""

from __future__ import annotations

from typing import Any

import pytest
from tests.apiserver.conftest import Api
from tests.apiserver.test_authz import JOE, RBAC, SUBJECTS, grant

from steersman.api.http import User
from steersman.apiserver.accessreviews import attributes_of
from steersman.apiserver.authz import NO_OPINION, Attributes, Decision, Local, Rules, Verdict
from steersman.kinds.types import authorization_v1 as authz
from steersman.kinds.types.meta_v1 import FieldSelectorRequirement, LabelSelectorRequirement

REVIEWS = "/apis/authorization.k8s.io/v1"
SAR, SELF = f"{REVIEWS}/subjectaccessreviews", f"{REVIEWS}/selfsubjectaccessreviews"
LOCAL, RULES = f"{REVIEWS}/namespaces/default/localsubjectaccessreviews", f"{REVIEWS}/selfsubjectrulesreviews"
PODS = {"verb": "list", "resource": "pods", "namespace": "default"}


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        (
            SAR,
            {"spec": {}},
            ' "" is invalid: [spec: Invalid value: null: exactly one of nonResourceAttributes or '
            'resourceAttributes must be specified, spec.user: Invalid value: "": at least one of user or group must be '
            "specified]",
        ),
        (
            SELF,
            {"spec": {"resourceAttributes": PODS, "nonResourceAttributes": {"path": "/x", "verb": "get"}}},
            ' "" is invalid: spec: Invalid value: {"Path":"/x","Verb":"get"}: exactly one of nonResourceAttributes or '
            "resourceAttributes must be specified",
        ),
        (
            SELF,
            {"metadata": {"name": "x"}, "spec": {"resourceAttributes": PODS}},
            ' "" is invalid: metadata: Invalid value: {"name":"x"}: must be empty',
        ),
        (
            LOCAL,
            {"spec": {"user": "joe", "resourceAttributes": {**PODS, "namespace": "x"}}},
            ' "" is invalid: spec.resourceAttributes.namespace: Invalid value: "x": must match metadata.namespace',
        ),
        (
            LOCAL,
            {"spec": {"user": "joe", "nonResourceAttributes": {"path": "/x", "verb": "get"}}},
            ' "" is invalid: spec.nonResourceAttributes: Invalid value: {"Path":"/x","Verb":"get"}: disallowed on this '
            "kind of request",
        ),
        (
            SELF,
            {"spec": {"resourceAttributes": {**PODS, "fieldSelector": {}}}},
            ' "" is invalid: spec.resourceAttributes.fieldSelector.requirements: Required value: when '
            "spec.resourceAttributes.fieldSelector is specified, requirements or rawSelector is required",
        ),
        (
            SELF,
            {
                "spec": {
                    "resourceAttributes": {**PODS, "labelSelector": {"requirements": [{"key": "", "operator": "In"}]}}
                }
            },
            ' "" is invalid: [spec.resourceAttributes.labelSelector.requirements[0].values: Required value: must be '
            "specified when `operator` is 'In' or 'NotIn', spec.resourceAttributes.labelSelector.requirements[0].key: "
            'Invalid value: "": name part must be non-empty, '
            'spec.resourceAttributes.labelSelector.requirements[0].key: Invalid value: "": name part must consist of '
            "alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. "
            "'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
            "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')]",
        ),
        (
            SELF,
            {
                "spec": {
                    "resourceAttributes": {**PODS, "fieldSelector": {"requirements": [{"key": "", "operator": "In"}]}}
                }
            },
            ' "" is invalid: [spec.resourceAttributes.fieldSelector.requirements[0].key: Required value: must be specified, '
            "spec.resourceAttributes.fieldSelector.requirements[0].values: Required value: must be specified when "
            "`operator` is 'In' or 'NotIn']",
        ),
    ],
)
async def test_questions_that_are_none(api: Api, path: str, body: dict[str, Any], message: str) -> None:
    answer = await api.post(path, body, code=422)
    assert (answer["reason"], answer["message"]) == ("Invalid", ".authorization.k8s.io" + message)


async def test_why(api: Api) -> None:
    await grant(api, SUBJECTS[0][0], {"verbs": ["list"], "apiGroups": [""], "resources": ["pods"]}, cluster=False)
    asked = {"spec": {"resourceAttributes": PODS, "user": "joe"}}
    status = (await api.post(SAR, asked))["status"]
    assert status == {"allowed": True, "reason": 'RBAC: allowed by RoleBinding "b/default" of Role "r" to User "joe"'}
    assert (await api.post(LOCAL, asked))["status"] == status
    own = await api.as_(JOE).post(SELF, {"spec": {"resourceAttributes": PODS}})
    assert own["status"] == status
    await api.delete(f"{RBAC}/namespaces/default/roles/r")
    status = (await api.post(SAR, asked))["status"]
    assert status == {
        "allowed": False,
        "reason": 'rbac: RBAC: role.rbac.authorization.k8s.io "r" not found',
    }
    answer = await api.as_(JOE).get("/api/v1/namespaces/default/pods", code=403)
    assert answer["message"].endswith(
        'in the namespace "default": rbac: RBAC: role.rbac.authorization.k8s.io "r" not found'
    )


async def test_service_accounts_and_groups(api: Api) -> None:
    account = {"kind": "ServiceAccount", "name": "default", "namespace": "default"}
    await grant(api, account, {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}, cluster=True)
    spec = {"resourceAttributes": PODS, "user": "system:serviceaccount:default:default"}
    status = (await api.post(SAR, {"spec": spec}))["status"]
    assert (
        status["reason"]
        == 'RBAC: allowed by ClusterRoleBinding "b" of ClusterRole "r" to ServiceAccount "default/default"'
    )
    masters = (await api.post(SAR, {"spec": {"resourceAttributes": PODS, "groups": ["system:masters"]}}))["status"]
    assert masters == {"allowed": True}


async def test_paths_and_wildcards(api: Api) -> None:
    await grant(api, SUBJECTS[0][0], {"verbs": ["get"], "nonResourceURLs": ["/metrics", "/debug/*"]}, cluster=True)
    joe = api.as_(JOE)
    for path, allowed in (("/metrics", True), ("/metrics/x", False), ("/debug/x", True), ("/debug", False)):
        asked = {"spec": {"nonResourceAttributes": {"path": path, "verb": "get"}}}
        assert (await joe.post(SELF, asked))["status"]["allowed"] is allowed
    everything = {"verb": "*", "group": "*", "resource": "*"}
    assert not (await joe.post(SELF, {"spec": {"resourceAttributes": everything}}))["status"]["allowed"]
    assert (await api.post(SELF, {"spec": {"resourceAttributes": everything}}))["status"]["allowed"]


async def test_selectors_that_cannot_be_read_are_left_out(api: Api) -> None:
    attributes = {**PODS, "fieldSelector": {"rawSelector": "a=b=c"}, "labelSelector": {"rawSelector": "a in"}}
    status = (await api.post(SAR, {"spec": {"user": "joe", "resourceAttributes": attributes}}))["status"]
    assert status["evaluationError"] == (
        "spec.resourceAttributes.fieldSelector ignored due to parse error; "
        "spec.resourceAttributes.labelSelector ignored due to parse error"
    )


def test_selectors_as_requirements() -> None:
    asked = authz.ResourceAttributes(
        resource="pods",
        verb="list",
        fieldSelector=authz.FieldSelectorAttributes(
            requirements=[
                FieldSelectorRequirement(key="spec.nodeName", operator="In", values=["n"]),
                FieldSelectorRequirement(key="x", operator="Exists"),
            ]
        ),
        labelSelector=authz.LabelSelectorAttributes(
            requirements=[LabelSelectorRequirement(key="app", operator="NotIn", values=["a", "b"])]
        ),
    )
    found, problems = attributes_of(JOE, authz.SelfSubjectAccessReviewSpec(resourceAttributes=asked))
    assert str(found.field_selector) == "spec.nodeName=n"
    assert str(found.label_selector) == "app notin (a,b)"
    assert problems == ["spec.resourceAttributes.fieldSelector partially ignored due to parse error"]
    assert found.version == "*"


async def test_rules(api: Api) -> None:
    rule = {"verbs": ["get"], "apiGroups": [""], "resources": ["configmaps"], "resourceNames": ["a"]}
    await grant(api, SUBJECTS[0][0], rule, cluster=False)
    status = (await api.as_(JOE).post(RULES, {"spec": {"namespace": "default"}}))["status"]
    assert rule in status["resourceRules"]
    assert status["incomplete"] is False
    elsewhere = (await api.as_(JOE).post(RULES, {"spec": {"namespace": "other"}}))["status"]
    assert rule not in elsewhere["resourceRules"]
    node = api.as_(User("system:node:a", ("system:nodes", "system:authenticated")))
    status = (await node.post(RULES, {"spec": {"namespace": "default"}}))["status"]
    assert status["incomplete"] is True
    assert status["evaluationError"] == "node authorizer does not support user rule resolution"
    await api.post(RULES, {"spec": {}}, code=400)


class Fixed(Local):
    def __init__(self, decision: Decision) -> None:
        super().__init__("fixed")
        self._decision = decision

    def decide(self, attributes: Attributes) -> Decision:
        return self._decision

    def rules(self, user: User, namespace: str) -> Rules:
        return Rules(incomplete=True, errors=["unknown"])


@pytest.mark.parametrize(
    ("decision", "status"),
    [
        (Decision(Verdict.DENY, "no"), {"allowed": False, "denied": True, "reason": "no"}),
        (Decision(Verdict.NO_OPINION, "", "broken"), {"allowed": False, "evaluationError": "broken"}),
        (Decision(Verdict.ALLOW, "yes", "broken"), {"allowed": True, "reason": "yes", "evaluationError": "broken"}),
        (NO_OPINION, {"allowed": False}),
    ],
)
async def test_what_is_told_of_a_decision(api: Api, decision: Decision, status: dict[str, Any]) -> None:
    api.app.authorizer.replace([Fixed(decision)])
    asked = {"spec": {"resourceAttributes": PODS, "user": "joe"}}
    assert (await api.post(SAR, asked))["status"] == status
    code = 200 if decision.allowed else 500 if decision.error else 403
    await api.as_(JOE).get("/api/v1/namespaces/default/pods", code=code)
