"""Admission policies: expressions that validate and mutate, and their kinds as objects."""

import pytest
from tests.conformance.asking import includes
from tests.conformance.patterns import Resource, discovered, operations

pytestmark = pytest.mark.asyncio(loop_scope="session")

VERSION = "admissionregistration.k8s.io/v1"
VALIDATING, VALIDATING_BINDINGS = (
    Resource(VERSION, "validatingadmissionpolicies"),
    Resource(VERSION, "validatingadmissionpolicybindings"),
)
MUTATING, MUTATING_BINDINGS = (
    Resource(VERSION, "mutatingadmissionpolicies"),
    Resource(VERSION, "mutatingadmissionpolicybindings"),
)
RULE = {"operations": ["CREATE", "UPDATE"], "apiGroups": ["apps"], "apiVersions": ["v1"], "resources": ["deployments"]}
ANNOTATIONS = 'Object{metadata: Object.metadata{annotations: {"my-foo-annotation": "myAnnotationValue"}}}'


def workload(name, replicas, **meta):
    labels = {"app": "nginx"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "nginx", "image": "nginx"}]}}
    spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template}
    return {"metadata": {"name": name, "labels": labels, **meta}, "spec": spec}


@pytest.fixture
def policy(unique):
    """A policy for the deployments of the test's namespace."""

    def made(**spec):
        constraints = {"resourceRules": [RULE], "namespaceSelector": {"matchLabels": {unique: "true"}}}
        return {"metadata": {"name": f"{unique}.policy"}, "spec": {"matchConstraints": constraints, **spec}}

    return made


@pytest.fixture
def binding(unique):
    def made(**spec):
        match = {"namespaceSelector": {"matchLabels": {unique: "true"}}}
        spec = {"policyName": f"{unique}.policy", "matchResources": match, **spec}
        return {"metadata": {"name": f"{unique}.binding"}, "spec": spec}

    return made


async def marked(api, ns, unique):
    """The paths of deployments and replica sets in a namespace that policies of the test select."""
    await api.patch(f"/api/v1/namespaces/{ns}", {"metadata": {"labels": {unique: "true"}}})
    return (f"/apis/apps/v1/namespaces/{ns}/{plural}" for plural in ("deployments", "replicasets"))


async def undo(api, unique, *resources):
    """The server is shared: what a test has configured does not outlive it."""
    for resource in resources:
        suffix = "binding" if resource.plural.endswith("bindings") else "policy"
        await api.delete(resource.named(f"{unique}.{suffix}"))


async def test_should_validate_against_a_deployment(api, ns, unique, policy, binding):
    """ValidatingAdmissionPolicy [Privileged:ClusterAdmin] should validate against a Deployment"""
    deployments, replica_sets = await marked(api, ns, unique)
    said = "'wants replicas > 1, got ' + object.spec.replicas"
    validation = {"expression": "object.spec.replicas > 1", "messageExpression": said}
    await api.post(VALIDATING.path, policy(validations=[validation]))
    await api.post(VALIDATING_BINDINGS.path, binding(validationActions=["Deny"]))
    status = await api.post(deployments, workload("marker", 1), code=422)
    text = (
        f"ValidatingAdmissionPolicy '{unique}.policy' with binding '{unique}.binding' denied request: "
        "failed expression: object.spec.replicas > 1"
    )
    assert status["reason"] == "Invalid"
    assert status["message"] == f'deployments.apps "marker" is forbidden: {text}'
    details = {"name": "marker", "group": "apps", "kind": "deployments", "causes": [{"message": text}]}
    assert status["details"] == details
    await api.post(deployments, workload("replicated", 2))
    await api.post(replica_sets, workload("non-replicated", 1))
    await undo(api, unique, VALIDATING, VALIDATING_BINDINGS)
    await api.post(deployments, workload("marker", 1))


async def test_should_allow_expressions_to_refer_variables(api, ns, unique, policy, binding):
    """ValidatingAdmissionPolicy [Privileged:ClusterAdmin] should allow expressions to refer variables."""
    deployments, replica_sets = await marked(api, ns, unique)
    variables = {"replicas": "object.spec.replicas", "oddReplicas": "variables.replicas % 2 == 1"}
    spec = policy(
        variables=[{"name": name, "expression": text} for name, text in variables.items()],
        validations=[{"expression": "variables.replicas > 1"}, {"expression": "variables.oddReplicas"}],
    )
    await api.post(VALIDATING.path, spec)
    await api.post(VALIDATING_BINDINGS.path, binding(validationActions=["Deny"]))
    for name, replicas, refused in (("marker", 1, "variables.replicas > 1"), ("even", 2, "variables.oddReplicas")):
        status = await api.post(deployments, workload(name, replicas), code=422)
        assert status["message"].endswith(f"denied request: failed expression: {refused}")
    await api.post(deployments, workload("odd", 3))
    await api.post(replica_sets, workload("non-replicated", 1))
    await undo(api, unique, VALIDATING, VALIDATING_BINDINGS)


async def test_should_type_check_validation_expressions(api, unique, policy):
    """ValidatingAdmissionPolicy [Privileged:ClusterAdmin] should type check validation expressions"""
    path = VALIDATING.named(f"{unique}.policy")
    await api.post(VALIDATING.path, policy(validations=[{"expression": "object.spec.replicas > 1"}]))
    found = await api.until(path, lambda p: "typeChecking" in p.get("status", {}))
    assert found["status"] == {"observedGeneration": 1, "typeChecking": {}}
    confused = {
        "expression": "object.spec.replicas > '1'",
        "messageExpression": "'wants replicas > 1, got ' + object.spec.replicas",
    }
    await api.patch(path, {"spec": {"validations": [confused]}})
    found = await api.until(path, lambda p: p["status"]["observedGeneration"] == 2)
    first, second = found["status"]["typeChecking"]["expressionWarnings"]
    assert first["fieldRef"] == "spec.validations[0].expression"
    assert "found no matching overload for '_>_' applied to '(int, string)'" in first["warning"]
    assert second["fieldRef"] == "spec.validations[0].messageExpression"
    assert "found no matching overload for '_+_' applied to '(string, int)'" in second["warning"]
    await undo(api, unique, VALIDATING)


async def test_should_support_validatingadmissionpolicy_api_operations(api, unique, policy):
    """ValidatingAdmissionPolicy [Privileged:ClusterAdmin] should support ValidatingAdmissionPolicy API operations"""
    await discovered(api, VALIDATING, "status")
    obj = policy(validations=[{"expression": "object.spec.replicas <= 100"}])
    await operations(api, VALIDATING, obj, unique)
    await api.post(VALIDATING.path, obj)
    path = VALIDATING.named(f"{unique}.policy")
    patched = await api.patch(path, {"spec": {"failurePolicy": "Ignore"}})
    assert patched["spec"]["failurePolicy"] == "Ignore"
    condition = {"status": "False", "reason": "e2e", "message": "", "lastTransitionTime": "2026-01-02T03:04:05Z"}
    status = {"status": {"conditions": [{"type": "PatchStatusFailed", **condition}]}}
    assert includes(await api.patch(f"{path}/status", status), status)

    def add(obj):
        obj["status"]["conditions"].append({"type": "StatusUpdate", **condition})

    assert len((await api.change(path, add, "/status"))["status"]["conditions"]) == 2
    assert len((await api.get(f"{path}/status"))["status"]["conditions"]) == 2
    await undo(api, unique, VALIDATING)


async def test_should_support_validatingadmissionpolicybinding_api_operations(api, unique, binding):
    """ValidatingAdmissionPolicy [Privileged:ClusterAdmin] should support ValidatingAdmissionPolicyBinding API operations"""
    await operations(api, VALIDATING_BINDINGS, binding(validationActions=["Deny"]), unique)


async def mutated(api, ns, unique, policy, binding, mutation):
    """A deployment as a mutating policy has changed it."""
    deployments, replica_sets = await marked(api, ns, unique)
    spec = policy(mutations=[mutation], reinvocationPolicy="Never")
    await api.post(MUTATING.path, spec)
    await api.post(MUTATING_BINDINGS.path, binding())
    made = await api.post(deployments, workload("test", 2))
    assert made["metadata"]["uid"]
    other = await api.post(replica_sets, workload("test", 2))
    assert other["spec"]["replicas"] == 2
    assert "annotations" not in other["metadata"]
    await undo(api, unique, MUTATING, MUTATING_BINDINGS)
    return await api.get(f"{deployments}/test")


async def test_should_mutate_a_deployment(api, ns, unique, policy, binding):
    """MutatingAdmissionPolicy [Privileged:ClusterAdmin] should mutate a Deployment"""
    expression = "Object{spec: Object.spec{replicas: object.spec.replicas + 1}}"
    mutation = {"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": expression}}
    assert (await mutated(api, ns, unique, policy, binding, mutation))["spec"]["replicas"] == 3


JSON_PATCH = """[
  JSONPatch{op: "test", path: "/spec/replicas", value: 2},
  JSONPatch{op: "add", path: "/metadata/annotations", value: {"my-foo-annotation": "myAnnotationValue"}},
]"""


@pytest.mark.parametrize(
    "mutation",
    [
        {"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": ANNOTATIONS}},
        {"patchType": "JSONPatch", "jsonPatch": {"expression": JSON_PATCH}},
    ],
    ids=["apply", "patch"],
)
async def test_should_mutate_a_deployment_with_annotations(api, ns, unique, policy, binding, mutation):
    """MutatingAdmissionPolicy [Privileged:ClusterAdmin] should mutate a Deployment with annotations"""
    made = await mutated(api, ns, unique, policy, binding, mutation)
    assert made["metadata"]["annotations"]["my-foo-annotation"] == "myAnnotationValue"


async def test_should_support_mutatingadmissionpolicy_api_operations(api, unique, policy):
    """MutatingAdmissionPolicy [Privileged:ClusterAdmin] should support MutatingAdmissionPolicy API operations"""
    mutation = {"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": ANNOTATIONS}}
    await operations(api, MUTATING, policy(mutations=[mutation], reinvocationPolicy="Never"), unique)


async def test_should_support_mutatingadmissionpolicybinding_api_operations(api, unique, binding):
    """MutatingAdmissionPolicy [Privileged:ClusterAdmin] should support MutatingAdmissionPolicyBinding API operations"""
    await operations(api, MUTATING_BINDINGS, binding(), unique)
