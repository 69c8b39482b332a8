"""Kubernetes' conformance of admission policies: expressions that validate and mutate, and the API of their kinds."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.apiserver.conftest import Api
from tests.apiserver.conftest import api as api

GROUP = "/apis/admissionregistration.k8s.io/v1"
POLICIES, BINDINGS = f"{GROUP}/validatingadmissionpolicies", f"{GROUP}/validatingadmissionpolicybindings"
MUTATING, MUTATING_BINDINGS = f"{GROUP}/mutatingadmissionpolicies", f"{GROUP}/mutatingadmissionpolicybindings"
DEPLOYMENTS = "/apis/apps/v1/namespaces/marked/deployments"
REPLICA_SETS = "/apis/apps/v1/namespaces/marked/replicasets"
MARK = {"matchLabels": {"marked": "true"}}
RULE = {"operations": ["CREATE", "UPDATE"], "apiGroups": ["apps"], "apiVersions": ["v1"], "resources": ["deployments"]}


@pytest.fixture(autouse=True)
async def namespace(api: Api) -> AsyncIterator[None]:
    await api.post("/api/v1/namespaces", {"metadata": {"name": "marked", "labels": {"marked": "true"}}})
    yield


def workload(name: str, replicas: int) -> dict[str, Any]:
    labels = {"app": "nginx"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "nginx", "image": "nginx"}]}}
    return {
        "metadata": {"name": name, "labels": labels},
        "spec": {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template},
    }


def policy(name: str = "p.example.com", **spec: Any) -> dict[str, Any]:
    constraints = {"resourceRules": [RULE], "namespaceSelector": MARK}
    return {"metadata": {"name": name}, "spec": {"matchConstraints": constraints, **spec}}


def binding(policy: str = "p.example.com", name: str = "b.example.com", **spec: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": name},
        "spec": {"policyName": policy, "matchResources": {"namespaceSelector": MARK}, **spec},
    }


async def deny(api: Api, **spec: Any) -> None:
    await api.post(POLICIES, policy(**spec))
    await api.post(BINDINGS, binding(validationActions=["Deny"]))


async def test_should_validate_against_a_deployment(api: Api) -> None:
    said = "'wants replicas > 1, got ' + object.spec.replicas"
    await deny(api, validations=[{"expression": "object.spec.replicas > 1", "messageExpression": said}])
    status = await api.post(DEPLOYMENTS, workload("marker", 1), code=422)
    text = (
        "ValidatingAdmissionPolicy 'p.example.com' with binding 'b.example.com' denied request: "
        "failed expression: object.spec.replicas > 1"
    )
    assert status["reason"] == "Invalid"
    assert status["message"] == f'deployments.apps "marker" is forbidden: {text}'
    assert status["details"] == {
        "name": "marker", "group": "apps", "kind": "deployments", "causes": [{"message": text}],
    }  # fmt: skip
    await api.post(DEPLOYMENTS, workload("replicated", 2))
    await api.post(REPLICA_SETS, workload("non-replicated", 1))
    await api.post("/apis/apps/v1/namespaces/default/deployments", workload("elsewhere", 1))


async def test_should_allow_expressions_to_refer_variables(api: Api) -> None:
    await deny(
        api,
        variables=[
            {"name": "replicas", "expression": "object.spec.replicas"},
            {"name": "oddReplicas", "expression": "variables.replicas % 2 == 1"},
        ],
        validations=[
            {"expression": "variables.replicas > 1"},
            {"expression": "variables.oddReplicas"},
        ],
    )
    status = await api.post(DEPLOYMENTS, workload("marker", 1), code=422)
    assert status["message"].endswith("failed expression: variables.replicas > 1")
    status = await api.post(DEPLOYMENTS, workload("even", 2), code=422)
    assert status["message"].endswith("failed expression: variables.oddReplicas")
    await api.post(DEPLOYMENTS, workload("odd", 3))
    await api.post(REPLICA_SETS, workload("non-replicated", 1))


ANNOTATED = 'Object{metadata: Object.metadata{annotations: {"mutated-by": "admission-policy"}}}'


async def test_should_mutate_a_deployment(api: Api) -> None:
    expression = "Object{spec: Object.spec{replicas: object.spec.replicas + 1}}"
    await mutate(api, {"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": expression}})
    made = await api.post(DEPLOYMENTS, workload("a", 2))
    assert made["spec"]["replicas"] == 3
    assert made["metadata"]["uid"]
    assert made["metadata"]["creationTimestamp"]
    assert (await api.get(f"{DEPLOYMENTS}/a"))["spec"]["replicas"] == 3
    assert (await api.post(REPLICA_SETS, workload("a", 2)))["spec"]["replicas"] == 2


@pytest.mark.parametrize(
    "mutation",
    [
        {"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": ANNOTATED}},
        {
            "patchType": "JSONPatch",
            "jsonPatch": {
                "expression": '[JSONPatch{op: "add", path: "/metadata/annotations", '
                'value: {"mutated-by": "admission-policy"}}]'
            },
        },
    ],
)
async def test_should_mutate_a_deployment_with_annotations(api: Api, mutation: dict[str, Any]) -> None:
    await mutate(api, mutation)
    made = await api.post(DEPLOYMENTS, workload("a", 2))
    assert made["metadata"]["annotations"]["mutated-by"] == "admission-policy"


async def mutate(api: Api, *mutations: dict[str, Any], **spec: Any) -> None:
    await api.post(MUTATING, policy(mutations=list(mutations), reinvocationPolicy="Never", **spec))
    await api.post(MUTATING_BINDINGS, binding())


VALIDATING_SPEC = {"validations": [{"expression": "object.spec.replicas <= 100"}]}
MUTATING_SPEC = {
    "reinvocationPolicy": "Never",
    "mutations": [{"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": ANNOTATED}}],
}


@pytest.mark.parametrize(
    ("path", "template", "patch"),
    [
        pytest.param(POLICIES, policy(**VALIDATING_SPEC), {"failurePolicy": "Ignore"},
                     id="should support ValidatingAdmissionPolicy API operations"),
        pytest.param(BINDINGS, binding("x.example.com", validationActions=["Deny"]), {"validationActions": ["Warn"]},
                     id="should support ValidatingAdmissionPolicyBinding API operations"),
        pytest.param(MUTATING, policy(**MUTATING_SPEC), {"failurePolicy": "Ignore"},
                     id="should support MutatingAdmissionPolicy API operations"),
        pytest.param(MUTATING_BINDINGS, binding("x.example.com"), {"policyName": "y.example.com"},
                     id="should support MutatingAdmissionPolicyBinding API operations"),
    ],
)  # fmt: skip
async def test_api_operations(api: Api, path: str, template: dict[str, Any], patch: dict[str, Any]) -> None:
    plural = path.rpartition("/")[2]
    await _discovered(api, plural)
    template = {**template, "metadata": {"generateName": "e2e-", "labels": {"of": "e2e"}}}
    for _ in range(2):
        await api.post(path, template)
    made = await api.post(path, template)
    one = f"{path}/{made['metadata']['name']}"
    assert (await api.get(one))["metadata"]["uid"] == made["metadata"]["uid"]
    found = await api.get(f"{path}?labelSelector=of=e2e")
    assert len(found["items"]) == 3
    watch = f"{path}?watch=true&labelSelector=of=e2e&resourceVersion={found['metadata']['resourceVersion']}"

    changed = await api.patch(one, {"metadata": {"annotations": {"patched": "true"}}, "spec": patch})
    assert changed["metadata"]["annotations"]["patched"] == "true"
    assert patch.items() <= changed["spec"].items()
    assert changed["metadata"]["generation"] == 2
    changed["metadata"]["annotations"]["updated"] = "true"
    changed["spec"].update({k: template["spec"].get(k, "Fail") for k in patch})
    updated = await api.put(one, changed)
    assert updated["metadata"]["annotations"]["updated"] == "true"
    events = await api.watch(watch, 2)
    assert [e["type"] for e in events] == ["MODIFIED", "MODIFIED"]
    assert events[0]["object"]["metadata"]["annotations"]["patched"] == "true"
    if path == POLICIES:
        await _status(api, one)

    await api.delete(one)
    await api.get(one, code=404)
    assert len((await api.get(f"{path}?labelSelector=of=e2e"))["items"]) == 2
    await api.delete(f"{path}?labelSelector=of=e2e")
    assert (await api.get(f"{path}?labelSelector=of=e2e"))["items"] == []


async def _discovered(api: Api, plural: str) -> None:
    groups = {g["name"]: g for g in (await api.get("/apis"))["groups"]}
    assert "v1" in [v["version"] for v in groups["admissionregistration.k8s.io"]["versions"]]
    resources = {r["name"]: r for r in (await api.get(GROUP))["resources"]}
    wanted = {"create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"}
    assert set(resources[plural]["verbs"]) == wanted
    assert (f"{plural}/status" in resources) == (plural == "validatingadmissionpolicies")


async def _status(api: Api, one: str) -> None:
    """The status has a place of its own."""
    now = "2026-01-02T03:04:05Z"
    condition = {
        "type": "PatchStatusFailed",
        "status": "False",
        "reason": "e2e",
        "message": "",
        "lastTransitionTime": now,
    }
    patched = await api.patch(f"{one}/status", {"status": {"conditions": [condition]}})
    assert patched["status"]["conditions"] == [condition]
    read = await api.get(f"{one}/status")
    read["status"]["conditions"].append({**condition, "type": "Other"})
    assert len((await api.put(f"{one}/status", read))["status"]["conditions"]) == 2
    read = await api.get(one)
    read["status"] = {}
    assert len((await api.put(one, read))["status"]["conditions"]) == 2
