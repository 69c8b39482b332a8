"""The parameters of policies: by name and by labels, with and without a namespace, and what if there are none."""

from __future__ import annotations

from typing import Any

import pytest
from tests.apiserver.conftest import MAPS, Api, config_map
from tests.apiserver.crd.conftest import CRDS, Customs, custom, definition, path, spec_schema, version
from tests.apiserver.policies.conftest import VALIDATING, VALIDATING_BINDINGS, Policies

OF_MAPS = {"apiVersion": "v1", "kind": "ConfigMap"}
ON_SECRETS = {"resources": ["secrets"]}
SECRETS = "/api/v1/namespaces/default/secrets"
OTHERS = "/api/v1/namespaces/other/configmaps"


def ref(action: str = "Deny", **given: Any) -> dict[str, Any]:
    return {"paramRef": {"parameterNotFoundAction": action, **given}}


def labelled(called: str, **data: str) -> dict[str, Any]:
    return {"metadata": {"name": called, "labels": {"limits": "yes"}}, "data": data}


async def refused(api: Api, why: str, code: int = 422) -> None:
    status = await api.post(SECRETS, {"metadata": {"name": "s"}}, code=code)
    assert status["message"].endswith(f"denied request: {why}"), status["message"]


SELECTED = {"selector": {"matchLabels": {"limits": "yes"}}}


@pytest.mark.parametrize(
    ("given", "allowed"),
    [
        ({"name": "here"}, True),
        ({"name": "here", "namespace": "other"}, False),
        ({"name": "there", "namespace": "other"}, False),
        (SELECTED, True),
        ({**SELECTED, "namespace": "other"}, False),
        ({"selector": {}, "namespace": "default"}, True),
    ],
)
async def test_where_they_are(api: Api, policies: Policies, given: dict[str, Any], allowed: bool) -> None:
    await api.post("/api/v1/namespaces", {"metadata": {"name": "other"}})
    await api.post(MAPS, labelled("here", allow="yes"))
    await api.post(OTHERS, labelled("there", allow="no"))
    text = "params.data.allow == 'yes' && params.kind == 'ConfigMap' && params.apiVersion == 'v1'"
    binding = ref(**given)
    await policies.validate(text, paramKind=OF_MAPS, rule=ON_SECRETS, binding=binding)
    if allowed:
        await api.post(SECRETS, {"metadata": {"name": "s"}})
    elif given.get("name") == "here":
        why = "failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction"
        await refused(api, why)
    else:
        await refused(api, f"failed expression: {text}")


async def test_all_must_agree(api: Api, policies: Policies) -> None:
    await api.post(MAPS, labelled("one", name="s"))
    text = "object.metadata.name == params.data.name"
    await policies.validate(text, paramKind=OF_MAPS, rule=ON_SECRETS, binding=ref(**SELECTED))
    await api.post(f"{SECRETS}?dryRun=All", {"metadata": {"name": "s"}})
    await api.post(MAPS, labelled("two", name="t"))
    await refused(api, f"failed expression: {text}")
    await api.patch(f"{MAPS}/two", {"data": {"name": "s"}})
    await api.post(SECRETS, {"metadata": {"name": "s"}})


async def test_none_may_be_allowed(api: Api, policies: Policies) -> None:
    await policies.validate("false", paramKind=OF_MAPS, rule=ON_SECRETS, binding=ref("Allow", name="x"))
    await api.post(SECRETS, {"metadata": {"name": "s"}})


async def test_without_a_reference(api: Api, policies: Policies) -> None:
    await policies.validate("params == null", paramKind=OF_MAPS, rule=ON_SECRETS)
    await api.post(SECRETS, {"metadata": {"name": "s"}})


async def test_no_namespace_to_look_in(api: Api, policies: Policies) -> None:
    rule = {"apiGroups": [""], "resources": ["nodes"]}
    await policies.validate("true", paramKind=OF_MAPS, rule=rule, binding=ref(name="x"))
    status = await api.post("/api/v1/nodes", {"metadata": {"name": "n"}}, code=422)
    assert status["message"].endswith(
        "failed to configure binding: cannot use namespaced paramRef in policy binding that matches cluster-scoped resources"
    )


async def test_a_namespace_for_what_has_none(api: Api, policies: Policies) -> None:
    kind = {"apiVersion": "v1", "kind": "Node"}
    await policies.validate("true", paramKind=kind, rule=ON_SECRETS, binding=ref(name="n", namespace="default"))
    await refused(
        api, "failed to configure binding: paramRef.namespace must not be provided for a cluster-scoped `paramKind`"
    )


async def test_custom_kinds(crds: Customs) -> None:
    """A kind may come after the policy, and go before it."""
    policies = Policies(crds)
    kind = {"apiVersion": "stable.example.com/v1", "kind": "CronTab"}
    await policies.validate("params.spec.max > 1", paramKind=kind, rule=ON_SECRETS, binding=ref(name="a"))
    lost = "failed to configure policy: failed to find resource referenced by paramKind: 'stable.example.com/v1, Kind=CronTab'"
    status = await crds.post(SECRETS, {"metadata": {"name": "s"}}, code=422)
    assert status["message"] == f"secrets \"s\" is forbidden: ValidatingAdmissionPolicy 'p' denied request: {lost}"
    await crds.define(definition("CronTab", version(schema=spec_schema(max={"type": "integer"}))))
    await refused(
        crds, "failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction"
    )
    await crds.post(path(), custom(spec={"max": 2}))
    await crds.post(SECRETS, {"metadata": {"name": "s"}})
    await crds.delete(f"{CRDS}/crontabs.stable.example.com")
    await crds.gone(f"{CRDS}/crontabs.stable.example.com")
    await crds.post(SECRETS, {"metadata": {"name": "t"}}, code=422)
    await crds.patch(f"{VALIDATING}/p", {"spec": {"failurePolicy": "Ignore"}})
    await crds.post(SECRETS, {"metadata": {"name": "t"}})


async def test_mutations(api: Api, policies: Policies) -> None:
    """Each parameter makes its own changes."""
    for name in ("one", "two"):
        await api.post(OTHERS.replace("other", "default"), labelled(name, key=name))
    await policies.mutate(
        "Object{metadata: Object.metadata{annotations: {params.data.key: 'yes'}}}",
        paramKind=OF_MAPS,
        rule=ON_SECRETS,
        binding=ref(**SELECTED),
    )
    made = await api.post(SECRETS, {"metadata": {"name": "s"}})
    assert made["metadata"]["annotations"] == {"one": "yes", "two": "yes"}
    await api.post(
        VALIDATING_BINDINGS,
        {"metadata": {"name": "lonely"}, "spec": {"policyName": "x", "validationActions": ["Deny"]}},
    )
    await api.post(MAPS, config_map("c"))
