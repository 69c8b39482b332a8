"""What validating policies see, what they say, and what their bindings make of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.apiserver.conftest import CATALOG, MAPS, Api, config_map, pod
from tests.apiserver.policies.conftest import GROUP, VALIDATING, VALIDATING_BINDINGS, Policies

from steersman.api.http import User
from steersman.apiserver.admission.framework import Review
from steersman.apiserver.server import App

START = "ValidatingAdmissionPolicy 'p' with binding 'p' denied request: "


async def refused(api: Api, *, code: int = 422, body: Any = None, path: str = MAPS) -> str:
    status = await api.post(path, body or config_map(), code=code)
    message: str = status["message"]
    assert message == f'configmaps "a" is forbidden: {status["details"]["causes"][0]["message"]}'
    return message.removeprefix('configmaps "a" is forbidden: ').removeprefix(START)


@pytest.mark.parametrize(
    ("validation", "code", "reason", "message"),
    [
        ({"expression": "false"}, 422, "Invalid", "failed expression: false"),
        ({"expression": " 1 == 2 \n"}, 422, "Invalid", "failed expression: 1 == 2"),
        ({"expression": "false", "message": " no "}, 422, "Invalid", "no"),
        ({"expression": "false", "message": "no", "messageExpression": "' said ' + object.metadata.name"}, 422, "Invalid",
         "said a"),
        ({"expression": "false", "message": "no", "messageExpression": "object.spec"}, 422, "Invalid", "no"),
        ({"expression": "false", "messageExpression": "'a\\nb'"}, 422, "Invalid", "failed expression: false"),
        ({"expression": "false", "messageExpression": "' '"}, 422, "Invalid", "failed expression: false"),
        ({"expression": "false", "reason": "Forbidden"}, 403, "Forbidden", "failed expression: false"),
        ({"expression": "false", "reason": "RequestEntityTooLarge"}, 413, "RequestEntityTooLarge",
         "failed expression: false"),
        ({"expression": "object.spec.x"}, 422, "Invalid", ""),
        ({"expression": "object.spec.x == 1"}, 422, "Invalid",
         "expression 'object.spec.x == 1' resulted in error: no such key: spec"),
    ],
)  # fmt: skip
async def test_denial(
    api: Api, policies: Policies, validation: dict[str, Any], code: int, reason: str, message: str
) -> None:
    if not message:
        status = await api.post(
            VALIDATING, {"metadata": {"name": "p"}, "spec": {"validations": [validation]}}, code=code
        )
        assert "must evaluate to bool but got dyn" in status["message"]
        return
    if validation.get("messageExpression") == "object.spec":
        validation = {**validation, "messageExpression": "string(object.spec)"}
    await policies.validate(validation)
    assert await refused(api, code=code) == message
    status = await api.post(MAPS, config_map(), code=code)
    assert status["reason"] == reason


async def test_what_expressions_see(api: Api, policies: Policies) -> None:
    await api.patch("/api/v1/namespaces/default", {"metadata": {"labels": {"tier": "x"}}})
    await api.post(MAPS, config_map("b", k="1"))
    await policies.validate(
        "request.operation in ['CREATE', 'UPDATE', 'DELETE']",
        "request.kind == request.requestKind && request.kind.kind == 'ConfigMap' && request.resource.resource == 'configmaps'",
        "request.name == (request.operation == 'DELETE' ? oldObject : object).metadata.name",
        "request.namespace == 'default' && request.userInfo.username == 'admin'",
        "'system:masters' in request.userInfo.groups && !request.dryRun",
        "namespaceObject.metadata.labels.tier == 'x' && namespaceObject.status.phase == 'Active'",
        "namespaceObject.metadata.creationTimestamp < timestamp('2100-01-01T00:00:00Z')",
        "(oldObject == null) == (request.operation == 'CREATE')",
        "(object == null) == (request.operation == 'DELETE')",
        "object == null || has(object.metadata.uid)",
        "authorizer.group('').resource('secrets').check('get').allowed()",
        "authorizer.requestResource.check('update').allowed()",
        "authorizer.serviceAccount('default', 'x').group('').resource('secrets').check('get').allowed() == false",
        rule={"operations": ["*"]},
    )
    await api.post(MAPS, config_map())
    await api.patch(f"{MAPS}/b", {"data": {"k": "2"}})
    await api.delete(f"{MAPS}/b")


@pytest.mark.parametrize(
    ("match", "rule", "hit"),
    [
        ({}, {}, True),
        ({}, {"resources": ["secrets"]}, False),
        ({}, {"resources": ["*"], "apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"]}, True),
        ({}, {"operations": ["UPDATE"]}, False),
        ({}, {"scope": "Cluster"}, False),
        ({}, {"resourceNames": ["a"]}, True),
        ({}, {"resourceNames": ["b"]}, False),
        ({"namespaceSelector": {"matchLabels": {"x": "y"}}}, {}, False),
        ({"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "default"}}}, {}, True),
        ({"objectSelector": {"matchLabels": {"x": "y"}}}, {}, False),
        ({"objectSelector": {"matchExpressions": [{"key": "x", "operator": "DoesNotExist"}]}}, {}, True),
        ({"excludeResourceRules": [{"operations": ["*"], "apiGroups": [""], "apiVersions": ["*"], "resources": ["*"],
                                    "resourceNames": ["a"]}]}, {}, False),
        ({"excludeResourceRules": [{"operations": ["DELETE"], "apiGroups": [""], "apiVersions": ["*"],
                                    "resources": ["*"]}]}, {}, True),
    ],
)  # fmt: skip
@pytest.mark.parametrize("where", ["policy", "binding"])
async def test_matching(
    api: Api, policies: Policies, match: dict[str, Any], rule: dict[str, Any], hit: bool, where: str
) -> None:
    if where == "policy":
        await policies.validate("false", match=match, rule=rule)
    else:
        rules = [{"operations": ["*"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"], **rule}]
        await policies.validate("false", binding={"matchResources": {"resourceRules": rules, **match}})
    await api.post(MAPS, config_map(), code=422 if hit else 201)


@pytest.mark.parametrize(("policy", "code"), [("Equivalent", 422), ("Exact", 201)])
async def test_equivalent_versions(api: Api, policies: Policies, policy: str, code: int) -> None:
    """A policy for one version sees what is written in another, as its own."""
    rule = {"apiGroups": ["autoscaling"], "apiVersions": ["v1"], "resources": ["horizontalpodautoscalers"]}
    await policies.validate(
        "!has(object.spec.targetCPUUtilizationPercentage) && object.apiVersion == 'autoscaling/v2'",
        "request.requestKind.version == 'v2' && request.kind.version == 'v2'",
        rule=rule,
        match={"matchPolicy": policy},
    )
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "d"}
    metric = {
        "type": "Resource",
        "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}},
    }
    spec = {"scaleTargetRef": target, "maxReplicas": 3, "metrics": [metric]}
    path = "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers"
    await api.post(path, {"metadata": {"name": "h"}, "spec": spec}, code=code)


@pytest.mark.parametrize(
    ("conditions", "failure", "code", "why"),
    [
        (["true"], "Fail", 422, "failed expression: false"),
        (["true", "false"], "Fail", 201, ""),
        (["object.spec == 1"], "Fail", 422, "expression 'object.spec == 1' resulted in error: no such key: spec"),
        (["object.spec == 1"], "Ignore", 201, ""),
        (["object.spec == 1", "false"], "Fail", 201, ""),
        (["request.userInfo.username == 'admin'", "namespaceObject == null"], "Fail", 422, "failed expression: false"),
    ],
)
async def test_match_conditions(
    api: Api, policies: Policies, conditions: list[str], failure: str, code: int, why: str
) -> None:
    given = [{"name": f"c{i}", "expression": e} for i, e in enumerate(conditions)]
    await policies.validate("false", matchConditions=given, failurePolicy=failure)
    if code == 201:
        await api.post(MAPS, config_map())
    else:
        assert await refused(api, code=code) == why


async def test_variables(api: Api, policies: Policies) -> None:
    """They are evaluated once, when they are asked for; one that fails only fails who asks for it."""
    variables = [
        {"name": "bad", "expression": "object.spec.x"},
        {"name": "data", "expression": "object.?data.orValue({})"},
        {"name": "keys", "expression": "variables.data.map(k, k)"},
        {"name": "nothing", "expression": "null"},
    ]
    await policies.validate(
        "variables.keys.all(k, k != 'evil')",
        "!('worse' in variables.keys) || variables.bad == 1",
        "variables.nothing == null && has(variables.keys)",
        variables=variables,
    )
    await api.post(MAPS, config_map("fine", good="1"))
    assert await refused(api, body=config_map(evil="1")) == "failed expression: variables.keys.all(k, k != 'evil')"
    assert await refused(api, body=config_map(worse="1")) == (
        "expression '!('worse' in variables.keys) || variables.bad == 1' resulted in error: "
        'composited variable "bad" fails to evaluate: no such key: spec'
    )


async def test_failures_may_be_ignored(api: Api, policies: Policies) -> None:
    await policies.validate("object.spec.x == 1", failurePolicy="Ignore")
    await api.post(MAPS, config_map())


async def test_budget(api: Api, policies: Policies) -> None:
    """An expression that costs too much fails; all together have a limit too, beyond which none of them counts."""
    asks = " && ".join(["authorizer.path('/x').check('get').allowed()"] * 3)
    await policies.validate(asks)
    limit = "operation cancelled: actual cost limit exceeded"
    assert await refused(api) == f"expression '{asks}' resulted in error: {limit}"
    await api.delete(f"{VALIDATING_BINDINGS}/p")
    await api.post(MAPS, config_map())

    two = " && ".join(["authorizer.path('/x').check('get').allowed()"] * 2)
    await policies.validate("false", *[two] * 15, name="q")
    status = await api.post(MAPS, config_map("b"), code=422)
    assert status["message"].endswith(
        "validation failed due to running out of cost budget, no further validation rules will be run"
    )


async def test_warn_and_audit(api: Api, policies: Policies, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Review] = []
    validate = api.app.webhooks.validate

    async def note(review: Review) -> None:
        seen.append(review)
        await validate(review)

    monkeypatch.setattr(api.app.webhooks, "validate", note)
    annotations = [
        {"key": "name", "valueExpression": "' name: ' + object.metadata.name"},
        {"key": "none", "valueExpression": "null"},
        {"key": "empty", "valueExpression": "''"},
    ]
    check = {"expression": "false", "message": "not nice"}
    await policies.validate("true", check, actions=["Warn", "Audit"], auditAnnotations=annotations)
    response = await api.raw("POST", MAPS, config_map())
    assert response.status == 201
    text = "Validation failed for ValidatingAdmissionPolicy 'p' with binding 'p': not nice"
    assert dict(response.headers)["Warning"] == f'299 - "{text}"'
    found = seen[-1].annotations
    assert json.loads(found.pop("validation.policy.admission.k8s.io/validation_failure")) == [
        {
            "message": "not nice",
            "policy": "p",
            "binding": "p",
            "expressionIndex": 1,
            "validationActions": ["Warn", "Audit"],
        }
    ]
    assert found == {"p/name": "name: a"}


async def test_annotation_without_value(api: Api, policies: Policies) -> None:
    broken = [{"key": "k", "valueExpression": "string(object.spec)"}]
    await policies.validate(actions=["Audit"], auditAnnotations=broken)
    assert await refused(api) == "expression 'string(object.spec)' resulted in error: no such key: spec"


async def test_two_policies(api: Api, policies: Policies) -> None:
    """All are heard; the first denial is the one that is told."""
    await policies.validate("true", name="p")
    await policies.validate("false", name="q")
    await policies.validate("false", name="r", actions=["Warn"])
    response = await api.raw("POST", MAPS, config_map())
    assert response.status == 422
    assert b"'q' with binding 'q'" in (response.body if isinstance(response.body, bytes) else b"")
    assert "'r' with binding 'r'" in dict(response.headers)["Warning"]


async def test_policies_come_and_go(api: Api, policies: Policies) -> None:
    await api.delete(f"{GROUP}/validatingadmissionpolicies")
    await policies.validate("false")
    await api.post(MAPS, config_map(), code=422)
    await api.patch(f"{VALIDATING}/p", {"spec": {"validations": [{"expression": "true"}]}})
    await api.post(MAPS, config_map("b"))
    await api.patch(f"{VALIDATING}/p", {"spec": {"validations": [{"expression": "false"}]}})
    await api.post(MAPS, config_map("c"), code=422)
    await api.delete(f"{VALIDATING}/p")
    await api.post(MAPS, config_map("c"))


async def test_nobody_is_locked_out(api: Api, policies: Policies) -> None:
    await policies.validate("false", rule={"operations": ["*"], "apiGroups": ["*"], "resources": ["*/*"]})
    await api.post(MAPS, config_map(), code=422)
    await api.post("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", {"spec": {"nonResourceAttributes": {}}})
    await api.delete(f"{VALIDATING_BINDINGS}/p")
    await api.post(MAPS, config_map())


async def test_a_new_server_knows_them(api: Api, policies: Policies) -> None:
    await policies.validate("false")
    app = App(api.app.store, api.clock, api.app.config, catalog=CATALOG)
    await app.start()
    await Api(app, api.clock).post(MAPS, config_map(), code=422)
    await app.close()


async def test_parts(api: Api, policies: Policies) -> None:
    """Subresources: the status, evictions, bindings, connections."""
    await api.post("/api/v1/nodes", {"metadata": {"name": "n"}})
    await api.post("/api/v1/namespaces/default/pods", pod())
    rule = {"operations": ["*"], "resources": ["pods/*"]}
    await policies.validate("request.subResource != 'eviction' || object.kind != 'Eviction'", rule=rule)
    one = "/api/v1/namespaces/default/pods/a"
    await api.post(f"{one}/eviction", {"metadata": {"name": "a"}}, code=422)
    await api.patch(f"{one}/status", {"status": {"reason": "x"}})
    binding = {"metadata": {"name": "a"}, "target": {"kind": "Node", "name": "n"}}
    await api.post(f"{one}/binding", binding)
    await policies.validate("request.operation != 'CONNECT' || 'sh' != object.command[0]", name="q", rule=rule)
    status = await api.get(f"{one}/exec?command=sh", code=422)
    assert "request.operation != 'CONNECT'" in status["message"]


async def test_dry_run_and_generated_names(api: Api, policies: Policies) -> None:
    await policies.validate("request.dryRun", rule={"resources": ["configmaps"]})
    await api.post(f"{MAPS}?dryRun=All", config_map())
    status = await api.post(MAPS, {"metadata": {"generateName": "x-"}}, code=422)
    assert status["details"]["name"].startswith("x-")


async def test_parameters_are_not_for_everybody(api: Api) -> None:
    """Whoever names parameters must be allowed to read them."""
    role = "/apis/rbac.authorization.k8s.io/v1/clusterroles"
    rules = [
        {"apiGroups": ["admissionregistration.k8s.io"], "resources": ["*"], "verbs": ["*"]},
        {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]},
    ]
    await api.post(role, {"metadata": {"name": "author"}, "rules": rules})
    binding = {
        "metadata": {"name": "author"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "author"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "ann"}],
    }
    await api.post("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", binding)
    ann = Policies(api.as_(User("ann", ("system:authenticated",))))
    await ann.validate("true", paramKind={"apiVersion": "v1", "kind": "ConfigMap"})
    body = {
        "metadata": {"name": "q"},
        "spec": {
            "paramKind": {"apiVersion": "v1", "kind": "Secret"},
            "matchConstraints": {"resourceRules": [{"operations": ["*"], "apiGroups": [""], "apiVersions": ["v1"],
                                                    "resources": ["pods"]}]},
            "validations": [{"expression": "true"}],
        },
    }  # fmt: skip
    status = await ann.api.post(VALIDATING, body, code=422)
    assert status["message"] == (
        'ValidatingAdmissionPolicy.admissionregistration.k8s.io "q" is invalid: spec.paramKind: Forbidden: user '
        '&{ann  [system:authenticated] map[]} must have "get" permission on all objects of the referenced paramKind '
        "(kind=Secret, apiVersion=v1)"
    )
    await api.post(VALIDATING, body)
    ref = {"name": "s", "namespace": "default", "parameterNotFoundAction": "Deny"}
    spec = {"policyName": "q", "paramRef": ref, "validationActions": ["Deny"]}
    status = await ann.api.post(VALIDATING_BINDINGS, {"metadata": {"name": "q"}, "spec": spec}, code=422)
    assert 'does not have "get" permission on the object referenced by paramRef' in status["message"]
    await ann.api.patch(f"{VALIDATING}/q", {"spec": {"failurePolicy": "Ignore"}})


async def test_who_may_not_create_an_object_learns_that_before_its_mistakes(api: Api, policies: Policies) -> None:
    body = {**config_map(), "metadata": {"name": "a", "resourceVersion": "7"}}
    status = await api.post(MAPS, body, code=500)
    assert status["message"] == "resourceVersion should not be set on objects to be created"
    await policies.validate({"expression": "false", "message": "not you"})
    assert await refused(api, body=body) == "not you"
