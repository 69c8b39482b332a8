"""What the status of a policy says about its expressions."""

import pytest

from steersman.controllers import validatingadmissionpolicystatus
from steersman.kinds.types.admissionregistration_v1 import (
    MatchResources,
    NamedRuleWithOperations,
    ParamKind,
    ValidatingAdmissionPolicy,
    Validation,
    Variable,
)

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
SPEC = {"type": "object", "properties": {"count": {"type": "integer"}}}


def rule(*resources, groups=("apps",), versions=("v1",)):
    return NamedRuleWithOperations(
        apiGroups=list(groups), apiVersions=list(versions), resources=list(resources), operations=["*"]
    )


async def checked(world, *expressions, rules, variables=None, param_kind=None):
    """The status of a policy once it has one."""
    policy = ValidatingAdmissionPolicy()
    policy.metadata.name = "p"
    policy.spec.matchConstraints = MatchResources(resourceRules=list(rules))
    policy.spec.validations = [Validation(expression=e) for e in expressions]
    policy.spec.variables = [Variable(name=n, expression=e) for n, e in (variables or {}).items()]
    policy.spec.paramKind = param_kind
    await world.client.create(policy)
    await world.start(validatingadmissionpolicystatus)
    await world.settle()
    found = await world.client.get(ValidatingAdmissionPolicy, "p")
    assert found.status.observedGeneration == 1
    return [w.warning for w in found.status.typeChecking.expressionWarnings or ()]


MISFIT = "found no matching overload for '_>_' applied to '(int, string)'"


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("object.spec.replicas > 1", None),
        ("object.spec.template.spec.containers.all(c, c.image.startsWith('x'))", None),
        ("object.metadata.creationTimestamp < timestamp('2030-01-01T00:00:00Z')", None),
        ("object.metadata.labels['a'] == 'b' && object.metadata.__namespace__ == ''", None),
        ("object.spec.template.spec.containers[0].resources.limits['cpu'] == '1'", None),
        ("oldObject == null || request.name == authorizer.path('/x').check('get').reason()", None),
        ("object.spec.replicas > '1'", MISFIT),
        ("object.spec.replica > 1", "undefined field 'replica'"),
        ("object.spec.template.spec.containers.all(c, c.image > 1)", "'_>_' applied to '(string, int)'"),
    ],
)
async def test_own_kinds(world, expression, expected):
    warnings = await checked(world, expression, rules=[rule("deployments")])
    if expected is None:
        assert warnings == []
    else:
        (warning,) = warnings
        assert warning.startswith("apps/v1, Kind=Deployment: ERROR: <input>:1:")
        assert expected in warning


async def test_variables_have_types(world):
    variables = {"count": "object.spec.replicas", "bad": "object.nothing"}
    (warning,) = await checked(
        world, "variables.count > '1'", "variables.bad > 1", rules=[rule("deployments")], variables=variables
    )
    assert MISFIT in warning


async def test_several_kinds(world):
    """Each kind has its own finding; what is named by a wildcard is not looked at."""
    rules = [rule("deployments", "replicasets", "deployments/scale"), rule("*"), rule("pods", groups=("*",))]
    (warning,) = await checked(world, "object.spec.strategy.type == ''", rules=rules)
    assert warning.startswith("apps/v1, Kind=ReplicaSet: ERROR")
    assert "Deployment" not in warning


async def test_custom_kinds(world):
    schema = {"openAPIV3Schema": {"type": "object", "properties": {"spec": SPEC}}}
    crd = {
        "metadata": {"name": "foos.a.example"},
        "spec": {
            "group": "a.example",
            "scope": "Namespaced",
            "names": {"plural": "foos", "kind": "Foo"},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": schema}],
        },
    }
    await world.client.request("POST", CRDS, body=crd)
    warnings = await checked(
        world,
        "object.spec.count > '1'",
        "object.metadata.name == 'x'",
        "params.spec.counts > 1",
        rules=[rule("foos", groups=("a.example",))],
        param_kind=ParamKind(apiVersion="a.example/v1", kind="Foo"),
    )
    assert [MISFIT in warnings[0], "undefined field 'counts'" in warnings[1]] == [True, True]
    assert len(warnings) == 2
