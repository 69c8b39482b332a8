"""What mutating policies make of objects, in which order, and what happens when they cannot."""

from __future__ import annotations

from typing import Any

import pytest
from tests.apiserver.conftest import MAPS, Api, config_map, pod
from tests.apiserver.crd.conftest import Customs, custom, definition, path, spec_schema, version
from tests.apiserver.policies.conftest import MUTATING, Policies

from steersman.apiserver.admission.framework import Review

PODS = "/api/v1/namespaces/default/pods"
ON_PODS = {"resources": ["pods"]}
START = "policy 'p' with binding 'p' denied request: "


def data(**values: str) -> str:
    """An expression that sets these data."""
    return "Object{data: {" + ", ".join(f'"{k}": {v}' for k, v in values.items()) + "}}"


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (data(b="'2'"), {"a": "1", "b": "2"}),
        (data(a="'2'"), {"a": "2"}),
        ("Object{}", {"a": "1"}),
        ("Object{?data: has(object.x) ? optional.of({'b': '2'}) : optional.none()}", {"a": "1"}),
        (data(n="request.operation", ns="namespaceObject.metadata.name"), {"a": "1", "n": "CREATE", "ns": "default"}),
        ("""[JSONPatch{op: "add", path: "/data/b", value: "2"}, JSONPatch{op: "remove", path: "/data/a"}]""", {"b": "2"}),
        ("""[JSONPatch{op: "test", path: "/data/a", value: "2"}, JSONPatch{op: "remove", path: "/data"}]""", {"a": "1"}),
        ("""[JSONPatch{op: "copy", from: "/data/a", path: "/data/" + jsonpatch.escapeKey("x/y~")}]""", None),
        ("""[JSONPatch{op: "replace", path: "/data", value: object.data.transformMapEntry(k, v, {k + k: v})}]""",
         {"aa": "1"}),
        ("""has(object.data) ? [JSONPatch{op: "add", path: "/data/b", value: "2"}] : []""", {"a": "1", "b": "2"}),
    ],
)  # fmt: skip
async def test_changes(api: Api, policies: Policies, expression: str, expected: dict[str, str] | None) -> None:
    await policies.mutate(expression)
    if expected is None:
        status = await api.post(MAPS, config_map(a="1"), code=422)
        assert 'data[x/y~]: Invalid value: "x/y~"' in status["message"]
        return
    made = await api.post(MAPS, config_map(a="1"))
    assert made["data"] == expected
    assert made["metadata"]["uid"]
    assert made["metadata"]["creationTimestamp"]
    assert (await api.get(f"{MAPS}/a"))["data"] == expected


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("Object{spec: Object.spec{x: 1}}", "error applying patch: failed to convert patch object to typed object: "
         ".spec: field not declared in schema"),
        ("Object{data: Object.metadata{}}", 'type mismatch: unexpected type name "Object.metadata", expected "Object.data", '
         "which matches field name path from root Object type"),
        ("Object{data: {'a': 1}}", "error applying patch: failed to convert patch object to typed object: .data.a: expected "
         "string, got &value.valueUnstructured{Value:1}"),
        ("Object{data: {'a': object.spec}}", "expression 'Object{data: {'a': object.spec}}' resulted in error: "
         "no such key: spec"),
        ("[JSONPatch{op: 'remove', path: '/spec'}]", "JSON Patch: "),
        ("[JSONPatch{op: 'add', path: '/data', value: Object.data{x: Object.y{}}}]", "type mismatch: unexpected type name "
         '"Object.y", expected "Object.data.x", which matches field name path from root Object type'),
    ],
)  # fmt: skip
async def test_what_cannot_be_done(api: Api, policies: Policies, expression: str, why: str) -> None:
    await policies.mutate(expression)
    status = await api.post(MAPS, config_map(), code=403)
    assert status["reason"] == "Invalid"
    assert status["message"].startswith(START + why.split("&value")[0]), status["message"]
    assert status["details"]["causes"] == [{"message": status["message"]}]
    await api.patch(f"{MUTATING}/p", {"spec": {"failurePolicy": "Ignore"}})
    await api.post(MAPS, config_map())


async def test_patches_make_no_unknown_fields(api: Api, policies: Policies) -> None:
    await policies.mutate("[JSONPatch{op: 'add', path: '/spec/containers/0/portz', value: []}]", rule=ON_PODS)
    status = await api.post(PODS, pod(), code=500)
    assert status["message"] == (
        'Internal error occurred: strict decoding error: unknown field "spec.containers[0].portz"'
    )


async def test_names_and_places(api: Api, policies: Policies) -> None:
    """A new object may be given another name, and nothing else of what says where it is."""
    await policies.mutate("Object{metadata: Object.metadata{name: 'renamed', uid: 'mine'}}", rule={"operations": ["*"]})
    made = await api.post(MAPS, config_map())
    assert made["metadata"]["name"] == "renamed"
    assert made["metadata"]["uid"] != "mine"
    assert (await api.get(f"{MAPS}/renamed"))["metadata"]["uid"] == made["metadata"]["uid"]
    await api.get(f"{MAPS}/a", code=404)
    await api.post(MAPS, config_map(), code=409)
    await api.patch(
        f"{MUTATING}/p", {"spec": {"mutations": [mutation_of("Object{metadata: Object.metadata{name: 'c'}}")]}}
    )
    status = await api.put(f"{MAPS}/renamed", config_map("renamed"), code=422)
    assert "metadata.name: Invalid value" in status["message"]
    other = "Object{metadata: Object.metadata{namespace: 'kube-system'}}"
    await api.patch(f"{MUTATING}/p", {"spec": {"mutations": [mutation_of(other)]}})
    await api.post(MAPS, config_map("d"), code=400)


async def test_lists_merge_by_their_keys(api: Api, policies: Policies) -> None:
    expression = """Object{spec: Object.spec{
      terminationGracePeriodSeconds: 5,
      initContainers: [Object.spec.initContainers{name: "proxy", image: "p:1", restartPolicy: "Always"}],
      containers: object.spec.containers.map(c, Object.spec.containers{
        name: c.name,
        env: [Object.spec.containers.env{name: "A", value: "1"}],
      })}}"""
    await policies.mutate(expression, rule=ON_PODS)
    given = pod()
    given["spec"]["containers"][0]["env"] = [{"name": "B", "value": "2"}]
    spec = (await api.post(PODS, given))["spec"]
    assert spec["terminationGracePeriodSeconds"] == 5
    (proxy,) = spec["initContainers"]
    # What the policy adds gets its defaults, and what other plugins give to containers.
    assert proxy["image"] == "p:1"
    assert proxy["terminationMessagePolicy"] == "File"
    (container,) = spec["containers"]
    assert container["image"] == "x"
    assert sorted(e["name"] for e in container["env"]) == ["A", "B"]


async def test_what_is_owned_whole_is_left_alone(api: Api, policies: Policies) -> None:
    expression = 'Object{spec: Object.spec{containers: [Object.spec.containers{name: "c", args: ["x"]}]}}'
    await policies.mutate(expression, rule=ON_PODS)
    status = await api.post(PODS, pod(), code=403)
    assert status["message"] == (
        f"{START}error applying patch: invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: "
        ".spec.containers[0].args"
    )


async def test_order(api: Api, policies: Policies) -> None:
    """Mutations see what those before them have done; a changed object is judged by the validating policies."""
    trace = "Object{data: {'trace': object.?data.trace.orValue('') + '%s'}}"
    await policies.mutate(trace % "a", trace % "b", name="p")
    await policies.mutate(trace % "c", name="q")
    await policies.validate("object.data.trace == 'abc'", name="v")
    made = await api.post(MAPS, config_map())
    assert made["data"] == {"trace": "abc"}


async def test_reinvocation(api: Api, policies: Policies) -> None:
    """Who asks for it is asked once more when others have changed the object since."""
    count = "Object{data: {'%s': object.?data.%s.orValue('') + 'x'}}"
    await policies.mutate(count % ("p", "p"), name="p", reinvocationPolicy="IfNeeded")
    await policies.mutate(count % ("q", "q"), name="q")
    made = await api.post(MAPS, config_map())
    assert made["data"] == {"p": "xx", "q": "x"}


async def test_update_and_delete(api: Api, policies: Policies) -> None:
    await api.post(MAPS, config_map(a="1"))
    await policies.mutate(data(was="oldObject.data.a"), rule={"operations": ["*"]})
    changed = await api.patch(f"{MAPS}/a", {"data": {"a": "2"}})
    assert changed["data"] == {"a": "2", "was": "1"}
    assert changed["metadata"]["uid"]
    await api.delete(f"{MAPS}/a")


async def test_applied_objects(api: Api, policies: Policies) -> None:
    """What a policy adds belongs to nobody, so that it does not get in the way of whoever applies."""
    await policies.mutate(data(b="'2'"))
    apply = {"apiVersion": "v1", "kind": "ConfigMap", **config_map(a="1")}
    for value in ("1", "3"):
        apply["data"] = {"a": value}
        made = await api.patch(f"{MAPS}/a?fieldManager=m", apply, "apply-patch+yaml")
        assert made["data"] == {"a": value, "b": "2"}


async def test_conditions_and_variables(api: Api, policies: Policies) -> None:
    await policies.mutate(
        data(b="variables.twice"),
        matchConditions=[{"name": "new", "expression": "!has(object.data.b)"}],
        variables=[{"name": "twice", "expression": "object.data.a + object.data.a"}],
        reinvocationPolicy="IfNeeded",
    )
    assert (await api.post(MAPS, config_map(a="1")))["data"] == {"a": "1", "b": "11"}
    assert (await api.post(MAPS, config_map("c", b="1")))["data"] == {"b": "1"}
    undecided = [{"name": "x", "expression": "object.data.x == '1'"}]
    await api.patch(f"{MUTATING}/p", {"spec": {"matchConditions": undecided}})
    status = await api.post(MAPS, config_map("d", y="1"), code=403)
    assert status["message"] == f"{START}expression 'object.data.x == '1'' resulted in error: no such key: x"


async def test_other_versions(api: Api, policies: Policies) -> None:
    """A policy for one version changes what is written in another."""
    rule = {"apiGroups": ["autoscaling"], "apiVersions": ["v1"], "resources": ["horizontalpodautoscalers"]}
    await policies.mutate("Object{spec: Object.spec{targetCPUUtilizationPercentage: 70}}", rule=rule)
    await policies.mutate("Object{spec: Object.spec{maxReplicas: 9}}", name="q", rule={**rule, "apiVersions": ["v2"]})
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "d"}
    where = "/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers"
    made = await api.post(where, {"metadata": {"name": "h"}, "spec": {"scaleTargetRef": target, "maxReplicas": 3}})
    assert made["spec"]["targetCPUUtilizationPercentage"] == 70
    assert made["spec"]["maxReplicas"] == 9


async def test_scale(api: Api, policies: Policies) -> None:
    labels = {"app": "a"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "x"}]}}
    deployments = "/apis/apps/v1/namespaces/default/deployments"
    spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}
    await api.post(deployments, {"metadata": {"name": "d"}, "spec": spec})
    rule = {"apiGroups": ["apps"], "resources": ["deployments/scale"]}
    await policies.mutate(
        "Object{spec: Object.spec{replicas: object.spec.replicas > 5 ? 5 : object.spec.replicas}}", rule=rule
    )
    await api.patch(f"{deployments}/d/scale", {"spec": {"replicas": 9}})
    assert (await api.get(f"{deployments}/d"))["spec"]["replicas"] == 5


async def test_connections_have_nothing_to_change(api: Api, policies: Policies) -> None:
    await api.post("/api/v1/nodes", {"metadata": {"name": "n"}})
    await api.post(PODS, pod(nodeName="n"))
    rule = {"operations": ["CONNECT"], "resources": ["pods/exec"]}
    await policies.mutate("[JSONPatch{op: 'add', path: '/container', value: 'c'}]", rule=rule)
    status = await api.get(f"{PODS}/a/exec?command=sh", code=503)
    assert status["message"].startswith("Resource kind /v1, Kind=PodExecOptions not found. There can be a delay ")


async def test_webhooks_come_after(api: Api, policies: Policies, monkeypatch: pytest.MonkeyPatch) -> None:
    """Policies change an object before webhooks do, and judge it before they do."""
    calls: list[str] = []
    for name in ("mutate", "validate"):

        async def note(review: Review, name: str = name) -> None:
            calls.append(f"{name} {(getattr(review.object, 'data', None) or {}).get('b')}")

        monkeypatch.setattr(api.app.webhooks, name, note)
    await policies.mutate(data(b="'2'"))
    await policies.validate("object.data.b == '2'", name="v")
    calls.clear()
    await api.post(MAPS, config_map(a="1"))
    assert calls == ["mutate 2", "mutate 2", "validate 2"]
    await policies.validate("object.data.b == '3'", name="w")
    calls.clear()
    await api.post(MAPS, config_map("c"), code=422)
    assert calls == ["mutate 2", "mutate 2"]


async def test_custom_resources(crds: Customs) -> None:
    policies = Policies(crds)
    schema = spec_schema(a={"type": "string"}, b={"type": "integer", "default": 4})
    await crds.define(definition("CronTab", version(schema=schema)))
    rule = {"apiGroups": ["stable.example.com"], "resources": ["crontabs"]}
    await policies.mutate("Object{spec: Object.spec{a: 'set'}}", rule=rule)
    await policies.validate("object.spec.a != 'bad' && object.spec.b == 4", name="v", rule=rule)
    made = await crds.post(path(), custom(spec={}))
    assert made["spec"] == {"a": "set", "b": 4}
    await crds.patch(f"{MUTATING}/p", {"spec": {"mutations": [mutation_of("Object{spec: Object.spec{a: 'bad'}}")]}})
    await crds.post(path(), custom("b", spec={}), code=422)
    await crds.patch(f"{MUTATING}/p", {"spec": {"mutations": [mutation_of("Object{spec: Object.spec{c: 'x'}}")]}})
    status = await crds.post(path(), custom("b", spec={}), code=403)
    assert ".spec.c: field not declared in schema" in status["message"]


def mutation_of(expression: str) -> dict[str, Any]:
    return {"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": expression}}
